from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="ServiceCount")


@_attrs_define
class ServiceCount:
    """What counting a service answers.

    Attributes:
        last_service_date (datetime.datetime): The latest service.
        total_services (int): Completed services, this one included.
    """

    last_service_date: datetime.datetime
    total_services: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        last_service_date = self.last_service_date.isoformat()

        total_services = self.total_services

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "last_service_date": last_service_date,
                "total_services": total_services,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        last_service_date = datetime.datetime.fromisoformat(d.pop("last_service_date"))

        total_services = d.pop("total_services")

        service_count = cls(
            last_service_date=last_service_date,
            total_services=total_services,
        )

        service_count.additional_properties = d
        return service_count

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
