from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.new_customer_gender_type_1 import NewCustomerGenderType1
from ..models.new_customer_gender_type_2_type_1 import NewCustomerGenderType2Type1
from ..models.new_customer_gender_type_3_type_1 import NewCustomerGenderType3Type1
from ..models.new_customer_preferred_contact_method_type_1 import (
    NewCustomerPreferredContactMethodType1,
)
from ..models.new_customer_preferred_contact_method_type_2_type_1 import (
    NewCustomerPreferredContactMethodType2Type1,
)
from ..models.new_customer_preferred_contact_method_type_3_type_1 import (
    NewCustomerPreferredContactMethodType3Type1,
)
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.new_customer_metadata_type_0 import NewCustomerMetadataType0
    from ..models.new_customer_notification_preferences_type_0 import (
        NewCustomerNotificationPreferencesType0,
    )


T = TypeVar("T", bound="NewCustomer")


@_attrs_define
class NewCustomer:
    """
    Attributes:
        first_name (str):
        last_name (str):
        active (bool | Unset): Another spelling of `is_active`.
        address_line1 (None | str | Unset):
        address_line2 (None | str | Unset):
        business_type (None | str | Unset):
        city (None | str | Unset):
        company_id (None | str | Unset):
        company_name (None | str | Unset):
        country (None | str | Unset):
        customer_since (datetime.datetime | None | Unset):
        date_of_birth (datetime.date | None | Unset):
        email (None | str | Unset):
        email_verified (bool | Unset):
        emergency_contact_name (None | str | Unset):
        emergency_contact_phone (None | str | Unset):
        emergency_contact_relationship (None | str | Unset):
        external_id (None | str | Unset):
        gender (NewCustomerGenderType1 | NewCustomerGenderType2Type1 | NewCustomerGenderType3Type1 | None | Unset):
        is_active (bool | Unset):
        is_verified (bool | Unset):
        last_service_date (datetime.datetime | None | Unset):
        marketing_emails (bool | Unset):
        marketing_sms (bool | Unset):
        metadata (NewCustomerMetadataType0 | None | Unset): Up to 50 texts by name, of other programs; in a change, null
            takes one away.
        notes (None | str | Unset):
        notification_preferences (NewCustomerNotificationPreferencesType0 | None | Unset):
        phone (None | str | Unset):
        phone_number (None | str | Unset): Another spelling of `phone`.
        phone_verified (bool | Unset):
        postal_code (None | str | Unset):
        preferred_contact_method (NewCustomerPreferredContactMethodType1 | NewCustomerPreferredContactMethodType2Type1 |
            NewCustomerPreferredContactMethodType3Type1 | None | Unset):
        role (None | str | Unset): Another spelling of `user_role`.
        state (None | str | Unset):
        street_address (None | str | Unset): Another spelling of `address_line1`.
        tags (list[str] | None | str | Unset): Separated by commas, or a list.
        tax_id (None | str | Unset):
        total_services (int | Unset):
        user_role (None | str | Unset):
        username (None | str | Unset):
    """

    first_name: str
    last_name: str
    active: bool | Unset = UNSET
    address_line1: None | str | Unset = UNSET
    address_line2: None | str | Unset = UNSET
    business_type: None | str | Unset = UNSET
    city: None | str | Unset = UNSET
    company_id: None | str | Unset = UNSET
    company_name: None | str | Unset = UNSET
    country: None | str | Unset = UNSET
    customer_since: datetime.datetime | None | Unset = UNSET
    date_of_birth: datetime.date | None | Unset = UNSET
    email: None | str | Unset = UNSET
    email_verified: bool | Unset = UNSET
    emergency_contact_name: None | str | Unset = UNSET
    emergency_contact_phone: None | str | Unset = UNSET
    emergency_contact_relationship: None | str | Unset = UNSET
    external_id: None | str | Unset = UNSET
    gender: NewCustomerGenderType1 | NewCustomerGenderType2Type1 | NewCustomerGenderType3Type1 | None | Unset = UNSET
    is_active: bool | Unset = UNSET
    is_verified: bool | Unset = UNSET
    last_service_date: datetime.datetime | None | Unset = UNSET
    marketing_emails: bool | Unset = UNSET
    marketing_sms: bool | Unset = UNSET
    metadata: NewCustomerMetadataType0 | None | Unset = UNSET
    notes: None | str | Unset = UNSET
    notification_preferences: NewCustomerNotificationPreferencesType0 | None | Unset = UNSET
    phone: None | str | Unset = UNSET
    phone_number: None | str | Unset = UNSET
    phone_verified: bool | Unset = UNSET
    postal_code: None | str | Unset = UNSET
    preferred_contact_method: (
        NewCustomerPreferredContactMethodType1
        | NewCustomerPreferredContactMethodType2Type1
        | NewCustomerPreferredContactMethodType3Type1
        | None
        | Unset
    ) = UNSET
    role: None | str | Unset = UNSET
    state: None | str | Unset = UNSET
    street_address: None | str | Unset = UNSET
    tags: list[str] | None | str | Unset = UNSET
    tax_id: None | str | Unset = UNSET
    total_services: int | Unset = UNSET
    user_role: None | str | Unset = UNSET
    username: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.new_customer_metadata_type_0 import NewCustomerMetadataType0  # noqa: PLC0415
        from ..models.new_customer_notification_preferences_type_0 import (
            NewCustomerNotificationPreferencesType0,  # noqa: PLC0415
        )

        first_name = self.first_name

        last_name = self.last_name

        active = self.active

        address_line1: None | str | Unset
        if isinstance(self.address_line1, Unset):
            address_line1 = UNSET
        else:
            address_line1 = self.address_line1

        address_line2: None | str | Unset
        if isinstance(self.address_line2, Unset):
            address_line2 = UNSET
        else:
            address_line2 = self.address_line2

        business_type: None | str | Unset
        if isinstance(self.business_type, Unset):
            business_type = UNSET
        else:
            business_type = self.business_type

        city: None | str | Unset
        if isinstance(self.city, Unset):
            city = UNSET
        else:
            city = self.city

        company_id: None | str | Unset
        if isinstance(self.company_id, Unset):
            company_id = UNSET
        else:
            company_id = self.company_id

        company_name: None | str | Unset
        if isinstance(self.company_name, Unset):
            company_name = UNSET
        else:
            company_name = self.company_name

        country: None | str | Unset
        if isinstance(self.country, Unset):
            country = UNSET
        else:
            country = self.country

        customer_since: None | str | Unset
        if isinstance(self.customer_since, Unset):
            customer_since = UNSET
        elif isinstance(self.customer_since, datetime.datetime):
            customer_since = self.customer_since.isoformat()
        else:
            customer_since = self.customer_since

        date_of_birth: None | str | Unset
        if isinstance(self.date_of_birth, Unset):
            date_of_birth = UNSET
        elif isinstance(self.date_of_birth, datetime.date):
            date_of_birth = self.date_of_birth.isoformat()
        else:
            date_of_birth = self.date_of_birth

        email: None | str | Unset
        if isinstance(self.email, Unset):
            email = UNSET
        else:
            email = self.email

        email_verified = self.email_verified

        emergency_contact_name: None | str | Unset
        if isinstance(self.emergency_contact_name, Unset):
            emergency_contact_name = UNSET
        else:
            emergency_contact_name = self.emergency_contact_name

        emergency_contact_phone: None | str | Unset
        if isinstance(self.emergency_contact_phone, Unset):
            emergency_contact_phone = UNSET
        else:
            emergency_contact_phone = self.emergency_contact_phone

        emergency_contact_relationship: None | str | Unset
        if isinstance(self.emergency_contact_relationship, Unset):
            emergency_contact_relationship = UNSET
        else:
            emergency_contact_relationship = self.emergency_contact_relationship

        external_id: None | str | Unset
        if isinstance(self.external_id, Unset):
            external_id = UNSET
        else:
            external_id = self.external_id

        gender: None | str | Unset
        if isinstance(self.gender, Unset):
            gender = UNSET
        elif isinstance(self.gender, NewCustomerGenderType1):
            gender = self.gender.value
        elif isinstance(self.gender, NewCustomerGenderType2Type1):
            gender = self.gender.value
        elif isinstance(self.gender, NewCustomerGenderType3Type1):
            gender = self.gender.value
        else:
            gender = self.gender

        is_active = self.is_active

        is_verified = self.is_verified

        last_service_date: None | str | Unset
        if isinstance(self.last_service_date, Unset):
            last_service_date = UNSET
        elif isinstance(self.last_service_date, datetime.datetime):
            last_service_date = self.last_service_date.isoformat()
        else:
            last_service_date = self.last_service_date

        marketing_emails = self.marketing_emails

        marketing_sms = self.marketing_sms

        metadata: dict[str, Any] | None | Unset
        if isinstance(self.metadata, Unset):
            metadata = UNSET
        elif isinstance(self.metadata, NewCustomerMetadataType0):
            metadata = self.metadata.to_dict()
        else:
            metadata = self.metadata

        notes: None | str | Unset
        if isinstance(self.notes, Unset):
            notes = UNSET
        else:
            notes = self.notes

        notification_preferences: dict[str, Any] | None | Unset
        if isinstance(self.notification_preferences, Unset):
            notification_preferences = UNSET
        elif isinstance(self.notification_preferences, NewCustomerNotificationPreferencesType0):
            notification_preferences = self.notification_preferences.to_dict()
        else:
            notification_preferences = self.notification_preferences

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

        phone_verified = self.phone_verified

        postal_code: None | str | Unset
        if isinstance(self.postal_code, Unset):
            postal_code = UNSET
        else:
            postal_code = self.postal_code

        preferred_contact_method: None | str | Unset
        if isinstance(self.preferred_contact_method, Unset):
            preferred_contact_method = UNSET
        elif isinstance(self.preferred_contact_method, NewCustomerPreferredContactMethodType1):
            preferred_contact_method = self.preferred_contact_method.value
        elif isinstance(self.preferred_contact_method, NewCustomerPreferredContactMethodType2Type1):
            preferred_contact_method = self.preferred_contact_method.value
        elif isinstance(self.preferred_contact_method, NewCustomerPreferredContactMethodType3Type1):
            preferred_contact_method = self.preferred_contact_method.value
        else:
            preferred_contact_method = self.preferred_contact_method

        role: None | str | Unset
        if isinstance(self.role, Unset):
            role = UNSET
        else:
            role = self.role

        state: None | str | Unset
        if isinstance(self.state, Unset):
            state = UNSET
        else:
            state = self.state

        street_address: None | str | Unset
        if isinstance(self.street_address, Unset):
            street_address = UNSET
        else:
            street_address = self.street_address

        tags: list[str] | None | str | Unset
        if isinstance(self.tags, Unset):
            tags = UNSET
        elif isinstance(self.tags, list):
            tags = self.tags

        else:
            tags = self.tags

        tax_id: None | str | Unset
        if isinstance(self.tax_id, Unset):
            tax_id = UNSET
        else:
            tax_id = self.tax_id

        total_services = self.total_services

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

        field_dict.update(
            {
                "first_name": first_name,
                "last_name": last_name,
            }
        )
        if active is not UNSET:
            field_dict["active"] = active
        if address_line1 is not UNSET:
            field_dict["address_line1"] = address_line1
        if address_line2 is not UNSET:
            field_dict["address_line2"] = address_line2
        if business_type is not UNSET:
            field_dict["business_type"] = business_type
        if city is not UNSET:
            field_dict["city"] = city
        if company_id is not UNSET:
            field_dict["company_id"] = company_id
        if company_name is not UNSET:
            field_dict["company_name"] = company_name
        if country is not UNSET:
            field_dict["country"] = country
        if customer_since is not UNSET:
            field_dict["customer_since"] = customer_since
        if date_of_birth is not UNSET:
            field_dict["date_of_birth"] = date_of_birth
        if email is not UNSET:
            field_dict["email"] = email
        if email_verified is not UNSET:
            field_dict["email_verified"] = email_verified
        if emergency_contact_name is not UNSET:
            field_dict["emergency_contact_name"] = emergency_contact_name
        if emergency_contact_phone is not UNSET:
            field_dict["emergency_contact_phone"] = emergency_contact_phone
        if emergency_contact_relationship is not UNSET:
            field_dict["emergency_contact_relationship"] = emergency_contact_relationship
        if external_id is not UNSET:
            field_dict["external_id"] = external_id
        if gender is not UNSET:
            field_dict["gender"] = gender
        if is_active is not UNSET:
            field_dict["is_active"] = is_active
        if is_verified is not UNSET:
            field_dict["is_verified"] = is_verified
        if last_service_date is not UNSET:
            field_dict["last_service_date"] = last_service_date
        if marketing_emails is not UNSET:
            field_dict["marketing_emails"] = marketing_emails
        if marketing_sms is not UNSET:
            field_dict["marketing_sms"] = marketing_sms
        if metadata is not UNSET:
            field_dict["metadata"] = metadata
        if notes is not UNSET:
            field_dict["notes"] = notes
        if notification_preferences is not UNSET:
            field_dict["notification_preferences"] = notification_preferences
        if phone is not UNSET:
            field_dict["phone"] = phone
        if phone_number is not UNSET:
            field_dict["phone_number"] = phone_number
        if phone_verified is not UNSET:
            field_dict["phone_verified"] = phone_verified
        if postal_code is not UNSET:
            field_dict["postal_code"] = postal_code
        if preferred_contact_method is not UNSET:
            field_dict["preferred_contact_method"] = preferred_contact_method
        if role is not UNSET:
            field_dict["role"] = role
        if state is not UNSET:
            field_dict["state"] = state
        if street_address is not UNSET:
            field_dict["street_address"] = street_address
        if tags is not UNSET:
            field_dict["tags"] = tags
        if tax_id is not UNSET:
            field_dict["tax_id"] = tax_id
        if total_services is not UNSET:
            field_dict["total_services"] = total_services
        if user_role is not UNSET:
            field_dict["user_role"] = user_role
        if username is not UNSET:
            field_dict["username"] = username

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.new_customer_metadata_type_0 import NewCustomerMetadataType0  # noqa: PLC0415
        from ..models.new_customer_notification_preferences_type_0 import (
            NewCustomerNotificationPreferencesType0,  # noqa: PLC0415
        )

        d = dict(src_dict)
        first_name = d.pop("first_name")

        last_name = d.pop("last_name")

        active = d.pop("active", UNSET)

        def _parse_address_line1(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        address_line1 = _parse_address_line1(d.pop("address_line1", UNSET))

        def _parse_address_line2(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        address_line2 = _parse_address_line2(d.pop("address_line2", UNSET))

        def _parse_business_type(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        business_type = _parse_business_type(d.pop("business_type", UNSET))

        def _parse_city(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        city = _parse_city(d.pop("city", UNSET))

        def _parse_company_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        company_id = _parse_company_id(d.pop("company_id", UNSET))

        def _parse_company_name(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        company_name = _parse_company_name(d.pop("company_name", UNSET))

        def _parse_country(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        country = _parse_country(d.pop("country", UNSET))

        def _parse_customer_since(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                customer_since_type_0 = datetime.datetime.fromisoformat(data)

                return customer_since_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        customer_since = _parse_customer_since(d.pop("customer_since", UNSET))

        def _parse_date_of_birth(data: object) -> datetime.date | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                date_of_birth_type_0 = datetime.date.fromisoformat(data)

                return date_of_birth_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.date | None | Unset, data)

        date_of_birth = _parse_date_of_birth(d.pop("date_of_birth", UNSET))

        def _parse_email(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        email = _parse_email(d.pop("email", UNSET))

        email_verified = d.pop("email_verified", UNSET)

        def _parse_emergency_contact_name(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        emergency_contact_name = _parse_emergency_contact_name(d.pop("emergency_contact_name", UNSET))

        def _parse_emergency_contact_phone(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        emergency_contact_phone = _parse_emergency_contact_phone(d.pop("emergency_contact_phone", UNSET))

        def _parse_emergency_contact_relationship(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        emergency_contact_relationship = _parse_emergency_contact_relationship(
            d.pop("emergency_contact_relationship", UNSET)
        )

        def _parse_external_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        external_id = _parse_external_id(d.pop("external_id", UNSET))

        def _parse_gender(
            data: object,
        ) -> NewCustomerGenderType1 | NewCustomerGenderType2Type1 | NewCustomerGenderType3Type1 | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                gender_type_1 = NewCustomerGenderType1(data)

                return gender_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, str):
                    raise TypeError()
                gender_type_2_type_1 = NewCustomerGenderType2Type1(data)

                return gender_type_2_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, str):
                    raise TypeError()
                gender_type_3_type_1 = NewCustomerGenderType3Type1(data)

                return gender_type_3_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(
                NewCustomerGenderType1 | NewCustomerGenderType2Type1 | NewCustomerGenderType3Type1 | None | Unset, data
            )

        gender = _parse_gender(d.pop("gender", UNSET))

        is_active = d.pop("is_active", UNSET)

        is_verified = d.pop("is_verified", UNSET)

        def _parse_last_service_date(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                last_service_date_type_0 = datetime.datetime.fromisoformat(data)

                return last_service_date_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        last_service_date = _parse_last_service_date(d.pop("last_service_date", UNSET))

        marketing_emails = d.pop("marketing_emails", UNSET)

        marketing_sms = d.pop("marketing_sms", UNSET)

        def _parse_metadata(data: object) -> NewCustomerMetadataType0 | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                metadata_type_0 = NewCustomerMetadataType0.from_dict(data)

                return metadata_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(NewCustomerMetadataType0 | None | Unset, data)

        metadata = _parse_metadata(d.pop("metadata", UNSET))

        def _parse_notes(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        notes = _parse_notes(d.pop("notes", UNSET))

        def _parse_notification_preferences(data: object) -> NewCustomerNotificationPreferencesType0 | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                notification_preferences_type_0 = NewCustomerNotificationPreferencesType0.from_dict(data)

                return notification_preferences_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(NewCustomerNotificationPreferencesType0 | None | Unset, data)

        notification_preferences = _parse_notification_preferences(d.pop("notification_preferences", UNSET))

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

        phone_verified = d.pop("phone_verified", UNSET)

        def _parse_postal_code(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        postal_code = _parse_postal_code(d.pop("postal_code", UNSET))

        def _parse_preferred_contact_method(
            data: object,
        ) -> (
            NewCustomerPreferredContactMethodType1
            | NewCustomerPreferredContactMethodType2Type1
            | NewCustomerPreferredContactMethodType3Type1
            | None
            | Unset
        ):
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                preferred_contact_method_type_1 = NewCustomerPreferredContactMethodType1(data)

                return preferred_contact_method_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, str):
                    raise TypeError()
                preferred_contact_method_type_2_type_1 = NewCustomerPreferredContactMethodType2Type1(data)

                return preferred_contact_method_type_2_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, str):
                    raise TypeError()
                preferred_contact_method_type_3_type_1 = NewCustomerPreferredContactMethodType3Type1(data)

                return preferred_contact_method_type_3_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(
                NewCustomerPreferredContactMethodType1
                | NewCustomerPreferredContactMethodType2Type1
                | NewCustomerPreferredContactMethodType3Type1
                | None
                | Unset,
                data,
            )

        preferred_contact_method = _parse_preferred_contact_method(d.pop("preferred_contact_method", UNSET))

        def _parse_role(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        role = _parse_role(d.pop("role", UNSET))

        def _parse_state(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        state = _parse_state(d.pop("state", UNSET))

        def _parse_street_address(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        street_address = _parse_street_address(d.pop("street_address", UNSET))

        def _parse_tags(data: object) -> list[str] | None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                tags_type_1 = cast(list[str], data)

                return tags_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[str] | None | str | Unset, data)

        tags = _parse_tags(d.pop("tags", UNSET))

        def _parse_tax_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        tax_id = _parse_tax_id(d.pop("tax_id", UNSET))

        total_services = d.pop("total_services", UNSET)

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

        new_customer = cls(
            first_name=first_name,
            last_name=last_name,
            active=active,
            address_line1=address_line1,
            address_line2=address_line2,
            business_type=business_type,
            city=city,
            company_id=company_id,
            company_name=company_name,
            country=country,
            customer_since=customer_since,
            date_of_birth=date_of_birth,
            email=email,
            email_verified=email_verified,
            emergency_contact_name=emergency_contact_name,
            emergency_contact_phone=emergency_contact_phone,
            emergency_contact_relationship=emergency_contact_relationship,
            external_id=external_id,
            gender=gender,
            is_active=is_active,
            is_verified=is_verified,
            last_service_date=last_service_date,
            marketing_emails=marketing_emails,
            marketing_sms=marketing_sms,
            metadata=metadata,
            notes=notes,
            notification_preferences=notification_preferences,
            phone=phone,
            phone_number=phone_number,
            phone_verified=phone_verified,
            postal_code=postal_code,
            preferred_contact_method=preferred_contact_method,
            role=role,
            state=state,
            street_address=street_address,
            tags=tags,
            tax_id=tax_id,
            total_services=total_services,
            user_role=user_role,
            username=username,
        )

        return new_customer
