from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.avatar import Avatar


T = TypeVar("T", bound="User")


@_attrs_define
class User:
    """A user, as it reads itself and as staff read it.

    Attributes:
        address (None | str): Postal address in one text.
        avatar (Avatar | None):
        company_id (None | str): `COMP-001`.
        created_at (datetime.datetime): Creation.
        date_joined (datetime.datetime): The same as `created_at`.
        document_type (None | str): Code of the kind of identity document.
        email (None | str): As it was typed; absent for somebody who is only reached by phone.
        email_verified (bool): The address was proved, or staff marked it.
        first_name (str): Given name.
        id (UUID): UUIDv7.
        is_active (bool): May log in.
        is_staff (bool): Every role but customer.
        is_superuser (bool): The role admin.
        last_login (datetime.datetime | None): Last login.
        last_name (str): Family name.
        locale (None | str): BCP 47.
        number_document_identity (None | str): Number on the identity document.
        pending_email (None | str): An address that waits for its owner's proof.
        phone (None | str): As it was typed.
        phone_verified (bool): The phone was proved, or staff marked it.
        role (str): Role code.
        unique_id (str): `USER-10000000`.
        updated_at (datetime.datetime): Last change.
        username (str): Lower case, unique.
        version (int): Counts changes.
    """

    address: None | str
    avatar: Avatar | None
    company_id: None | str
    created_at: datetime.datetime
    date_joined: datetime.datetime
    document_type: None | str
    email: None | str
    email_verified: bool
    first_name: str
    id: UUID
    is_active: bool
    is_staff: bool
    is_superuser: bool
    last_login: datetime.datetime | None
    last_name: str
    locale: None | str
    number_document_identity: None | str
    pending_email: None | str
    phone: None | str
    phone_verified: bool
    role: str
    unique_id: str
    updated_at: datetime.datetime
    username: str
    version: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.avatar import Avatar  # noqa: PLC0415

        address: None | str
        address = self.address

        avatar: dict[str, Any] | None
        if isinstance(self.avatar, Avatar):
            avatar = self.avatar.to_dict()
        else:
            avatar = self.avatar

        company_id: None | str
        company_id = self.company_id

        created_at = self.created_at.isoformat()

        date_joined = self.date_joined.isoformat()

        document_type: None | str
        document_type = self.document_type

        email: None | str
        email = self.email

        email_verified = self.email_verified

        first_name = self.first_name

        id = str(self.id)

        is_active = self.is_active

        is_staff = self.is_staff

        is_superuser = self.is_superuser

        last_login: None | str
        if isinstance(self.last_login, datetime.datetime):
            last_login = self.last_login.isoformat()
        else:
            last_login = self.last_login

        last_name = self.last_name

        locale: None | str
        locale = self.locale

        number_document_identity: None | str
        number_document_identity = self.number_document_identity

        pending_email: None | str
        pending_email = self.pending_email

        phone: None | str
        phone = self.phone

        phone_verified = self.phone_verified

        role = self.role

        unique_id = self.unique_id

        updated_at = self.updated_at.isoformat()

        username = self.username

        version = self.version

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "address": address,
                "avatar": avatar,
                "company_id": company_id,
                "created_at": created_at,
                "date_joined": date_joined,
                "document_type": document_type,
                "email": email,
                "email_verified": email_verified,
                "first_name": first_name,
                "id": id,
                "is_active": is_active,
                "is_staff": is_staff,
                "is_superuser": is_superuser,
                "last_login": last_login,
                "last_name": last_name,
                "locale": locale,
                "number_document_identity": number_document_identity,
                "pending_email": pending_email,
                "phone": phone,
                "phone_verified": phone_verified,
                "role": role,
                "unique_id": unique_id,
                "updated_at": updated_at,
                "username": username,
                "version": version,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.avatar import Avatar  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_address(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        address = _parse_address(d.pop("address"))

        def _parse_avatar(data: object) -> Avatar | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                avatar_type_0 = Avatar.from_dict(data)

                return avatar_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Avatar | None, data)

        avatar = _parse_avatar(d.pop("avatar"))

        def _parse_company_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        company_id = _parse_company_id(d.pop("company_id"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        date_joined = datetime.datetime.fromisoformat(d.pop("date_joined"))

        def _parse_document_type(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        document_type = _parse_document_type(d.pop("document_type"))

        def _parse_email(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        email = _parse_email(d.pop("email"))

        email_verified = d.pop("email_verified")

        first_name = d.pop("first_name")

        id = UUID(d.pop("id"))

        is_active = d.pop("is_active")

        is_staff = d.pop("is_staff")

        is_superuser = d.pop("is_superuser")

        def _parse_last_login(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                last_login_type_0 = datetime.datetime.fromisoformat(data)

                return last_login_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        last_login = _parse_last_login(d.pop("last_login"))

        last_name = d.pop("last_name")

        def _parse_locale(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        locale = _parse_locale(d.pop("locale"))

        def _parse_number_document_identity(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        number_document_identity = _parse_number_document_identity(d.pop("number_document_identity"))

        def _parse_pending_email(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        pending_email = _parse_pending_email(d.pop("pending_email"))

        def _parse_phone(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        phone = _parse_phone(d.pop("phone"))

        phone_verified = d.pop("phone_verified")

        role = d.pop("role")

        unique_id = d.pop("unique_id")

        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))

        username = d.pop("username")

        version = d.pop("version")

        user = cls(
            address=address,
            avatar=avatar,
            company_id=company_id,
            created_at=created_at,
            date_joined=date_joined,
            document_type=document_type,
            email=email,
            email_verified=email_verified,
            first_name=first_name,
            id=id,
            is_active=is_active,
            is_staff=is_staff,
            is_superuser=is_superuser,
            last_login=last_login,
            last_name=last_name,
            locale=locale,
            number_document_identity=number_document_identity,
            pending_email=pending_email,
            phone=phone,
            phone_verified=phone_verified,
            role=role,
            unique_id=unique_id,
            updated_at=updated_at,
            username=username,
            version=version,
        )

        user.additional_properties = d
        return user

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
