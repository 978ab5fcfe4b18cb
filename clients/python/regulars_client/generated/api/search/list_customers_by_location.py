import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.customer_list import CustomerList
from ...models.list_customers_by_location_gender import ListCustomersByLocationGender
from ...models.list_customers_by_location_sort_by import ListCustomersByLocationSortBy
from ...models.list_customers_by_location_sort_order import (
    ListCustomersByLocationSortOrder,
)
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    is_active: bool | Unset = UNSET,
    is_verified: bool | Unset = UNSET,
    email_verified: bool | Unset = UNSET,
    phone_verified: bool | Unset = UNSET,
    is_business_customer: bool | Unset = UNSET,
    email: str | Unset = UNSET,
    username: str | Unset = UNSET,
    customer_id: str | Unset = UNSET,
    user_id: UUID | Unset = UNSET,
    external_id: str | Unset = UNSET,
    city: str | Unset = UNSET,
    state: str | Unset = UNSET,
    postal_code: str | Unset = UNSET,
    country: str | Unset = UNSET,
    company_name: str | Unset = UNSET,
    gender: ListCustomersByLocationGender | Unset = UNSET,
    tag: str | Unset = UNSET,
    created_after: datetime.datetime | Unset = UNSET,
    created_before: datetime.datetime | Unset = UNSET,
    q: str | Unset = UNSET,
    limit: int | Unset = 20,
    cursor: str | Unset = UNSET,
    offset: int | Unset = UNSET,
    skip: int | Unset = UNSET,
    page: int | Unset = UNSET,
    sort: str | Unset = UNSET,
    sort_by: ListCustomersByLocationSortBy | Unset = UNSET,
    sort_order: ListCustomersByLocationSortOrder | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["is_active"] = is_active

    params["is_verified"] = is_verified

    params["email_verified"] = email_verified

    params["phone_verified"] = phone_verified

    params["is_business_customer"] = is_business_customer

    params["email"] = email

    params["username"] = username

    params["customer_id"] = customer_id

    json_user_id: str | Unset = UNSET
    if not isinstance(user_id, Unset):
        json_user_id = str(user_id)
    params["user_id"] = json_user_id

    params["external_id"] = external_id

    params["city"] = city

    params["state"] = state

    params["postal_code"] = postal_code

    params["country"] = country

    params["company_name"] = company_name

    json_gender: str | Unset = UNSET
    if not isinstance(gender, Unset):
        json_gender = gender.value

    params["gender"] = json_gender

    params["tag"] = tag

    json_created_after: str | Unset = UNSET
    if not isinstance(created_after, Unset):
        json_created_after = created_after.isoformat()
    params["created_after"] = json_created_after

    json_created_before: str | Unset = UNSET
    if not isinstance(created_before, Unset):
        json_created_before = created_before.isoformat()
    params["created_before"] = json_created_before

    params["q"] = q

    params["limit"] = limit

    params["cursor"] = cursor

    params["offset"] = offset

    params["skip"] = skip

    params["page"] = page

    params["sort"] = sort

    json_sort_by: str | Unset = UNSET
    if not isinstance(sort_by, Unset):
        json_sort_by = sort_by.value

    params["sort_by"] = json_sort_by

    json_sort_order: str | Unset = UNSET
    if not isinstance(sort_order, Unset):
        json_sort_order = sort_order.value

    params["sort_order"] = json_sort_order

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/customers/location/search",
        "params": params,
    }

    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> CustomerList | Problem | None:
    if response.status_code == 200:
        response_200 = CustomerList.from_dict(response.json())

        return response_200

    if response.status_code == 400:
        response_400 = Problem.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = Problem.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = Problem.from_dict(response.json())

        return response_403

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

    if response.status_code == 422:
        response_422 = Problem.from_dict(response.json())

        return response_422

    if response.status_code == 429:
        response_429 = Problem.from_dict(response.json())

        return response_429

    if response.status_code == 500:
        response_500 = Problem.from_dict(response.json())

        return response_500

    if response.status_code == 503:
        response_503 = Problem.from_dict(response.json())

        return response_503

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[CustomerList | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    is_active: bool | Unset = UNSET,
    is_verified: bool | Unset = UNSET,
    email_verified: bool | Unset = UNSET,
    phone_verified: bool | Unset = UNSET,
    is_business_customer: bool | Unset = UNSET,
    email: str | Unset = UNSET,
    username: str | Unset = UNSET,
    customer_id: str | Unset = UNSET,
    user_id: UUID | Unset = UNSET,
    external_id: str | Unset = UNSET,
    city: str | Unset = UNSET,
    state: str | Unset = UNSET,
    postal_code: str | Unset = UNSET,
    country: str | Unset = UNSET,
    company_name: str | Unset = UNSET,
    gender: ListCustomersByLocationGender | Unset = UNSET,
    tag: str | Unset = UNSET,
    created_after: datetime.datetime | Unset = UNSET,
    created_before: datetime.datetime | Unset = UNSET,
    q: str | Unset = UNSET,
    limit: int | Unset = 20,
    cursor: str | Unset = UNSET,
    offset: int | Unset = UNSET,
    skip: int | Unset = UNSET,
    page: int | Unset = UNSET,
    sort: str | Unset = UNSET,
    sort_by: ListCustomersByLocationSortBy | Unset = UNSET,
    sort_order: ListCustomersByLocationSortOrder | Unset = UNSET,
) -> Response[CustomerList | Problem]:
    """The customers at a place: city, state, country (in any spelling) and postal_code, of which one at
    least is given.

     The customers at a place: `city`, `state`, `country` (in any spelling) and `postal_code`, of which
    one at least is given.

    Args:
        is_active (bool | Unset):
        is_verified (bool | Unset):
        email_verified (bool | Unset):
        phone_verified (bool | Unset):
        is_business_customer (bool | Unset):
        email (str | Unset):
        username (str | Unset):
        customer_id (str | Unset):
        user_id (UUID | Unset):
        external_id (str | Unset):
        city (str | Unset):
        state (str | Unset):
        postal_code (str | Unset):
        country (str | Unset):
        company_name (str | Unset):
        gender (ListCustomersByLocationGender | Unset):
        tag (str | Unset):
        created_after (datetime.datetime | Unset):
        created_before (datetime.datetime | Unset):
        q (str | Unset):
        limit (int | Unset):  Default: 20.
        cursor (str | Unset):
        offset (int | Unset):
        skip (int | Unset):
        page (int | Unset):
        sort (str | Unset):
        sort_by (ListCustomersByLocationSortBy | Unset):
        sort_order (ListCustomersByLocationSortOrder | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[CustomerList | Problem]
    """

    kwargs = _get_kwargs(
        is_active=is_active,
        is_verified=is_verified,
        email_verified=email_verified,
        phone_verified=phone_verified,
        is_business_customer=is_business_customer,
        email=email,
        username=username,
        customer_id=customer_id,
        user_id=user_id,
        external_id=external_id,
        city=city,
        state=state,
        postal_code=postal_code,
        country=country,
        company_name=company_name,
        gender=gender,
        tag=tag,
        created_after=created_after,
        created_before=created_before,
        q=q,
        limit=limit,
        cursor=cursor,
        offset=offset,
        skip=skip,
        page=page,
        sort=sort,
        sort_by=sort_by,
        sort_order=sort_order,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    is_active: bool | Unset = UNSET,
    is_verified: bool | Unset = UNSET,
    email_verified: bool | Unset = UNSET,
    phone_verified: bool | Unset = UNSET,
    is_business_customer: bool | Unset = UNSET,
    email: str | Unset = UNSET,
    username: str | Unset = UNSET,
    customer_id: str | Unset = UNSET,
    user_id: UUID | Unset = UNSET,
    external_id: str | Unset = UNSET,
    city: str | Unset = UNSET,
    state: str | Unset = UNSET,
    postal_code: str | Unset = UNSET,
    country: str | Unset = UNSET,
    company_name: str | Unset = UNSET,
    gender: ListCustomersByLocationGender | Unset = UNSET,
    tag: str | Unset = UNSET,
    created_after: datetime.datetime | Unset = UNSET,
    created_before: datetime.datetime | Unset = UNSET,
    q: str | Unset = UNSET,
    limit: int | Unset = 20,
    cursor: str | Unset = UNSET,
    offset: int | Unset = UNSET,
    skip: int | Unset = UNSET,
    page: int | Unset = UNSET,
    sort: str | Unset = UNSET,
    sort_by: ListCustomersByLocationSortBy | Unset = UNSET,
    sort_order: ListCustomersByLocationSortOrder | Unset = UNSET,
) -> CustomerList | Problem | None:
    """The customers at a place: city, state, country (in any spelling) and postal_code, of which one at
    least is given.

     The customers at a place: `city`, `state`, `country` (in any spelling) and `postal_code`, of which
    one at least is given.

    Args:
        is_active (bool | Unset):
        is_verified (bool | Unset):
        email_verified (bool | Unset):
        phone_verified (bool | Unset):
        is_business_customer (bool | Unset):
        email (str | Unset):
        username (str | Unset):
        customer_id (str | Unset):
        user_id (UUID | Unset):
        external_id (str | Unset):
        city (str | Unset):
        state (str | Unset):
        postal_code (str | Unset):
        country (str | Unset):
        company_name (str | Unset):
        gender (ListCustomersByLocationGender | Unset):
        tag (str | Unset):
        created_after (datetime.datetime | Unset):
        created_before (datetime.datetime | Unset):
        q (str | Unset):
        limit (int | Unset):  Default: 20.
        cursor (str | Unset):
        offset (int | Unset):
        skip (int | Unset):
        page (int | Unset):
        sort (str | Unset):
        sort_by (ListCustomersByLocationSortBy | Unset):
        sort_order (ListCustomersByLocationSortOrder | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        CustomerList | Problem
    """

    return sync_detailed(
        client=client,
        is_active=is_active,
        is_verified=is_verified,
        email_verified=email_verified,
        phone_verified=phone_verified,
        is_business_customer=is_business_customer,
        email=email,
        username=username,
        customer_id=customer_id,
        user_id=user_id,
        external_id=external_id,
        city=city,
        state=state,
        postal_code=postal_code,
        country=country,
        company_name=company_name,
        gender=gender,
        tag=tag,
        created_after=created_after,
        created_before=created_before,
        q=q,
        limit=limit,
        cursor=cursor,
        offset=offset,
        skip=skip,
        page=page,
        sort=sort,
        sort_by=sort_by,
        sort_order=sort_order,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    is_active: bool | Unset = UNSET,
    is_verified: bool | Unset = UNSET,
    email_verified: bool | Unset = UNSET,
    phone_verified: bool | Unset = UNSET,
    is_business_customer: bool | Unset = UNSET,
    email: str | Unset = UNSET,
    username: str | Unset = UNSET,
    customer_id: str | Unset = UNSET,
    user_id: UUID | Unset = UNSET,
    external_id: str | Unset = UNSET,
    city: str | Unset = UNSET,
    state: str | Unset = UNSET,
    postal_code: str | Unset = UNSET,
    country: str | Unset = UNSET,
    company_name: str | Unset = UNSET,
    gender: ListCustomersByLocationGender | Unset = UNSET,
    tag: str | Unset = UNSET,
    created_after: datetime.datetime | Unset = UNSET,
    created_before: datetime.datetime | Unset = UNSET,
    q: str | Unset = UNSET,
    limit: int | Unset = 20,
    cursor: str | Unset = UNSET,
    offset: int | Unset = UNSET,
    skip: int | Unset = UNSET,
    page: int | Unset = UNSET,
    sort: str | Unset = UNSET,
    sort_by: ListCustomersByLocationSortBy | Unset = UNSET,
    sort_order: ListCustomersByLocationSortOrder | Unset = UNSET,
) -> Response[CustomerList | Problem]:
    """The customers at a place: city, state, country (in any spelling) and postal_code, of which one at
    least is given.

     The customers at a place: `city`, `state`, `country` (in any spelling) and `postal_code`, of which
    one at least is given.

    Args:
        is_active (bool | Unset):
        is_verified (bool | Unset):
        email_verified (bool | Unset):
        phone_verified (bool | Unset):
        is_business_customer (bool | Unset):
        email (str | Unset):
        username (str | Unset):
        customer_id (str | Unset):
        user_id (UUID | Unset):
        external_id (str | Unset):
        city (str | Unset):
        state (str | Unset):
        postal_code (str | Unset):
        country (str | Unset):
        company_name (str | Unset):
        gender (ListCustomersByLocationGender | Unset):
        tag (str | Unset):
        created_after (datetime.datetime | Unset):
        created_before (datetime.datetime | Unset):
        q (str | Unset):
        limit (int | Unset):  Default: 20.
        cursor (str | Unset):
        offset (int | Unset):
        skip (int | Unset):
        page (int | Unset):
        sort (str | Unset):
        sort_by (ListCustomersByLocationSortBy | Unset):
        sort_order (ListCustomersByLocationSortOrder | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[CustomerList | Problem]
    """

    kwargs = _get_kwargs(
        is_active=is_active,
        is_verified=is_verified,
        email_verified=email_verified,
        phone_verified=phone_verified,
        is_business_customer=is_business_customer,
        email=email,
        username=username,
        customer_id=customer_id,
        user_id=user_id,
        external_id=external_id,
        city=city,
        state=state,
        postal_code=postal_code,
        country=country,
        company_name=company_name,
        gender=gender,
        tag=tag,
        created_after=created_after,
        created_before=created_before,
        q=q,
        limit=limit,
        cursor=cursor,
        offset=offset,
        skip=skip,
        page=page,
        sort=sort,
        sort_by=sort_by,
        sort_order=sort_order,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    is_active: bool | Unset = UNSET,
    is_verified: bool | Unset = UNSET,
    email_verified: bool | Unset = UNSET,
    phone_verified: bool | Unset = UNSET,
    is_business_customer: bool | Unset = UNSET,
    email: str | Unset = UNSET,
    username: str | Unset = UNSET,
    customer_id: str | Unset = UNSET,
    user_id: UUID | Unset = UNSET,
    external_id: str | Unset = UNSET,
    city: str | Unset = UNSET,
    state: str | Unset = UNSET,
    postal_code: str | Unset = UNSET,
    country: str | Unset = UNSET,
    company_name: str | Unset = UNSET,
    gender: ListCustomersByLocationGender | Unset = UNSET,
    tag: str | Unset = UNSET,
    created_after: datetime.datetime | Unset = UNSET,
    created_before: datetime.datetime | Unset = UNSET,
    q: str | Unset = UNSET,
    limit: int | Unset = 20,
    cursor: str | Unset = UNSET,
    offset: int | Unset = UNSET,
    skip: int | Unset = UNSET,
    page: int | Unset = UNSET,
    sort: str | Unset = UNSET,
    sort_by: ListCustomersByLocationSortBy | Unset = UNSET,
    sort_order: ListCustomersByLocationSortOrder | Unset = UNSET,
) -> CustomerList | Problem | None:
    """The customers at a place: city, state, country (in any spelling) and postal_code, of which one at
    least is given.

     The customers at a place: `city`, `state`, `country` (in any spelling) and `postal_code`, of which
    one at least is given.

    Args:
        is_active (bool | Unset):
        is_verified (bool | Unset):
        email_verified (bool | Unset):
        phone_verified (bool | Unset):
        is_business_customer (bool | Unset):
        email (str | Unset):
        username (str | Unset):
        customer_id (str | Unset):
        user_id (UUID | Unset):
        external_id (str | Unset):
        city (str | Unset):
        state (str | Unset):
        postal_code (str | Unset):
        country (str | Unset):
        company_name (str | Unset):
        gender (ListCustomersByLocationGender | Unset):
        tag (str | Unset):
        created_after (datetime.datetime | Unset):
        created_before (datetime.datetime | Unset):
        q (str | Unset):
        limit (int | Unset):  Default: 20.
        cursor (str | Unset):
        offset (int | Unset):
        skip (int | Unset):
        page (int | Unset):
        sort (str | Unset):
        sort_by (ListCustomersByLocationSortBy | Unset):
        sort_order (ListCustomersByLocationSortOrder | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        CustomerList | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            is_active=is_active,
            is_verified=is_verified,
            email_verified=email_verified,
            phone_verified=phone_verified,
            is_business_customer=is_business_customer,
            email=email,
            username=username,
            customer_id=customer_id,
            user_id=user_id,
            external_id=external_id,
            city=city,
            state=state,
            postal_code=postal_code,
            country=country,
            company_name=company_name,
            gender=gender,
            tag=tag,
            created_after=created_after,
            created_before=created_before,
            q=q,
            limit=limit,
            cursor=cursor,
            offset=offset,
            skip=skip,
            page=page,
            sort=sort,
            sort_by=sort_by,
            sort_order=sort_order,
        )
    ).parsed
