from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="AccountChange")


@_attrs_define
class AccountChange:
    """
    Attributes:
        active (bool | None | Unset): Another spelling of `is_active`.
        address (None | str | Unset):
        company_id (None | str | Unset):
        document_type (None | str | Unset):
        email (str | Unset):
        email_verified (bool | None | Unset):
        first_name (str | Unset):
        is_active (bool | None | Unset):
        last_name (str | Unset):
        locale (None | str | Unset):
        number_document_identity (None | str | Unset):
        phone (None | str | Unset):
        phone_number (None | str | Unset): Another spelling of `phone`.
        phone_verified (bool | None | Unset):
        role (None | str | Unset):
        user_role (None | str | Unset): Another spelling of `role`.
        username (None | str | Unset):
    """

    active: bool | None | Unset = UNSET
    address: None | str | Unset = UNSET
    company_id: None | str | Unset = UNSET
    document_type: None | str | Unset = UNSET
    email: str | Unset = UNSET
    email_verified: bool | None | Unset = UNSET
    first_name: str | Unset = UNSET
    is_active: bool | None | Unset = UNSET
    last_name: str | Unset = UNSET
    locale: None | str | Unset = UNSET
    number_document_identity: None | str | Unset = UNSET
    phone: None | str | Unset = UNSET
    phone_number: None | str | Unset = UNSET
    phone_verified: bool | None | Unset = UNSET
    role: None | str | Unset = UNSET
    user_role: None | str | Unset = UNSET
    username: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        active: bool | None | Unset
        if isinstance(self.active, Unset):
            active = UNSET
        else:
            active = self.active

        address: None | str | Unset
        if isinstance(self.address, Unset):
            address = UNSET
        else:
            address = self.address

        company_id: None | str | Unset
        if isinstance(self.company_id, Unset):
            company_id = UNSET
        else:
            company_id = self.company_id

        document_type: None | str | Unset
        if isinstance(self.document_type, Unset):
            document_type = UNSET
        else:
            document_type = self.document_type

        email = self.email

        email_verified: bool | None | Unset
        if isinstance(self.email_verified, Unset):
            email_verified = UNSET
        else:
            email_verified = self.email_verified

        first_name = self.first_name

        is_active: bool | None | Unset
        if isinstance(self.is_active, Unset):
            is_active = UNSET
        else:
            is_active = self.is_active

        last_name = self.last_name

        locale: None | str | Unset
        if isinstance(self.locale, Unset):
            locale = UNSET
        else:
            locale = self.locale

        number_document_identity: None | str | Unset
        if isinstance(self.number_document_identity, Unset):
            number_document_identity = UNSET
        else:
            number_document_identity = self.number_document_identity

        phone: None | str | Unset
        if isinstance(self.phone, Unset):
            phone = UNSET
        else:
            phone = self.phone

        phone_number: None | str | Unset
        if isinstance(self.phone_number, Unset):
            phone_number = UNSET
        else:
            phone_number = self.phone_number

        phone_verified: bool | None | Unset
        if isinstance(self.phone_verified, Unset):
            phone_verified = UNSET
        else:
            phone_verified = self.phone_verified

        role: None | str | Unset
        if isinstance(self.role, Unset):
            role = UNSET
        else:
            role = self.role

        user_role: None | str | Unset
        if isinstance(self.user_role, Unset):
            user_role = UNSET
        else:
            user_role = self.user_role

        username: None | str | Unset
        if isinstance(self.username, Unset):
            username = UNSET
        else:
            username = self.username

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if active is not UNSET:
            field_dict["active"] = active
        if address is not UNSET:
            field_dict["address"] = address
        if company_id is not UNSET:
            field_dict["company_id"] = company_id
        if document_type is not UNSET:
            field_dict["document_type"] = document_type
        if email is not UNSET:
            field_dict["email"] = email
        if email_verified is not UNSET:
            field_dict["email_verified"] = email_verified
        if first_name is not UNSET:
            field_dict["first_name"] = first_name
        if is_active is not UNSET:
            field_dict["is_active"] = is_active
        if last_name is not UNSET:
            field_dict["last_name"] = last_name
        if locale is not UNSET:
            field_dict["locale"] = locale
        if number_document_identity is not UNSET:
            field_dict["number_document_identity"] = number_document_identity
        if phone is not UNSET:
            field_dict["phone"] = phone
        if phone_number is not UNSET:
            field_dict["phone_number"] = phone_number
        if phone_verified is not UNSET:
            field_dict["phone_verified"] = phone_verified
        if role is not UNSET:
            field_dict["role"] = role
        if user_role is not UNSET:
            field_dict["user_role"] = user_role
        if username is not UNSET:
            field_dict["username"] = username

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_active(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        active = _parse_active(d.pop("active", UNSET))

        def _parse_address(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        address = _parse_address(d.pop("address", UNSET))

        def _parse_company_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        company_id = _parse_company_id(d.pop("company_id", UNSET))

        def _parse_document_type(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        document_type = _parse_document_type(d.pop("document_type", UNSET))

        email = d.pop("email", UNSET)

        def _parse_email_verified(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        email_verified = _parse_email_verified(d.pop("email_verified", UNSET))

        first_name = d.pop("first_name", UNSET)

        def _parse_is_active(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        is_active = _parse_is_active(d.pop("is_active", UNSET))

        last_name = d.pop("last_name", UNSET)

        def _parse_locale(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        locale = _parse_locale(d.pop("locale", UNSET))

        def _parse_number_document_identity(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        number_document_identity = _parse_number_document_identity(d.pop("number_document_identity", UNSET))

        def _parse_phone(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        phone = _parse_phone(d.pop("phone", UNSET))

        def _parse_phone_number(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        phone_number = _parse_phone_number(d.pop("phone_number", UNSET))

        def _parse_phone_verified(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        phone_verified = _parse_phone_verified(d.pop("phone_verified", UNSET))

        def _parse_role(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        role = _parse_role(d.pop("role", UNSET))

        def _parse_user_role(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        user_role = _parse_user_role(d.pop("user_role", UNSET))

        def _parse_username(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        username = _parse_username(d.pop("username", UNSET))

        account_change = cls(
            active=active,
            address=address,
            company_id=company_id,
            document_type=document_type,
            email=email,
            email_verified=email_verified,
            first_name=first_name,
            is_active=is_active,
            last_name=last_name,
            locale=locale,
            number_document_identity=number_document_identity,
            phone=phone,
            phone_number=phone_number,
            phone_verified=phone_verified,
            role=role,
            user_role=user_role,
            username=username,
        )

        return account_change
