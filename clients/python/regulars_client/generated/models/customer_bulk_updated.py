from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.customer_bulk_failure import CustomerBulkFailure


T = TypeVar("T", bound="CustomerBulkUpdated")


@_attrs_define
class CustomerBulkUpdated:
    """What became of each of the customers that were named.

    Attributes:
        failed (list[CustomerBulkFailure]): Those that were left as they are, and why.
        not_found (list[str]): As they were named.
        unchanged (list[str]): Public ids of those that were so already.
        updated (list[str]): Public ids of the changed ones.
        updated_count (int): How many were changed.
    """

    failed: list[CustomerBulkFailure]
    not_found: list[str]
    unchanged: list[str]
    updated: list[str]
    updated_count: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        failed = []
        for failed_item_data in self.failed:
            failed_item = failed_item_data.to_dict()
            failed.append(failed_item)

        not_found = self.not_found

        unchanged = self.unchanged

        updated = self.updated

        updated_count = self.updated_count

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "failed": failed,
                "not_found": not_found,
                "unchanged": unchanged,
                "updated": updated,
                "updated_count": updated_count,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.customer_bulk_failure import CustomerBulkFailure  # noqa: PLC0415

        d = dict(src_dict)
        failed = []
        _failed = d.pop("failed")
        for failed_item_data in _failed:
            failed_item = CustomerBulkFailure.from_dict(failed_item_data)

            failed.append(failed_item)

        not_found = cast(list[str], d.pop("not_found"))

        unchanged = cast(list[str], d.pop("unchanged"))

        updated = cast(list[str], d.pop("updated"))

        updated_count = d.pop("updated_count")

        customer_bulk_updated = cls(
            failed=failed,
            not_found=not_found,
            unchanged=unchanged,
            updated=updated,
            updated_count=updated_count,
        )

        customer_bulk_updated.additional_properties = d
        return customer_bulk_updated

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
