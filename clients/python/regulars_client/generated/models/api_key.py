from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.api_key_maker import ApiKeyMaker


T = TypeVar("T", bound="ApiKey")


@_attrs_define
class ApiKey:
    """A key for a program. Its secret is shown once, when it is made.

    Attributes:
        company_id (None | str): The company that it is confined to. Example: COMP-001.
        created_at (datetime.datetime): Creation.
        created_by (ApiKeyMaker): Who made a key.
        expires_at (datetime.datetime | None): When it ends by itself.
        id (UUID): Its id.
        name (str): How it appears as actor and author. Example: nightly import.
        revoked_at (datetime.datetime | None): When it was revoked.
        role (str): Role code. Example: employee.
        scopes (list[str]): Permissions that narrow the role; none leave it whole.
        state (str): `active`, `expired`, `revoked`, or `orphaned`: who made it has left or may do less than it now.
            Example: active.
        updated_at (datetime.datetime): Last change.
        version (int): Counts changes.
    """

    company_id: None | str
    created_at: datetime.datetime
    created_by: ApiKeyMaker
    expires_at: datetime.datetime | None
    id: UUID
    name: str
    revoked_at: datetime.datetime | None
    role: str
    scopes: list[str]
    state: str
    updated_at: datetime.datetime
    version: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        company_id: None | str
        company_id = self.company_id

        created_at = self.created_at.isoformat()

        created_by = self.created_by.to_dict()

        expires_at: None | str
        if isinstance(self.expires_at, datetime.datetime):
            expires_at = self.expires_at.isoformat()
        else:
            expires_at = self.expires_at

        id = str(self.id)

        name = self.name

        revoked_at: None | str
        if isinstance(self.revoked_at, datetime.datetime):
            revoked_at = self.revoked_at.isoformat()
        else:
            revoked_at = self.revoked_at

        role = self.role

        scopes = self.scopes

        state = self.state

        updated_at = self.updated_at.isoformat()

        version = self.version

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "company_id": company_id,
                "created_at": created_at,
                "created_by": created_by,
                "expires_at": expires_at,
                "id": id,
                "name": name,
                "revoked_at": revoked_at,
                "role": role,
                "scopes": scopes,
                "state": state,
                "updated_at": updated_at,
                "version": version,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.api_key_maker import ApiKeyMaker  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_company_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        company_id = _parse_company_id(d.pop("company_id"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        created_by = ApiKeyMaker.from_dict(d.pop("created_by"))

        def _parse_expires_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                expires_at_type_0 = datetime.datetime.fromisoformat(data)

                return expires_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        expires_at = _parse_expires_at(d.pop("expires_at"))

        id = UUID(d.pop("id"))

        name = d.pop("name")

        def _parse_revoked_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                revoked_at_type_0 = datetime.datetime.fromisoformat(data)

                return revoked_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        revoked_at = _parse_revoked_at(d.pop("revoked_at"))

        role = d.pop("role")

        scopes = cast(list[str], d.pop("scopes"))

        state = d.pop("state")

        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))

        version = d.pop("version")

        api_key = cls(
            company_id=company_id,
            created_at=created_at,
            created_by=created_by,
            expires_at=expires_at,
            id=id,
            name=name,
            revoked_at=revoked_at,
            role=role,
            scopes=scopes,
            state=state,
            updated_at=updated_at,
            version=version,
        )

        api_key.additional_properties = d
        return api_key

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
