from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.api_key import ApiKey


T = TypeVar("T", bound="ApiKeyList")


@_attrs_define
class ApiKeyList:
    """A page of api_keys.

    Attributes:
        api_keys (list[ApiKey]):
        has_more (bool):
        limit (int):
        next_cursor (None | str): Send it as `cursor` to read on.
        offset (int):
        page (int):
        total (int): How many match the filters.
        total_pages (int):
        total_is_exact (bool | Unset): Present, and false, only when there are more matches than `total` says.
    """

    api_keys: list[ApiKey]
    has_more: bool
    limit: int
    next_cursor: None | str
    offset: int
    page: int
    total: int
    total_pages: int
    total_is_exact: bool | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        api_keys = []
        for api_keys_item_data in self.api_keys:
            api_keys_item = api_keys_item_data.to_dict()
            api_keys.append(api_keys_item)

        has_more = self.has_more

        limit = self.limit

        next_cursor: None | str
        next_cursor = self.next_cursor

        offset = self.offset

        page = self.page

        total = self.total

        total_pages = self.total_pages

        total_is_exact = self.total_is_exact

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "api_keys": api_keys,
                "has_more": has_more,
                "limit": limit,
                "next_cursor": next_cursor,
                "offset": offset,
                "page": page,
                "total": total,
                "total_pages": total_pages,
            }
        )
        if total_is_exact is not UNSET:
            field_dict["total_is_exact"] = total_is_exact

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.api_key import ApiKey  # noqa: PLC0415

        d = dict(src_dict)
        api_keys = []
        _api_keys = d.pop("api_keys")
        for api_keys_item_data in _api_keys:
            api_keys_item = ApiKey.from_dict(api_keys_item_data)

            api_keys.append(api_keys_item)

        has_more = d.pop("has_more")

        limit = d.pop("limit")

        def _parse_next_cursor(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        next_cursor = _parse_next_cursor(d.pop("next_cursor"))

        offset = d.pop("offset")

        page = d.pop("page")

        total = d.pop("total")

        total_pages = d.pop("total_pages")

        total_is_exact = d.pop("total_is_exact", UNSET)

        api_key_list = cls(
            api_keys=api_keys,
            has_more=has_more,
            limit=limit,
            next_cursor=next_cursor,
            offset=offset,
            page=page,
            total=total,
            total_pages=total_pages,
            total_is_exact=total_is_exact,
        )

        api_key_list.additional_properties = d
        return api_key_list

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
