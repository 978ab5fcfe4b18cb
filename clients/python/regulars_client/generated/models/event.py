from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.event_actor import EventActor
    from ..models.event_changes import EventChanges
    from ..models.event_subject import EventSubject


T = TypeVar("T", bound="Event")


@_attrs_define
class Event:
    """Something that happened to a record.

    Attributes:
        action (str): `<record>.<what happened>`. Example: customer.updated.
        actor (EventActor): Who did something.
        at (datetime.datetime): When it happened.
        company_id (None | str): The company whose staff may see it. Example: COMP-001.
        customer_id (None | str): The customer whom it concerns. Example: CUST_A1B2C3D4.
        fields (list[str]): Names of the fields that changed.
        id (UUID): Its id, the same wherever the event is published.
        request_id (str): The request in which it happened.
        seq (str): Its place in the feed; a number written as text, because JavaScript rounds numbers of this size.
            Example: 51904512.
        subject (EventSubject): The record to which something happened.
        changes (EventChanges | Unset): What an event changed.
    """

    action: str
    actor: EventActor
    at: datetime.datetime
    company_id: None | str
    customer_id: None | str
    fields: list[str]
    id: UUID
    request_id: str
    seq: str
    subject: EventSubject
    changes: EventChanges | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        action = self.action

        actor = self.actor.to_dict()

        at = self.at.isoformat()

        company_id: None | str
        company_id = self.company_id

        customer_id: None | str
        customer_id = self.customer_id

        fields = self.fields

        id = str(self.id)

        request_id = self.request_id

        seq = self.seq

        subject = self.subject.to_dict()

        changes: dict[str, Any] | Unset = UNSET
        if not isinstance(self.changes, Unset):
            changes = self.changes.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "action": action,
                "actor": actor,
                "at": at,
                "company_id": company_id,
                "customer_id": customer_id,
                "fields": fields,
                "id": id,
                "request_id": request_id,
                "seq": seq,
                "subject": subject,
            }
        )
        if changes is not UNSET:
            field_dict["changes"] = changes

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.event_actor import EventActor  # noqa: PLC0415
        from ..models.event_changes import EventChanges  # noqa: PLC0415
        from ..models.event_subject import EventSubject  # noqa: PLC0415

        d = dict(src_dict)
        action = d.pop("action")

        actor = EventActor.from_dict(d.pop("actor"))

        at = datetime.datetime.fromisoformat(d.pop("at"))

        def _parse_company_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        company_id = _parse_company_id(d.pop("company_id"))

        def _parse_customer_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        customer_id = _parse_customer_id(d.pop("customer_id"))

        fields = cast(list[str], d.pop("fields"))

        id = UUID(d.pop("id"))

        request_id = d.pop("request_id")

        seq = d.pop("seq")

        subject = EventSubject.from_dict(d.pop("subject"))

        _changes = d.pop("changes", UNSET)
        changes: EventChanges | Unset
        if isinstance(_changes, Unset):
            changes = UNSET
        else:
            changes = EventChanges.from_dict(_changes)

        event = cls(
            action=action,
            actor=actor,
            at=at,
            company_id=company_id,
            customer_id=customer_id,
            fields=fields,
            id=id,
            request_id=request_id,
            seq=seq,
            subject=subject,
            changes=changes,
        )

        event.additional_properties = d
        return event

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
