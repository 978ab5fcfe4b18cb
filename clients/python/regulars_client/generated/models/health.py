from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.health_status import HealthStatus

if TYPE_CHECKING:
    from ..models.health_components import HealthComponents


T = TypeVar("T", bound="Health")


@_attrs_define
class Health:
    """The state of the process and of what it needs.

    Attributes:
        components (HealthComponents): `database`, `storage`, `mail`, `jobs`.
        read_only (bool): The disk is full: what is stored can be read, and nothing can be changed.
        service (str): The setting `service_name`. Example: regulars.
        status (HealthStatus):
        timestamp (datetime.datetime): When it was found out.
        version (str): The release.
    """

    components: HealthComponents
    read_only: bool
    service: str
    status: HealthStatus
    timestamp: datetime.datetime
    version: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        components = self.components.to_dict()

        read_only = self.read_only

        service = self.service

        status = self.status.value

        timestamp = self.timestamp.isoformat()

        version = self.version

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "components": components,
                "read_only": read_only,
                "service": service,
                "status": status,
                "timestamp": timestamp,
                "version": version,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.health_components import HealthComponents  # noqa: PLC0415

        d = dict(src_dict)
        components = HealthComponents.from_dict(d.pop("components"))

        read_only = d.pop("read_only")

        service = d.pop("service")

        status = HealthStatus(d.pop("status"))

        timestamp = datetime.datetime.fromisoformat(d.pop("timestamp"))

        version = d.pop("version")

        health = cls(
            components=components,
            read_only=read_only,
            service=service,
            status=status,
            timestamp=timestamp,
            version=version,
        )

        health.additional_properties = d
        return health

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
