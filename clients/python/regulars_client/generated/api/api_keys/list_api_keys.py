from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.api_key_list import ApiKeyList
from ...models.list_api_keys_sort_by import ListApiKeysSortBy
from ...models.list_api_keys_sort_order import ListApiKeysSortOrder
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    is_revoked: bool | Unset = UNSET,
    name: str | Unset = UNSET,
    role: str | Unset = UNSET,
    limit: int | Unset = 20,
    cursor: str | Unset = UNSET,
    offset: int | Unset = UNSET,
    skip: int | Unset = UNSET,
    page: int | Unset = UNSET,
    sort: str | Unset = UNSET,
    sort_by: ListApiKeysSortBy | Unset = UNSET,
    sort_order: ListApiKeysSortOrder | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["is_revoked"] = is_revoked

    params["name"] = name

    params["role"] = role

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
        "url": "/api/v1/api-keys",
        "params": params,
    }

    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> ApiKeyList | Problem | None:
    if response.status_code == 200:
        response_200 = ApiKeyList.from_dict(response.json())

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
) -> Response[ApiKeyList | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    is_revoked: bool | Unset = UNSET,
    name: str | Unset = UNSET,
    role: str | Unset = UNSET,
    limit: int | Unset = 20,
    cursor: str | Unset = UNSET,
    offset: int | Unset = UNSET,
    skip: int | Unset = UNSET,
    page: int | Unset = UNSET,
    sort: str | Unset = UNSET,
    sort_by: ListApiKeysSortBy | Unset = UNSET,
    sort_order: ListApiKeysSortOrder | Unset = UNSET,
) -> Response[ApiKeyList | Problem]:
    """The keys within the caller's reach, newest first, those that have ended as well.

     The keys within the caller's reach, newest first, those that have ended as well.

    Args:
        is_revoked (bool | Unset):
        name (str | Unset):
        role (str | Unset):
        limit (int | Unset):  Default: 20.
        cursor (str | Unset):
        offset (int | Unset):
        skip (int | Unset):
        page (int | Unset):
        sort (str | Unset):
        sort_by (ListApiKeysSortBy | Unset):
        sort_order (ListApiKeysSortOrder | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ApiKeyList | Problem]
    """

    kwargs = _get_kwargs(
        is_revoked=is_revoked,
        name=name,
        role=role,
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
    is_revoked: bool | Unset = UNSET,
    name: str | Unset = UNSET,
    role: str | Unset = UNSET,
    limit: int | Unset = 20,
    cursor: str | Unset = UNSET,
    offset: int | Unset = UNSET,
    skip: int | Unset = UNSET,
    page: int | Unset = UNSET,
    sort: str | Unset = UNSET,
    sort_by: ListApiKeysSortBy | Unset = UNSET,
    sort_order: ListApiKeysSortOrder | Unset = UNSET,
) -> ApiKeyList | Problem | None:
    """The keys within the caller's reach, newest first, those that have ended as well.

     The keys within the caller's reach, newest first, those that have ended as well.

    Args:
        is_revoked (bool | Unset):
        name (str | Unset):
        role (str | Unset):
        limit (int | Unset):  Default: 20.
        cursor (str | Unset):
        offset (int | Unset):
        skip (int | Unset):
        page (int | Unset):
        sort (str | Unset):
        sort_by (ListApiKeysSortBy | Unset):
        sort_order (ListApiKeysSortOrder | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ApiKeyList | Problem
    """

    return sync_detailed(
        client=client,
        is_revoked=is_revoked,
        name=name,
        role=role,
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
    is_revoked: bool | Unset = UNSET,
    name: str | Unset = UNSET,
    role: str | Unset = UNSET,
    limit: int | Unset = 20,
    cursor: str | Unset = UNSET,
    offset: int | Unset = UNSET,
    skip: int | Unset = UNSET,
    page: int | Unset = UNSET,
    sort: str | Unset = UNSET,
    sort_by: ListApiKeysSortBy | Unset = UNSET,
    sort_order: ListApiKeysSortOrder | Unset = UNSET,
) -> Response[ApiKeyList | Problem]:
    """The keys within the caller's reach, newest first, those that have ended as well.

     The keys within the caller's reach, newest first, those that have ended as well.

    Args:
        is_revoked (bool | Unset):
        name (str | Unset):
        role (str | Unset):
        limit (int | Unset):  Default: 20.
        cursor (str | Unset):
        offset (int | Unset):
        skip (int | Unset):
        page (int | Unset):
        sort (str | Unset):
        sort_by (ListApiKeysSortBy | Unset):
        sort_order (ListApiKeysSortOrder | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ApiKeyList | Problem]
    """

    kwargs = _get_kwargs(
        is_revoked=is_revoked,
        name=name,
        role=role,
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
    is_revoked: bool | Unset = UNSET,
    name: str | Unset = UNSET,
    role: str | Unset = UNSET,
    limit: int | Unset = 20,
    cursor: str | Unset = UNSET,
    offset: int | Unset = UNSET,
    skip: int | Unset = UNSET,
    page: int | Unset = UNSET,
    sort: str | Unset = UNSET,
    sort_by: ListApiKeysSortBy | Unset = UNSET,
    sort_order: ListApiKeysSortOrder | Unset = UNSET,
) -> ApiKeyList | Problem | None:
    """The keys within the caller's reach, newest first, those that have ended as well.

     The keys within the caller's reach, newest first, those that have ended as well.

    Args:
        is_revoked (bool | Unset):
        name (str | Unset):
        role (str | Unset):
        limit (int | Unset):  Default: 20.
        cursor (str | Unset):
        offset (int | Unset):
        skip (int | Unset):
        page (int | Unset):
        sort (str | Unset):
        sort_by (ListApiKeysSortBy | Unset):
        sort_order (ListApiKeysSortOrder | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ApiKeyList | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            is_revoked=is_revoked,
            name=name,
            role=role,
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
