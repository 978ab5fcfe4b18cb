from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="ServiceDone")


@_attrs_define
class ServiceDone:
    """
    Attributes:
        service_date (datetime.datetime | None | Unset):
    """

    service_date: datetime.datetime | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        service_date: None | str | Unset
        if isinstance(self.service_date, Unset):
            service_date = UNSET
        elif isinstance(self.service_date, datetime.datetime):
            service_date = self.service_date.isoformat()
        else:
            service_date = self.service_date

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if service_date is not UNSET:
            field_dict["service_date"] = service_date

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_service_date(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                service_date_type_0 = datetime.datetime.fromisoformat(data)

                return service_date_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        service_date = _parse_service_date(d.pop("service_date", UNSET))

        service_done = cls(
            service_date=service_date,
        )

        return service_done
