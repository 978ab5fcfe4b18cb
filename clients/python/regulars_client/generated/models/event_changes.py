from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.event_changes_after_type_0 import EventChangesAfterType0
    from ..models.event_changes_before_type_0 import EventChangesBeforeType0


T = TypeVar("T", bound="EventChanges")


@_attrs_define
class EventChanges:
    """What an event changed.

    Attributes:
        after (EventChangesAfterType0 | None):
        before (EventChangesBeforeType0 | None):
        ip (None | str): The address from which it was done.
    """

    after: EventChangesAfterType0 | None
    before: EventChangesBeforeType0 | None
    ip: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.event_changes_after_type_0 import EventChangesAfterType0  # noqa: PLC0415
        from ..models.event_changes_before_type_0 import EventChangesBeforeType0  # noqa: PLC0415

        after: dict[str, Any] | None
        if isinstance(self.after, EventChangesAfterType0):
            after = self.after.to_dict()
        else:
            after = self.after

        before: dict[str, Any] | None
        if isinstance(self.before, EventChangesBeforeType0):
            before = self.before.to_dict()
        else:
            before = self.before

        ip: None | str
        ip = self.ip

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "after": after,
                "before": before,
                "ip": ip,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.event_changes_after_type_0 import EventChangesAfterType0  # noqa: PLC0415
        from ..models.event_changes_before_type_0 import EventChangesBeforeType0  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_after(data: object) -> EventChangesAfterType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                after_type_0 = EventChangesAfterType0.from_dict(data)

                return after_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(EventChangesAfterType0 | None, data)

        after = _parse_after(d.pop("after"))

        def _parse_before(data: object) -> EventChangesBeforeType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                before_type_0 = EventChangesBeforeType0.from_dict(data)

                return before_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(EventChangesBeforeType0 | None, data)

        before = _parse_before(d.pop("before"))

        def _parse_ip(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        ip = _parse_ip(d.pop("ip"))

        event_changes = cls(
            after=after,
            before=before,
            ip=ip,
        )

        event_changes.additional_properties = d
        return event_changes

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
