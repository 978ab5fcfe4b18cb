from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.customer_search_gender_type_1 import CustomerSearchGenderType1
from ..models.customer_search_gender_type_2_type_1 import CustomerSearchGenderType2Type1
from ..models.customer_search_gender_type_3_type_1 import CustomerSearchGenderType3Type1
from ..models.customer_search_sort_by_type_1 import CustomerSearchSortByType1
from ..models.customer_search_sort_by_type_2_type_1 import (
    CustomerSearchSortByType2Type1,
)
from ..models.customer_search_sort_by_type_3_type_1 import (
    CustomerSearchSortByType3Type1,
)
from ..models.customer_search_sort_order_type_1 import CustomerSearchSortOrderType1
from ..models.customer_search_sort_order_type_2_type_1 import (
    CustomerSearchSortOrderType2Type1,
)
from ..models.customer_search_sort_order_type_3_type_1 import (
    CustomerSearchSortOrderType3Type1,
)
from ..models.customer_search_tags_match_type_1 import CustomerSearchTagsMatchType1
from ..models.customer_search_tags_match_type_2_type_1 import (
    CustomerSearchTagsMatchType2Type1,
)
from ..models.customer_search_tags_match_type_3_type_1 import (
    CustomerSearchTagsMatchType3Type1,
)
from ..types import UNSET, Unset

T = TypeVar("T", bound="CustomerSearch")


@_attrs_define
class CustomerSearch:
    """
    Attributes:
        city (None | str | Unset): Contains this; case and accents do not matter.
        company_name (None | str | Unset): Contains this; case and accents do not matter.
        country (None | str | Unset):
        created_after (datetime.datetime | None | Unset):
        created_before (datetime.datetime | None | Unset):
        cursor (None | str | Unset): As in the list of customers. Without an order, a search with a query is answered by
            relevance.
        customer_id (None | str | Unset):
        email (None | str | Unset): Contains this; case and accents do not matter.
        email_verified (bool | None | Unset):
        external_id (None | str | Unset):
        first_name (None | str | Unset): Contains this; case and accents do not matter.
        gender (CustomerSearchGenderType1 | CustomerSearchGenderType2Type1 | CustomerSearchGenderType3Type1 | None |
            Unset):
        is_active (bool | None | Unset):
        is_business_customer (bool | None | Unset):
        is_verified (bool | None | Unset):
        last_name (None | str | Unset): Contains this; case and accents do not matter.
        limit (int | None | Unset):
        offset (int | None | Unset):
        page (int | None | Unset):
        phone (None | str | Unset): Contains these digits.
        phone_number (None | str | Unset): Another spelling of `phone`.
        phone_verified (bool | None | Unset):
        postal_code (None | str | Unset):
        query (None | str | Unset): Names, e-mail, phone in any spelling, user name, ids, company, city, tags: words,
            beginnings, parts; case, accents and small misspellings do not matter.
        skip (int | None | Unset):
        sort (None | str | Unset): As in the list of customers. Without an order, a search with a query is answered by
            relevance.
        sort_by (CustomerSearchSortByType1 | CustomerSearchSortByType2Type1 | CustomerSearchSortByType3Type1 | None |
            Unset): As in the list of customers. Without an order, a search with a query is answered by relevance.
        sort_order (CustomerSearchSortOrderType1 | CustomerSearchSortOrderType2Type1 | CustomerSearchSortOrderType3Type1
            | None | Unset): As in the list of customers. Without an order, a search with a query is answered by relevance.
        state (None | str | Unset):
        tags (list[str] | None | str | Unset): Separated by commas, or a list; any of them.
        tags_match (CustomerSearchTagsMatchType1 | CustomerSearchTagsMatchType2Type1 | CustomerSearchTagsMatchType3Type1
            | None | Unset):
        username (None | str | Unset):
    """

    city: None | str | Unset = UNSET
    company_name: None | str | Unset = UNSET
    country: None | str | Unset = UNSET
    created_after: datetime.datetime | None | Unset = UNSET
    created_before: datetime.datetime | None | Unset = UNSET
    cursor: None | str | Unset = UNSET
    customer_id: None | str | Unset = UNSET
    email: None | str | Unset = UNSET
    email_verified: bool | None | Unset = UNSET
    external_id: None | str | Unset = UNSET
    first_name: None | str | Unset = UNSET
    gender: (
        CustomerSearchGenderType1 | CustomerSearchGenderType2Type1 | CustomerSearchGenderType3Type1 | None | Unset
    ) = UNSET
    is_active: bool | None | Unset = UNSET
    is_business_customer: bool | None | Unset = UNSET
    is_verified: bool | None | Unset = UNSET
    last_name: None | str | Unset = UNSET
    limit: int | None | Unset = UNSET
    offset: int | None | Unset = UNSET
    page: int | None | Unset = UNSET
    phone: None | str | Unset = UNSET
    phone_number: None | str | Unset = UNSET
    phone_verified: bool | None | Unset = UNSET
    postal_code: None | str | Unset = UNSET
    query: None | str | Unset = UNSET
    skip: int | None | Unset = UNSET
    sort: None | str | Unset = UNSET
    sort_by: (
        CustomerSearchSortByType1 | CustomerSearchSortByType2Type1 | CustomerSearchSortByType3Type1 | None | Unset
    ) = UNSET
    sort_order: (
        CustomerSearchSortOrderType1
        | CustomerSearchSortOrderType2Type1
        | CustomerSearchSortOrderType3Type1
        | None
        | Unset
    ) = UNSET
    state: None | str | Unset = UNSET
    tags: list[str] | None | str | Unset = UNSET
    tags_match: (
        CustomerSearchTagsMatchType1
        | CustomerSearchTagsMatchType2Type1
        | CustomerSearchTagsMatchType3Type1
        | None
        | Unset
    ) = UNSET
    username: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        city: None | str | Unset
        if isinstance(self.city, Unset):
            city = UNSET
        else:
            city = self.city

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

        created_after: None | str | Unset
        if isinstance(self.created_after, Unset):
            created_after = UNSET
        elif isinstance(self.created_after, datetime.datetime):
            created_after = self.created_after.isoformat()
        else:
            created_after = self.created_after

        created_before: None | str | Unset
        if isinstance(self.created_before, Unset):
            created_before = UNSET
        elif isinstance(self.created_before, datetime.datetime):
            created_before = self.created_before.isoformat()
        else:
            created_before = self.created_before

        cursor: None | str | Unset
        if isinstance(self.cursor, Unset):
            cursor = UNSET
        else:
            cursor = self.cursor

        customer_id: None | str | Unset
        if isinstance(self.customer_id, Unset):
            customer_id = UNSET
        else:
            customer_id = self.customer_id

        email: None | str | Unset
        if isinstance(self.email, Unset):
            email = UNSET
        else:
            email = self.email

        email_verified: bool | None | Unset
        if isinstance(self.email_verified, Unset):
            email_verified = UNSET
        else:
            email_verified = self.email_verified

        external_id: None | str | Unset
        if isinstance(self.external_id, Unset):
            external_id = UNSET
        else:
            external_id = self.external_id

        first_name: None | str | Unset
        if isinstance(self.first_name, Unset):
            first_name = UNSET
        else:
            first_name = self.first_name

        gender: None | str | Unset
        if isinstance(self.gender, Unset):
            gender = UNSET
        elif isinstance(self.gender, CustomerSearchGenderType1):
            gender = self.gender.value
        elif isinstance(self.gender, CustomerSearchGenderType2Type1):
            gender = self.gender.value
        elif isinstance(self.gender, CustomerSearchGenderType3Type1):
            gender = self.gender.value
        else:
            gender = self.gender

        is_active: bool | None | Unset
        if isinstance(self.is_active, Unset):
            is_active = UNSET
        else:
            is_active = self.is_active

        is_business_customer: bool | None | Unset
        if isinstance(self.is_business_customer, Unset):
            is_business_customer = UNSET
        else:
            is_business_customer = self.is_business_customer

        is_verified: bool | None | Unset
        if isinstance(self.is_verified, Unset):
            is_verified = UNSET
        else:
            is_verified = self.is_verified

        last_name: None | str | Unset
        if isinstance(self.last_name, Unset):
            last_name = UNSET
        else:
            last_name = self.last_name

        limit: int | None | Unset
        if isinstance(self.limit, Unset):
            limit = UNSET
        else:
            limit = self.limit

        offset: int | None | Unset
        if isinstance(self.offset, Unset):
            offset = UNSET
        else:
            offset = self.offset

        page: int | None | Unset
        if isinstance(self.page, Unset):
            page = UNSET
        else:
            page = self.page

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

        postal_code: None | str | Unset
        if isinstance(self.postal_code, Unset):
            postal_code = UNSET
        else:
            postal_code = self.postal_code

        query: None | str | Unset
        if isinstance(self.query, Unset):
            query = UNSET
        else:
            query = self.query

        skip: int | None | Unset
        if isinstance(self.skip, Unset):
            skip = UNSET
        else:
            skip = self.skip

        sort: None | str | Unset
        if isinstance(self.sort, Unset):
            sort = UNSET
        else:
            sort = self.sort

        sort_by: None | str | Unset
        if isinstance(self.sort_by, Unset):
            sort_by = UNSET
        elif isinstance(self.sort_by, CustomerSearchSortByType1):
            sort_by = self.sort_by.value
        elif isinstance(self.sort_by, CustomerSearchSortByType2Type1):
            sort_by = self.sort_by.value
        elif isinstance(self.sort_by, CustomerSearchSortByType3Type1):
            sort_by = self.sort_by.value
        else:
            sort_by = self.sort_by

        sort_order: None | str | Unset
        if isinstance(self.sort_order, Unset):
            sort_order = UNSET
        elif isinstance(self.sort_order, CustomerSearchSortOrderType1):
            sort_order = self.sort_order.value
        elif isinstance(self.sort_order, CustomerSearchSortOrderType2Type1):
            sort_order = self.sort_order.value
        elif isinstance(self.sort_order, CustomerSearchSortOrderType3Type1):
            sort_order = self.sort_order.value
        else:
            sort_order = self.sort_order

        state: None | str | Unset
        if isinstance(self.state, Unset):
            state = UNSET
        else:
            state = self.state

        tags: list[str] | None | str | Unset
        if isinstance(self.tags, Unset):
            tags = UNSET
        elif isinstance(self.tags, list):
            tags = self.tags

        else:
            tags = self.tags

        tags_match: None | str | Unset
        if isinstance(self.tags_match, Unset):
            tags_match = UNSET
        elif isinstance(self.tags_match, CustomerSearchTagsMatchType1):
            tags_match = self.tags_match.value
        elif isinstance(self.tags_match, CustomerSearchTagsMatchType2Type1):
            tags_match = self.tags_match.value
        elif isinstance(self.tags_match, CustomerSearchTagsMatchType3Type1):
            tags_match = self.tags_match.value
        else:
            tags_match = self.tags_match

        username: None | str | Unset
        if isinstance(self.username, Unset):
            username = UNSET
        else:
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
        if cursor is not UNSET:
            field_dict["cursor"] = cursor
        if customer_id is not UNSET:
            field_dict["customer_id"] = customer_id
        if email is not UNSET:
            field_dict["email"] = email
        if email_verified is not UNSET:
            field_dict["email_verified"] = email_verified
        if external_id is not UNSET:
            field_dict["external_id"] = external_id
        if first_name is not UNSET:
            field_dict["first_name"] = first_name
        if gender is not UNSET:
            field_dict["gender"] = gender
        if is_active is not UNSET:
            field_dict["is_active"] = is_active
        if is_business_customer is not UNSET:
            field_dict["is_business_customer"] = is_business_customer
        if is_verified is not UNSET:
            field_dict["is_verified"] = is_verified
        if last_name is not UNSET:
            field_dict["last_name"] = last_name
        if limit is not UNSET:
            field_dict["limit"] = limit
        if offset is not UNSET:
            field_dict["offset"] = offset
        if page is not UNSET:
            field_dict["page"] = page
        if phone is not UNSET:
            field_dict["phone"] = phone
        if phone_number is not UNSET:
            field_dict["phone_number"] = phone_number
        if phone_verified is not UNSET:
            field_dict["phone_verified"] = phone_verified
        if postal_code is not UNSET:
            field_dict["postal_code"] = postal_code
        if query is not UNSET:
            field_dict["query"] = query
        if skip is not UNSET:
            field_dict["skip"] = skip
        if sort is not UNSET:
            field_dict["sort"] = sort
        if sort_by is not UNSET:
            field_dict["sort_by"] = sort_by
        if sort_order is not UNSET:
            field_dict["sort_order"] = sort_order
        if state is not UNSET:
            field_dict["state"] = state
        if tags is not UNSET:
            field_dict["tags"] = tags
        if tags_match is not UNSET:
            field_dict["tags_match"] = tags_match
        if username is not UNSET:
            field_dict["username"] = username

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_city(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        city = _parse_city(d.pop("city", UNSET))

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

        def _parse_created_after(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                created_after_type_0 = datetime.datetime.fromisoformat(data)

                return created_after_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        created_after = _parse_created_after(d.pop("created_after", UNSET))

        def _parse_created_before(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                created_before_type_0 = datetime.datetime.fromisoformat(data)

                return created_before_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        created_before = _parse_created_before(d.pop("created_before", UNSET))

        def _parse_cursor(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        cursor = _parse_cursor(d.pop("cursor", UNSET))

        def _parse_customer_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        customer_id = _parse_customer_id(d.pop("customer_id", UNSET))

        def _parse_email(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        email = _parse_email(d.pop("email", UNSET))

        def _parse_email_verified(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        email_verified = _parse_email_verified(d.pop("email_verified", UNSET))

        def _parse_external_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        external_id = _parse_external_id(d.pop("external_id", UNSET))

        def _parse_first_name(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        first_name = _parse_first_name(d.pop("first_name", UNSET))

        def _parse_gender(
            data: object,
        ) -> CustomerSearchGenderType1 | CustomerSearchGenderType2Type1 | CustomerSearchGenderType3Type1 | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                gender_type_1 = CustomerSearchGenderType1(data)

                return gender_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, str):
                    raise TypeError()
                gender_type_2_type_1 = CustomerSearchGenderType2Type1(data)

                return gender_type_2_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, str):
                    raise TypeError()
                gender_type_3_type_1 = CustomerSearchGenderType3Type1(data)

                return gender_type_3_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(
                CustomerSearchGenderType1
                | CustomerSearchGenderType2Type1
                | CustomerSearchGenderType3Type1
                | None
                | Unset,
                data,
            )

        gender = _parse_gender(d.pop("gender", UNSET))

        def _parse_is_active(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        is_active = _parse_is_active(d.pop("is_active", UNSET))

        def _parse_is_business_customer(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        is_business_customer = _parse_is_business_customer(d.pop("is_business_customer", UNSET))

        def _parse_is_verified(data: object) -> bool | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(bool | None | Unset, data)

        is_verified = _parse_is_verified(d.pop("is_verified", UNSET))

        def _parse_last_name(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        last_name = _parse_last_name(d.pop("last_name", UNSET))

        def _parse_limit(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        limit = _parse_limit(d.pop("limit", UNSET))

        def _parse_offset(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        offset = _parse_offset(d.pop("offset", UNSET))

        def _parse_page(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        page = _parse_page(d.pop("page", UNSET))

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

        def _parse_postal_code(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        postal_code = _parse_postal_code(d.pop("postal_code", UNSET))

        def _parse_query(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        query = _parse_query(d.pop("query", UNSET))

        def _parse_skip(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        skip = _parse_skip(d.pop("skip", UNSET))

        def _parse_sort(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        sort = _parse_sort(d.pop("sort", UNSET))

        def _parse_sort_by(
            data: object,
        ) -> CustomerSearchSortByType1 | CustomerSearchSortByType2Type1 | CustomerSearchSortByType3Type1 | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                sort_by_type_1 = CustomerSearchSortByType1(data)

                return sort_by_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, str):
                    raise TypeError()
                sort_by_type_2_type_1 = CustomerSearchSortByType2Type1(data)

                return sort_by_type_2_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, str):
                    raise TypeError()
                sort_by_type_3_type_1 = CustomerSearchSortByType3Type1(data)

                return sort_by_type_3_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(
                CustomerSearchSortByType1
                | CustomerSearchSortByType2Type1
                | CustomerSearchSortByType3Type1
                | None
                | Unset,
                data,
            )

        sort_by = _parse_sort_by(d.pop("sort_by", UNSET))

        def _parse_sort_order(
            data: object,
        ) -> (
            CustomerSearchSortOrderType1
            | CustomerSearchSortOrderType2Type1
            | CustomerSearchSortOrderType3Type1
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
                sort_order_type_1 = CustomerSearchSortOrderType1(data)

                return sort_order_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, str):
                    raise TypeError()
                sort_order_type_2_type_1 = CustomerSearchSortOrderType2Type1(data)

                return sort_order_type_2_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, str):
                    raise TypeError()
                sort_order_type_3_type_1 = CustomerSearchSortOrderType3Type1(data)

                return sort_order_type_3_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(
                CustomerSearchSortOrderType1
                | CustomerSearchSortOrderType2Type1
                | CustomerSearchSortOrderType3Type1
                | None
                | Unset,
                data,
            )

        sort_order = _parse_sort_order(d.pop("sort_order", UNSET))

        def _parse_state(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        state = _parse_state(d.pop("state", UNSET))

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

        def _parse_tags_match(
            data: object,
        ) -> (
            CustomerSearchTagsMatchType1
            | CustomerSearchTagsMatchType2Type1
            | CustomerSearchTagsMatchType3Type1
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
                tags_match_type_1 = CustomerSearchTagsMatchType1(data)

                return tags_match_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, str):
                    raise TypeError()
                tags_match_type_2_type_1 = CustomerSearchTagsMatchType2Type1(data)

                return tags_match_type_2_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, str):
                    raise TypeError()
                tags_match_type_3_type_1 = CustomerSearchTagsMatchType3Type1(data)

                return tags_match_type_3_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(
                CustomerSearchTagsMatchType1
                | CustomerSearchTagsMatchType2Type1
                | CustomerSearchTagsMatchType3Type1
                | None
                | Unset,
                data,
            )

        tags_match = _parse_tags_match(d.pop("tags_match", UNSET))

        def _parse_username(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        username = _parse_username(d.pop("username", UNSET))

        customer_search = cls(
            city=city,
            company_name=company_name,
            country=country,
            created_after=created_after,
            created_before=created_before,
            cursor=cursor,
            customer_id=customer_id,
            email=email,
            email_verified=email_verified,
            external_id=external_id,
            first_name=first_name,
            gender=gender,
            is_active=is_active,
            is_business_customer=is_business_customer,
            is_verified=is_verified,
            last_name=last_name,
            limit=limit,
            offset=offset,
            page=page,
            phone=phone,
            phone_number=phone_number,
            phone_verified=phone_verified,
            postal_code=postal_code,
            query=query,
            skip=skip,
            sort=sort,
            sort_by=sort_by,
            sort_order=sort_order,
            state=state,
            tags=tags,
            tags_match=tags_match,
            username=username,
        )

        return customer_search
