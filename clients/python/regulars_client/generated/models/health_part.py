from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.health_part_status import HealthPartStatus
from ..types import UNSET, Unset

T = TypeVar("T", bound="HealthPart")


@_attrs_define
class HealthPart:
    """The state of one part of the deployment.

    Attributes:
        status (HealthPartStatus):
        backlog (int | Unset): Jobs that wait or run.
        detail (str | Unset): What is wrong.
        kind (str | Unset): Which kind of it is in use. Example: sqlite.
    """

    status: HealthPartStatus
    backlog: int | Unset = UNSET
    detail: str | Unset = UNSET
    kind: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        status = self.status.value

        backlog = self.backlog

        detail = self.detail

        kind = self.kind

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "status": status,
            }
        )
        if backlog is not UNSET:
            field_dict["backlog"] = backlog
        if detail is not UNSET:
            field_dict["detail"] = detail
        if kind is not UNSET:
            field_dict["kind"] = kind

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        status = HealthPartStatus(d.pop("status"))

        backlog = d.pop("backlog", UNSET)

        detail = d.pop("detail", UNSET)

        kind = d.pop("kind", UNSET)

        health_part = cls(
            status=status,
            backlog=backlog,
            detail=detail,
            kind=kind,
        )

        health_part.additional_properties = d
        return health_part

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
