from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.import_customers_date_order import ImportCustomersDateOrder
from ...models.import_customers_delimiter import ImportCustomersDelimiter
from ...models.import_customers_empty import ImportCustomersEmpty
from ...models.import_customers_format import ImportCustomersFormat
from ...models.import_customers_match import ImportCustomersMatch
from ...models.import_customers_mode import ImportCustomersMode
from ...models.import_customers_on_error import ImportCustomersOnError
from ...models.import_customers_unknown import ImportCustomersUnknown
from ...models.import_form import ImportForm
from ...models.job import Job
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: ImportForm,
    format_: ImportCustomersFormat | Unset = UNSET,
    mode: ImportCustomersMode | Unset = UNSET,
    match: ImportCustomersMatch | Unset = UNSET,
    dry_run: bool | Unset = UNSET,
    mapping: str | Unset = UNSET,
    unknown: ImportCustomersUnknown | Unset = UNSET,
    delimiter: ImportCustomersDelimiter | Unset = UNSET,
    encoding: str | Unset = UNSET,
    date_order: ImportCustomersDateOrder | Unset = UNSET,
    empty: ImportCustomersEmpty | Unset = UNSET,
    on_error: ImportCustomersOnError | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    params: dict[str, Any] = {}

    json_format_: str | Unset = UNSET
    if not isinstance(format_, Unset):
        json_format_ = format_.value

    params["format"] = json_format_

    json_mode: str | Unset = UNSET
    if not isinstance(mode, Unset):
        json_mode = mode.value

    params["mode"] = json_mode

    json_match: str | Unset = UNSET
    if not isinstance(match, Unset):
        json_match = match.value

    params["match"] = json_match

    params["dry_run"] = dry_run

    params["mapping"] = mapping

    json_unknown: str | Unset = UNSET
    if not isinstance(unknown, Unset):
        json_unknown = unknown.value

    params["unknown"] = json_unknown

    json_delimiter: str | Unset = UNSET
    if not isinstance(delimiter, Unset):
        json_delimiter = delimiter.value

    params["delimiter"] = json_delimiter

    params["encoding"] = encoding

    json_date_order: str | Unset = UNSET
    if not isinstance(date_order, Unset):
        json_date_order = date_order.value

    params["date_order"] = json_date_order

    json_empty: str | Unset = UNSET
    if not isinstance(empty, Unset):
        json_empty = empty.value

    params["empty"] = json_empty

    json_on_error: str | Unset = UNSET
    if not isinstance(on_error, Unset):
        json_on_error = on_error.value

    params["on_error"] = json_on_error

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v1/customers/import",
        "params": params,
    }

    _kwargs["files"] = body.to_multipart()

    headers["Content-Type"] = "multipart/form-data; boundary=+++"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Job | Problem | None:
    if response.status_code == 202:
        response_202 = Job.from_dict(response.json())

        return response_202

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


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[Job | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: ImportForm,
    format_: ImportCustomersFormat | Unset = UNSET,
    mode: ImportCustomersMode | Unset = UNSET,
    match: ImportCustomersMatch | Unset = UNSET,
    dry_run: bool | Unset = UNSET,
    mapping: str | Unset = UNSET,
    unknown: ImportCustomersUnknown | Unset = UNSET,
    delimiter: ImportCustomersDelimiter | Unset = UNSET,
    encoding: str | Unset = UNSET,
    date_order: ImportCustomersDateOrder | Unset = UNSET,
    empty: ImportCustomersEmpty | Unset = UNSET,
    on_error: ImportCustomersOnError | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> Response[Job | Problem]:
    """Imports customers from a CSV or NDJSON file: the body, or the first file of a form.

     Imports customers from a CSV or NDJSON file: the body, or the first file of a form. Answers as soon
    as the file is
    stored and its columns are known; the job tells how far it is, and its report what became of each
    row.

    Args:
        format_ (ImportCustomersFormat | Unset): How the records stand in the file.
        mode (ImportCustomersMode | Unset): What is done with a row.
        match (ImportCustomersMatch | Unset): By what a row finds its customer.
        dry_run (bool | Unset):
        mapping (str | Unset):
        unknown (ImportCustomersUnknown | Unset): What is done with columns that nobody knows.
        delimiter (ImportCustomersDelimiter | Unset): What stands between two cells.
        encoding (str | Unset):
        date_order (ImportCustomersDateOrder | Unset): How days are written that are not written
            as 2026-03-01.
        empty (ImportCustomersEmpty | Unset): What an empty cell means for a known customer.
        on_error (ImportCustomersOnError | Unset): What happens after a row that could not be
            imported.
        idempotency_key (str | Unset):
        body (ImportForm): A form with a file.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Job | Problem]
    """

    kwargs = _get_kwargs(
        body=body,
        format_=format_,
        mode=mode,
        match=match,
        dry_run=dry_run,
        mapping=mapping,
        unknown=unknown,
        delimiter=delimiter,
        encoding=encoding,
        date_order=date_order,
        empty=empty,
        on_error=on_error,
        idempotency_key=idempotency_key,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    body: ImportForm,
    format_: ImportCustomersFormat | Unset = UNSET,
    mode: ImportCustomersMode | Unset = UNSET,
    match: ImportCustomersMatch | Unset = UNSET,
    dry_run: bool | Unset = UNSET,
    mapping: str | Unset = UNSET,
    unknown: ImportCustomersUnknown | Unset = UNSET,
    delimiter: ImportCustomersDelimiter | Unset = UNSET,
    encoding: str | Unset = UNSET,
    date_order: ImportCustomersDateOrder | Unset = UNSET,
    empty: ImportCustomersEmpty | Unset = UNSET,
    on_error: ImportCustomersOnError | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> Job | Problem | None:
    """Imports customers from a CSV or NDJSON file: the body, or the first file of a form.

     Imports customers from a CSV or NDJSON file: the body, or the first file of a form. Answers as soon
    as the file is
    stored and its columns are known; the job tells how far it is, and its report what became of each
    row.

    Args:
        format_ (ImportCustomersFormat | Unset): How the records stand in the file.
        mode (ImportCustomersMode | Unset): What is done with a row.
        match (ImportCustomersMatch | Unset): By what a row finds its customer.
        dry_run (bool | Unset):
        mapping (str | Unset):
        unknown (ImportCustomersUnknown | Unset): What is done with columns that nobody knows.
        delimiter (ImportCustomersDelimiter | Unset): What stands between two cells.
        encoding (str | Unset):
        date_order (ImportCustomersDateOrder | Unset): How days are written that are not written
            as 2026-03-01.
        empty (ImportCustomersEmpty | Unset): What an empty cell means for a known customer.
        on_error (ImportCustomersOnError | Unset): What happens after a row that could not be
            imported.
        idempotency_key (str | Unset):
        body (ImportForm): A form with a file.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Job | Problem
    """

    return sync_detailed(
        client=client,
        body=body,
        format_=format_,
        mode=mode,
        match=match,
        dry_run=dry_run,
        mapping=mapping,
        unknown=unknown,
        delimiter=delimiter,
        encoding=encoding,
        date_order=date_order,
        empty=empty,
        on_error=on_error,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: ImportForm,
    format_: ImportCustomersFormat | Unset = UNSET,
    mode: ImportCustomersMode | Unset = UNSET,
    match: ImportCustomersMatch | Unset = UNSET,
    dry_run: bool | Unset = UNSET,
    mapping: str | Unset = UNSET,
    unknown: ImportCustomersUnknown | Unset = UNSET,
    delimiter: ImportCustomersDelimiter | Unset = UNSET,
    encoding: str | Unset = UNSET,
    date_order: ImportCustomersDateOrder | Unset = UNSET,
    empty: ImportCustomersEmpty | Unset = UNSET,
    on_error: ImportCustomersOnError | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> Response[Job | Problem]:
    """Imports customers from a CSV or NDJSON file: the body, or the first file of a form.

     Imports customers from a CSV or NDJSON file: the body, or the first file of a form. Answers as soon
    as the file is
    stored and its columns are known; the job tells how far it is, and its report what became of each
    row.

    Args:
        format_ (ImportCustomersFormat | Unset): How the records stand in the file.
        mode (ImportCustomersMode | Unset): What is done with a row.
        match (ImportCustomersMatch | Unset): By what a row finds its customer.
        dry_run (bool | Unset):
        mapping (str | Unset):
        unknown (ImportCustomersUnknown | Unset): What is done with columns that nobody knows.
        delimiter (ImportCustomersDelimiter | Unset): What stands between two cells.
        encoding (str | Unset):
        date_order (ImportCustomersDateOrder | Unset): How days are written that are not written
            as 2026-03-01.
        empty (ImportCustomersEmpty | Unset): What an empty cell means for a known customer.
        on_error (ImportCustomersOnError | Unset): What happens after a row that could not be
            imported.
        idempotency_key (str | Unset):
        body (ImportForm): A form with a file.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Job | Problem]
    """

    kwargs = _get_kwargs(
        body=body,
        format_=format_,
        mode=mode,
        match=match,
        dry_run=dry_run,
        mapping=mapping,
        unknown=unknown,
        delimiter=delimiter,
        encoding=encoding,
        date_order=date_order,
        empty=empty,
        on_error=on_error,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: ImportForm,
    format_: ImportCustomersFormat | Unset = UNSET,
    mode: ImportCustomersMode | Unset = UNSET,
    match: ImportCustomersMatch | Unset = UNSET,
    dry_run: bool | Unset = UNSET,
    mapping: str | Unset = UNSET,
    unknown: ImportCustomersUnknown | Unset = UNSET,
    delimiter: ImportCustomersDelimiter | Unset = UNSET,
    encoding: str | Unset = UNSET,
    date_order: ImportCustomersDateOrder | Unset = UNSET,
    empty: ImportCustomersEmpty | Unset = UNSET,
    on_error: ImportCustomersOnError | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
) -> Job | Problem | None:
    """Imports customers from a CSV or NDJSON file: the body, or the first file of a form.

     Imports customers from a CSV or NDJSON file: the body, or the first file of a form. Answers as soon
    as the file is
    stored and its columns are known; the job tells how far it is, and its report what became of each
    row.

    Args:
        format_ (ImportCustomersFormat | Unset): How the records stand in the file.
        mode (ImportCustomersMode | Unset): What is done with a row.
        match (ImportCustomersMatch | Unset): By what a row finds its customer.
        dry_run (bool | Unset):
        mapping (str | Unset):
        unknown (ImportCustomersUnknown | Unset): What is done with columns that nobody knows.
        delimiter (ImportCustomersDelimiter | Unset): What stands between two cells.
        encoding (str | Unset):
        date_order (ImportCustomersDateOrder | Unset): How days are written that are not written
            as 2026-03-01.
        empty (ImportCustomersEmpty | Unset): What an empty cell means for a known customer.
        on_error (ImportCustomersOnError | Unset): What happens after a row that could not be
            imported.
        idempotency_key (str | Unset):
        body (ImportForm): A form with a file.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Job | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            format_=format_,
            mode=mode,
            match=match,
            dry_run=dry_run,
            mapping=mapping,
            unknown=unknown,
            delimiter=delimiter,
            encoding=encoding,
            date_order=date_order,
            empty=empty,
            on_error=on_error,
            idempotency_key=idempotency_key,
        )
    ).parsed
