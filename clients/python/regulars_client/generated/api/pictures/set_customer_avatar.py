from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.avatar import Avatar
from ...models.image_form import ImageForm
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    ref: str,
    *,
    body: ImageForm,
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "put",
        "url": "/api/v1/customers/{ref}/avatar".format(
            ref=quote(str(ref), safe=""),
        ),
    }

    _kwargs["files"] = body.to_multipart()

    headers["Content-Type"] = "multipart/form-data; boundary=+++"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Avatar | Problem | None:
    if response.status_code == 200:
        response_200 = Avatar.from_dict(response.json())

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

    if response.status_code == 408:
        response_408 = Problem.from_dict(response.json())

        return response_408

    if response.status_code == 409:
        response_409 = Problem.from_dict(response.json())

        return response_409

    if response.status_code == 413:
        response_413 = Problem.from_dict(response.json())

        return response_413

    if response.status_code == 415:
        response_415 = Problem.from_dict(response.json())

        return response_415

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


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[Avatar | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    ref: str,
    *,
    client: AuthenticatedClient,
    body: ImageForm,
    idempotency_key: str | Unset = UNSET,
) -> Response[Avatar | Problem]:
    """Makes the image in the body the customer's picture: JPEG, PNG, GIF or WebP.

     Makes the image in the body the customer's picture: JPEG, PNG, GIF or WebP. It is cropped to a
    square, turned upright,
    and kept in three sizes without anything else that was in the file. By staff or by the customer.

    Args:
        ref (str):
        idempotency_key (str | Unset):
        body (ImageForm): A form with an image.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Avatar | Problem]
    """

    kwargs = _get_kwargs(
        ref=ref,
        body=body,
        idempotency_key=idempotency_key,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    ref: str,
    *,
    client: AuthenticatedClient,
    body: ImageForm,
    idempotency_key: str | Unset = UNSET,
) -> Avatar | Problem | None:
    """Makes the image in the body the customer's picture: JPEG, PNG, GIF or WebP.

     Makes the image in the body the customer's picture: JPEG, PNG, GIF or WebP. It is cropped to a
    square, turned upright,
    and kept in three sizes without anything else that was in the file. By staff or by the customer.

    Args:
        ref (str):
        idempotency_key (str | Unset):
        body (ImageForm): A form with an image.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Avatar | Problem
    """

    return sync_detailed(
        ref=ref,
        client=client,
        body=body,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    ref: str,
    *,
    client: AuthenticatedClient,
    body: ImageForm,
    idempotency_key: str | Unset = UNSET,
) -> Response[Avatar | Problem]:
    """Makes the image in the body the customer's picture: JPEG, PNG, GIF or WebP.

     Makes the image in the body the customer's picture: JPEG, PNG, GIF or WebP. It is cropped to a
    square, turned upright,
    and kept in three sizes without anything else that was in the file. By staff or by the customer.

    Args:
        ref (str):
        idempotency_key (str | Unset):
        body (ImageForm): A form with an image.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Avatar | Problem]
    """

    kwargs = _get_kwargs(
        ref=ref,
        body=body,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    ref: str,
    *,
    client: AuthenticatedClient,
    body: ImageForm,
    idempotency_key: str | Unset = UNSET,
) -> Avatar | Problem | None:
    """Makes the image in the body the customer's picture: JPEG, PNG, GIF or WebP.

     Makes the image in the body the customer's picture: JPEG, PNG, GIF or WebP. It is cropped to a
    square, turned upright,
    and kept in three sizes without anything else that was in the file. By staff or by the customer.

    Args:
        ref (str):
        idempotency_key (str | Unset):
        body (ImageForm): A form with an image.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Avatar | Problem
    """

    return (
        await asyncio_detailed(
            ref=ref,
            client=client,
            body=body,
            idempotency_key=idempotency_key,
        )
    ).parsed
