from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.new_profile import NewProfile


T = TypeVar("T", bound="Registration")


@_attrs_define
class Registration:
    """
    Attributes:
        email (str):
        first_name (str):
        last_name (str):
        customer (NewProfile | Unset):
        password (str | Unset):
        password1 (str | Unset): Another spelling of `password`.
        password2 (str | Unset): Another spelling of `password`.
        phone (None | str | Unset):
        phone_number (None | str | Unset): Another spelling of `phone`.
    """

    email: str
    first_name: str
    last_name: str
    customer: NewProfile | Unset = UNSET
    password: str | Unset = UNSET
    password1: str | Unset = UNSET
    password2: str | Unset = UNSET
    phone: None | str | Unset = UNSET
    phone_number: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        email = self.email

        first_name = self.first_name

        last_name = self.last_name

        customer: dict[str, Any] | Unset = UNSET
        if not isinstance(self.customer, Unset):
            customer = self.customer.to_dict()

        password = self.password

        password1 = self.password1

        password2 = self.password2

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

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "email": email,
                "first_name": first_name,
                "last_name": last_name,
            }
        )
        if customer is not UNSET:
            field_dict["customer"] = customer
        if password is not UNSET:
            field_dict["password"] = password
        if password1 is not UNSET:
            field_dict["password1"] = password1
        if password2 is not UNSET:
            field_dict["password2"] = password2
        if phone is not UNSET:
            field_dict["phone"] = phone
        if phone_number is not UNSET:
            field_dict["phone_number"] = phone_number

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.new_profile import NewProfile  # noqa: PLC0415

        d = dict(src_dict)
        email = d.pop("email")

        first_name = d.pop("first_name")

        last_name = d.pop("last_name")

        _customer = d.pop("customer", UNSET)
        customer: NewProfile | Unset
        if isinstance(_customer, Unset):
            customer = UNSET
        else:
            customer = NewProfile.from_dict(_customer)

        password = d.pop("password", UNSET)

        password1 = d.pop("password1", UNSET)

        password2 = d.pop("password2", UNSET)

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

        registration = cls(
            email=email,
            first_name=first_name,
            last_name=last_name,
            customer=customer,
            password=password,
            password1=password1,
            password2=password2,
            phone=phone,
            phone_number=phone_number,
        )

        return registration
