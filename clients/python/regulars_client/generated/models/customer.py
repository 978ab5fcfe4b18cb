from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.contact_method import ContactMethod
from ..models.gender import Gender
from ..models.phone_status import PhoneStatus
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.avatar import Avatar
    from ..models.customer_metadata import CustomerMetadata
    from ..models.customer_notification_preferences import CustomerNotificationPreferences


T = TypeVar("T", bound="Customer")


@_attrs_define
class Customer:
    """A customer. Names, e-mail, phone and user name are those of its user.

    Attributes:
        address_line1 (None | str): Street and number; `street_address` is accepted as another spelling.
        address_line2 (None | str): Flat, floor, building.
        avatar (Avatar | None):
        business_type (None | str): What it does.
        city (None | str): City.
        company_id (None | str): The company that the user belongs to, `COMP-001`.
        company_name (None | str): The customer's own business.
        country (None | str): As it was typed.
        country_code (None | str): ISO 3166, if the text names a country.
        created_at (datetime.datetime): Creation.
        customer_id (str): `CUST_` and eight hexadecimal digits.
        customer_since (datetime.datetime): Since when a customer; may lie before the record.
        date_of_birth (datetime.date | None): A date.
        deactivated_at (datetime.datetime | None): When it was deactivated.
        email (None | str): As it was typed.
        email_verified (bool): Proved by its owner, or marked by staff.
        emergency_contact_name (None | str): Emergency contact.
        emergency_contact_phone (None | str): Emergency contact.
        emergency_contact_relationship (None | str): Emergency contact.
        first_name (str): Given name.
        formatted_address (str): The address in lines, separated by line feeds, in the order that is usual in its
            country.
        full_address (str): The parts of the address that are there, with commas between.
        full_name (str): Both names.
        gender (Gender | None):
        id (UUID): UUIDv7.
        is_active (bool): Not deactivated.
        is_business_customer (bool): Has a company name or a tax number.
        is_verified (bool): Verified by staff.
        last_login_at (datetime.datetime | None): The last login.
        last_name (str): Family name.
        last_service_date (datetime.datetime | None): The latest service.
        marketing_emails (bool): Marketing by e-mail is allowed.
        marketing_sms (bool): Marketing by text message is allowed.
        notification_preferences (CustomerNotificationPreferences):
        pending_email (None | str): An address that waits for its owner's proof.
        phone (None | str): As it was typed.
        phone_e164 (None | str): E.164, where the number is valid in its country.
        phone_status (None | PhoneStatus):
        phone_verified (bool): Proved by its owner, or marked by staff.
        postal_code (None | str): Postal code.
        preferred_contact_method (ContactMethod): How a customer prefers to be reached.
        state (None | str): State, province or department.
        tax_id (None | str): Its tax number.
        total_services (int): Completed services.
        updated_at (datetime.datetime): Last change.
        user_id (UUID): The user whose profile it is.
        user_role (str): Role code of the user.
        username (str): Generated, unique, in lower case.
        verified_at (datetime.datetime | None): When.
        version (int): Counts changes.
        deactivation_reason (None | str | Unset):
        external_id (None | str | Unset):
        metadata (CustomerMetadata | Unset):
        notes (None | str | Unset):
        tag_list (list[str] | Unset):
        tags (str | Unset):
        verified_by (None | str | Unset):
    """

    address_line1: None | str
    address_line2: None | str
    avatar: Avatar | None
    business_type: None | str
    city: None | str
    company_id: None | str
    company_name: None | str
    country: None | str
    country_code: None | str
    created_at: datetime.datetime
    customer_id: str
    customer_since: datetime.datetime
    date_of_birth: datetime.date | None
    deactivated_at: datetime.datetime | None
    email: None | str
    email_verified: bool
    emergency_contact_name: None | str
    emergency_contact_phone: None | str
    emergency_contact_relationship: None | str
    first_name: str
    formatted_address: str
    full_address: str
    full_name: str
    gender: Gender | None
    id: UUID
    is_active: bool
    is_business_customer: bool
    is_verified: bool
    last_login_at: datetime.datetime | None
    last_name: str
    last_service_date: datetime.datetime | None
    marketing_emails: bool
    marketing_sms: bool
    notification_preferences: CustomerNotificationPreferences
    pending_email: None | str
    phone: None | str
    phone_e164: None | str
    phone_status: None | PhoneStatus
    phone_verified: bool
    postal_code: None | str
    preferred_contact_method: ContactMethod
    state: None | str
    tax_id: None | str
    total_services: int
    updated_at: datetime.datetime
    user_id: UUID
    user_role: str
    username: str
    verified_at: datetime.datetime | None
    version: int
    deactivation_reason: None | str | Unset = UNSET
    external_id: None | str | Unset = UNSET
    metadata: CustomerMetadata | Unset = UNSET
    notes: None | str | Unset = UNSET
    tag_list: list[str] | Unset = UNSET
    tags: str | Unset = UNSET
    verified_by: None | str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.avatar import Avatar  # noqa: PLC0415

        address_line1: None | str
        address_line1 = self.address_line1

        address_line2: None | str
        address_line2 = self.address_line2

        avatar: dict[str, Any] | None
        if isinstance(self.avatar, Avatar):
            avatar = self.avatar.to_dict()
        else:
            avatar = self.avatar

        business_type: None | str
        business_type = self.business_type

        city: None | str
        city = self.city

        company_id: None | str
        company_id = self.company_id

        company_name: None | str
        company_name = self.company_name

        country: None | str
        country = self.country

        country_code: None | str
        country_code = self.country_code

        created_at = self.created_at.isoformat()

        customer_id = self.customer_id

        customer_since = self.customer_since.isoformat()

        date_of_birth: None | str
        if isinstance(self.date_of_birth, datetime.date):
            date_of_birth = self.date_of_birth.isoformat()
        else:
            date_of_birth = self.date_of_birth

        deactivated_at: None | str
        if isinstance(self.deactivated_at, datetime.datetime):
            deactivated_at = self.deactivated_at.isoformat()
        else:
            deactivated_at = self.deactivated_at

        email: None | str
        email = self.email

        email_verified = self.email_verified

        emergency_contact_name: None | str
        emergency_contact_name = self.emergency_contact_name

        emergency_contact_phone: None | str
        emergency_contact_phone = self.emergency_contact_phone

        emergency_contact_relationship: None | str
        emergency_contact_relationship = self.emergency_contact_relationship

        first_name = self.first_name

        formatted_address = self.formatted_address

        full_address = self.full_address

        full_name = self.full_name

        gender: None | str
        if isinstance(self.gender, Gender):
            gender = self.gender.value
        else:
            gender = self.gender

        id = str(self.id)

        is_active = self.is_active

        is_business_customer = self.is_business_customer

        is_verified = self.is_verified

        last_login_at: None | str
        if isinstance(self.last_login_at, datetime.datetime):
            last_login_at = self.last_login_at.isoformat()
        else:
            last_login_at = self.last_login_at

        last_name = self.last_name

        last_service_date: None | str
        if isinstance(self.last_service_date, datetime.datetime):
            last_service_date = self.last_service_date.isoformat()
        else:
            last_service_date = self.last_service_date

        marketing_emails = self.marketing_emails

        marketing_sms = self.marketing_sms

        notification_preferences = self.notification_preferences.to_dict()

        pending_email: None | str
        pending_email = self.pending_email

        phone: None | str
        phone = self.phone

        phone_e164: None | str
        phone_e164 = self.phone_e164

        phone_status: None | str
        if isinstance(self.phone_status, PhoneStatus):
            phone_status = self.phone_status.value
        else:
            phone_status = self.phone_status

        phone_verified = self.phone_verified

        postal_code: None | str
        postal_code = self.postal_code

        preferred_contact_method = self.preferred_contact_method.value

        state: None | str
        state = self.state

        tax_id: None | str
        tax_id = self.tax_id

        total_services = self.total_services

        updated_at = self.updated_at.isoformat()

        user_id = str(self.user_id)

        user_role = self.user_role

        username = self.username

        verified_at: None | str
        if isinstance(self.verified_at, datetime.datetime):
            verified_at = self.verified_at.isoformat()
        else:
            verified_at = self.verified_at

        version = self.version

        deactivation_reason: None | str | Unset
        if isinstance(self.deactivation_reason, Unset):
            deactivation_reason = UNSET
        else:
            deactivation_reason = self.deactivation_reason

        external_id: None | str | Unset
        if isinstance(self.external_id, Unset):
            external_id = UNSET
        else:
            external_id = self.external_id

        metadata: dict[str, Any] | Unset = UNSET
        if not isinstance(self.metadata, Unset):
            metadata = self.metadata.to_dict()

        notes: None | str | Unset
        if isinstance(self.notes, Unset):
            notes = UNSET
        else:
            notes = self.notes

        tag_list: list[str] | Unset = UNSET
        if not isinstance(self.tag_list, Unset):
            tag_list = self.tag_list

        tags = self.tags

        verified_by: None | str | Unset
        if isinstance(self.verified_by, Unset):
            verified_by = UNSET
        else:
            verified_by = self.verified_by

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "address_line1": address_line1,
                "address_line2": address_line2,
                "avatar": avatar,
                "business_type": business_type,
                "city": city,
                "company_id": company_id,
                "company_name": company_name,
                "country": country,
                "country_code": country_code,
                "created_at": created_at,
                "customer_id": customer_id,
                "customer_since": customer_since,
                "date_of_birth": date_of_birth,
                "deactivated_at": deactivated_at,
                "email": email,
                "email_verified": email_verified,
                "emergency_contact_name": emergency_contact_name,
                "emergency_contact_phone": emergency_contact_phone,
                "emergency_contact_relationship": emergency_contact_relationship,
                "first_name": first_name,
                "formatted_address": formatted_address,
                "full_address": full_address,
                "full_name": full_name,
                "gender": gender,
                "id": id,
                "is_active": is_active,
                "is_business_customer": is_business_customer,
                "is_verified": is_verified,
                "last_login_at": last_login_at,
                "last_name": last_name,
                "last_service_date": last_service_date,
                "marketing_emails": marketing_emails,
                "marketing_sms": marketing_sms,
                "notification_preferences": notification_preferences,
                "pending_email": pending_email,
                "phone": phone,
                "phone_e164": phone_e164,
                "phone_status": phone_status,
                "phone_verified": phone_verified,
                "postal_code": postal_code,
                "preferred_contact_method": preferred_contact_method,
                "state": state,
                "tax_id": tax_id,
                "total_services": total_services,
                "updated_at": updated_at,
                "user_id": user_id,
                "user_role": user_role,
                "username": username,
                "verified_at": verified_at,
                "version": version,
            }
        )
        if deactivation_reason is not UNSET:
            field_dict["deactivation_reason"] = deactivation_reason
        if external_id is not UNSET:
            field_dict["external_id"] = external_id
        if metadata is not UNSET:
            field_dict["metadata"] = metadata
        if notes is not UNSET:
            field_dict["notes"] = notes
        if tag_list is not UNSET:
            field_dict["tag_list"] = tag_list
        if tags is not UNSET:
            field_dict["tags"] = tags
        if verified_by is not UNSET:
            field_dict["verified_by"] = verified_by

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.avatar import Avatar  # noqa: PLC0415
        from ..models.customer_metadata import CustomerMetadata  # noqa: PLC0415
        from ..models.customer_notification_preferences import (
            CustomerNotificationPreferences,  # noqa: PLC0415
        )

        d = dict(src_dict)

        def _parse_address_line1(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        address_line1 = _parse_address_line1(d.pop("address_line1"))

        def _parse_address_line2(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        address_line2 = _parse_address_line2(d.pop("address_line2"))

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

        def _parse_business_type(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        business_type = _parse_business_type(d.pop("business_type"))

        def _parse_city(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        city = _parse_city(d.pop("city"))

        def _parse_company_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        company_id = _parse_company_id(d.pop("company_id"))

        def _parse_company_name(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        company_name = _parse_company_name(d.pop("company_name"))

        def _parse_country(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        country = _parse_country(d.pop("country"))

        def _parse_country_code(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        country_code = _parse_country_code(d.pop("country_code"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        customer_id = d.pop("customer_id")

        customer_since = datetime.datetime.fromisoformat(d.pop("customer_since"))

        def _parse_date_of_birth(data: object) -> datetime.date | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                date_of_birth_type_0 = datetime.date.fromisoformat(data)

                return date_of_birth_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.date | None, data)

        date_of_birth = _parse_date_of_birth(d.pop("date_of_birth"))

        def _parse_deactivated_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                deactivated_at_type_0 = datetime.datetime.fromisoformat(data)

                return deactivated_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        deactivated_at = _parse_deactivated_at(d.pop("deactivated_at"))

        def _parse_email(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        email = _parse_email(d.pop("email"))

        email_verified = d.pop("email_verified")

        def _parse_emergency_contact_name(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        emergency_contact_name = _parse_emergency_contact_name(d.pop("emergency_contact_name"))

        def _parse_emergency_contact_phone(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        emergency_contact_phone = _parse_emergency_contact_phone(d.pop("emergency_contact_phone"))

        def _parse_emergency_contact_relationship(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        emergency_contact_relationship = _parse_emergency_contact_relationship(d.pop("emergency_contact_relationship"))

        first_name = d.pop("first_name")

        formatted_address = d.pop("formatted_address")

        full_address = d.pop("full_address")

        full_name = d.pop("full_name")

        def _parse_gender(data: object) -> Gender | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                gender_type_0 = Gender(data)

                return gender_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Gender | None, data)

        gender = _parse_gender(d.pop("gender"))

        id = UUID(d.pop("id"))

        is_active = d.pop("is_active")

        is_business_customer = d.pop("is_business_customer")

        is_verified = d.pop("is_verified")

        def _parse_last_login_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                last_login_at_type_0 = datetime.datetime.fromisoformat(data)

                return last_login_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        last_login_at = _parse_last_login_at(d.pop("last_login_at"))

        last_name = d.pop("last_name")

        def _parse_last_service_date(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                last_service_date_type_0 = datetime.datetime.fromisoformat(data)

                return last_service_date_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        last_service_date = _parse_last_service_date(d.pop("last_service_date"))

        marketing_emails = d.pop("marketing_emails")

        marketing_sms = d.pop("marketing_sms")

        notification_preferences = CustomerNotificationPreferences.from_dict(d.pop("notification_preferences"))

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

        def _parse_phone_e164(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        phone_e164 = _parse_phone_e164(d.pop("phone_e164"))

        def _parse_phone_status(data: object) -> None | PhoneStatus:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                phone_status_type_0 = PhoneStatus(data)

                return phone_status_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | PhoneStatus, data)

        phone_status = _parse_phone_status(d.pop("phone_status"))

        phone_verified = d.pop("phone_verified")

        def _parse_postal_code(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        postal_code = _parse_postal_code(d.pop("postal_code"))

        preferred_contact_method = ContactMethod(d.pop("preferred_contact_method"))

        def _parse_state(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        state = _parse_state(d.pop("state"))

        def _parse_tax_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        tax_id = _parse_tax_id(d.pop("tax_id"))

        total_services = d.pop("total_services")

        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))

        user_id = UUID(d.pop("user_id"))

        user_role = d.pop("user_role")

        username = d.pop("username")

        def _parse_verified_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                verified_at_type_0 = datetime.datetime.fromisoformat(data)

                return verified_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        verified_at = _parse_verified_at(d.pop("verified_at"))

        version = d.pop("version")

        def _parse_deactivation_reason(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        deactivation_reason = _parse_deactivation_reason(d.pop("deactivation_reason", UNSET))

        def _parse_external_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        external_id = _parse_external_id(d.pop("external_id", UNSET))

        _metadata = d.pop("metadata", UNSET)
        metadata: CustomerMetadata | Unset
        if isinstance(_metadata, Unset):
            metadata = UNSET
        else:
            metadata = CustomerMetadata.from_dict(_metadata)

        def _parse_notes(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        notes = _parse_notes(d.pop("notes", UNSET))

        tag_list = cast(list[str], d.pop("tag_list", UNSET))

        tags = d.pop("tags", UNSET)

        def _parse_verified_by(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        verified_by = _parse_verified_by(d.pop("verified_by", UNSET))

        customer = cls(
            address_line1=address_line1,
            address_line2=address_line2,
            avatar=avatar,
            business_type=business_type,
            city=city,
            company_id=company_id,
            company_name=company_name,
            country=country,
            country_code=country_code,
            created_at=created_at,
            customer_id=customer_id,
            customer_since=customer_since,
            date_of_birth=date_of_birth,
            deactivated_at=deactivated_at,
            email=email,
            email_verified=email_verified,
            emergency_contact_name=emergency_contact_name,
            emergency_contact_phone=emergency_contact_phone,
            emergency_contact_relationship=emergency_contact_relationship,
            first_name=first_name,
            formatted_address=formatted_address,
            full_address=full_address,
            full_name=full_name,
            gender=gender,
            id=id,
            is_active=is_active,
            is_business_customer=is_business_customer,
            is_verified=is_verified,
            last_login_at=last_login_at,
            last_name=last_name,
            last_service_date=last_service_date,
            marketing_emails=marketing_emails,
            marketing_sms=marketing_sms,
            notification_preferences=notification_preferences,
            pending_email=pending_email,
            phone=phone,
            phone_e164=phone_e164,
            phone_status=phone_status,
            phone_verified=phone_verified,
            postal_code=postal_code,
            preferred_contact_method=preferred_contact_method,
            state=state,
            tax_id=tax_id,
            total_services=total_services,
            updated_at=updated_at,
            user_id=user_id,
            user_role=user_role,
            username=username,
            verified_at=verified_at,
            version=version,
            deactivation_reason=deactivation_reason,
            external_id=external_id,
            metadata=metadata,
            notes=notes,
            tag_list=tag_list,
            tags=tags,
            verified_by=verified_by,
        )

        customer.additional_properties = d
        return customer

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
