from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar
from uuid import UUID

from attrs import define as _attrs_define

from ..models.customer_bulk_update_filter_type_0_gender import (
    CustomerBulkUpdateFilterType0Gender,
)
from ..types import UNSET, Unset

T = TypeVar("T", bound="CustomerBulkUpdateFilterType0")


@_attrs_define
class CustomerBulkUpdateFilterType0:
    """The filters of the list of customers, such as `{"tag": "vip", "country": "US"}`: updated by a job.

    Attributes:
        city (str | Unset): Case and accents do not matter.
        company_name (str | Unset): As typed.
        country (str | Unset): Any spelling: USA, US and United States are one.
        created_after (datetime.datetime | Unset): Created at this time or later.
        created_before (datetime.datetime | Unset): Created before this time.
        customer_id (str | Unset): The public id.
        email (str | Unset): The whole address; case does not matter.
        email_verified (bool | Unset): By the mark of the e-mail address.
        external_id (str | Unset): The id in another program.
        gender (CustomerBulkUpdateFilterType0Gender | Unset): What the customer gave.
        is_active (bool | Unset): Only active ones, or only deactivated ones.
        is_business_customer (bool | Unset): With a company name or a tax number, or without.
        is_verified (bool | Unset): Only verified ones, or only the others.
        phone_verified (bool | Unset): By the mark of the phone.
        postal_code (str | Unset): Case, spaces and hyphens do not matter.
        state (str | Unset): Case and accents do not matter.
        tag (str | Unset): With this tag; case and accents do not matter.
        user_id (UUID | Unset): The user's id.
        username (str | Unset): The whole name; case does not matter.
    """

    city: str | Unset = UNSET
    company_name: str | Unset = UNSET
    country: str | Unset = UNSET
    created_after: datetime.datetime | Unset = UNSET
    created_before: datetime.datetime | Unset = UNSET
    customer_id: str | Unset = UNSET
    email: str | Unset = UNSET
    email_verified: bool | Unset = UNSET
    external_id: str | Unset = UNSET
    gender: CustomerBulkUpdateFilterType0Gender | Unset = UNSET
    is_active: bool | Unset = UNSET
    is_business_customer: bool | Unset = UNSET
    is_verified: bool | Unset = UNSET
    phone_verified: bool | Unset = UNSET
    postal_code: str | Unset = UNSET
    state: str | Unset = UNSET
    tag: str | Unset = UNSET
    user_id: UUID | Unset = UNSET
    username: str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        city = self.city

        company_name = self.company_name

        country = self.country

        created_after: str | Unset = UNSET
        if not isinstance(self.created_after, Unset):
            created_after = self.created_after.isoformat()

        created_before: str | Unset = UNSET
        if not isinstance(self.created_before, Unset):
            created_before = self.created_before.isoformat()

        customer_id = self.customer_id

        email = self.email

        email_verified = self.email_verified

        external_id = self.external_id

        gender: str | Unset = UNSET
        if not isinstance(self.gender, Unset):
            gender = self.gender.value

        is_active = self.is_active

        is_business_customer = self.is_business_customer

        is_verified = self.is_verified

        phone_verified = self.phone_verified

        postal_code = self.postal_code

        state = self.state

        tag = self.tag

        user_id: str | Unset = UNSET
        if not isinstance(self.user_id, Unset):
            user_id = str(self.user_id)

        username = self.username

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if city is not UNSET:
            field_dict["city"] = city
        if company_name is not UNSET:
            field_dict["company_name"] = company_name
        if country is not UNSET:
            field_dict["country"] = country
        if created_after is not UNSET:
            field_dict["created_after"] = created_after
        if created_before is not UNSET:
            field_dict["created_before"] = created_before
        if customer_id is not UNSET:
            field_dict["customer_id"] = customer_id
        if email is not UNSET:
            field_dict["email"] = email
        if email_verified is not UNSET:
            field_dict["email_verified"] = email_verified
        if external_id is not UNSET:
            field_dict["external_id"] = external_id
        if gender is not UNSET:
            field_dict["gender"] = gender
        if is_active is not UNSET:
            field_dict["is_active"] = is_active
        if is_business_customer is not UNSET:
            field_dict["is_business_customer"] = is_business_customer
        if is_verified is not UNSET:
            field_dict["is_verified"] = is_verified
        if phone_verified is not UNSET:
            field_dict["phone_verified"] = phone_verified
        if postal_code is not UNSET:
            field_dict["postal_code"] = postal_code
        if state is not UNSET:
            field_dict["state"] = state
        if tag is not UNSET:
            field_dict["tag"] = tag
        if user_id is not UNSET:
            field_dict["user_id"] = user_id
        if username is not UNSET:
            field_dict["username"] = username

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        city = d.pop("city", UNSET)

        company_name = d.pop("company_name", UNSET)

        country = d.pop("country", UNSET)

        _created_after = d.pop("created_after", UNSET)
        created_after: datetime.datetime | Unset
        if isinstance(_created_after, Unset):
            created_after = UNSET
        else:
            created_after = datetime.datetime.fromisoformat(_created_after)

        _created_before = d.pop("created_before", UNSET)
        created_before: datetime.datetime | Unset
        if isinstance(_created_before, Unset):
            created_before = UNSET
        else:
            created_before = datetime.datetime.fromisoformat(_created_before)

        customer_id = d.pop("customer_id", UNSET)

        email = d.pop("email", UNSET)

        email_verified = d.pop("email_verified", UNSET)

        external_id = d.pop("external_id", UNSET)

        _gender = d.pop("gender", UNSET)
        gender: CustomerBulkUpdateFilterType0Gender | Unset
        if isinstance(_gender, Unset):
            gender = UNSET
        else:
            gender = CustomerBulkUpdateFilterType0Gender(_gender)

        is_active = d.pop("is_active", UNSET)

        is_business_customer = d.pop("is_business_customer", UNSET)

        is_verified = d.pop("is_verified", UNSET)

        phone_verified = d.pop("phone_verified", UNSET)

        postal_code = d.pop("postal_code", UNSET)

        state = d.pop("state", UNSET)

        tag = d.pop("tag", UNSET)

        _user_id = d.pop("user_id", UNSET)
        user_id: UUID | Unset
        if isinstance(_user_id, Unset):
            user_id = UNSET
        else:
            user_id = UUID(_user_id)

        username = d.pop("username", UNSET)

        customer_bulk_update_filter_type_0 = cls(
            city=city,
            company_name=company_name,
            country=country,
            created_after=created_after,
            created_before=created_before,
            customer_id=customer_id,
            email=email,
            email_verified=email_verified,
            external_id=external_id,
            gender=gender,
            is_active=is_active,
            is_business_customer=is_business_customer,
            is_verified=is_verified,
            phone_verified=phone_verified,
            postal_code=postal_code,
            state=state,
            tag=tag,
            user_id=user_id,
            username=username,
        )

        return customer_bulk_update_filter_type_0
