from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote
from uuid import UUID

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.get_job_report_format import GetJobReportFormat
from ...models.get_job_report_verdict import GetJobReportVerdict
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    job: UUID,
    *,
    format_: GetJobReportFormat | Unset = UNSET,
    verdict: GetJobReportVerdict | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_format_: str | Unset = UNSET
    if not isinstance(format_, Unset):
        json_format_ = format_.value

    params["format"] = json_format_

    json_verdict: str | Unset = UNSET
    if not isinstance(verdict, Unset):
        json_verdict = verdict.value

    params["verdict"] = json_verdict

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/jobs/{job}/report".format(
            job=quote(str(job), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Problem | str | None:
    if response.status_code == 200:
        response_200 = cast(str, response.content)
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


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[Problem | str]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    job: UUID,
    *,
    client: AuthenticatedClient,
    format_: GetJobReportFormat | Unset = UNSET,
    verdict: GetJobReportVerdict | Unset = UNSET,
) -> Response[Problem | str]:
    """One line per row: what became of it, and why.

     One line per row: what became of it, and why. In CSV, cells that look like formulas begin with an
    apostrophe.

    Args:
        job (UUID):
        format_ (GetJobReportFormat | Unset): How a report is written.
        verdict (GetJobReportVerdict | Unset): What became of a row.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | str]
    """

    kwargs = _get_kwargs(
        job=job,
        format_=format_,
        verdict=verdict,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    job: UUID,
    *,
    client: AuthenticatedClient,
    format_: GetJobReportFormat | Unset = UNSET,
    verdict: GetJobReportVerdict | Unset = UNSET,
) -> Problem | str | None:
    """One line per row: what became of it, and why.

     One line per row: what became of it, and why. In CSV, cells that look like formulas begin with an
    apostrophe.

    Args:
        job (UUID):
        format_ (GetJobReportFormat | Unset): How a report is written.
        verdict (GetJobReportVerdict | Unset): What became of a row.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | str
    """

    return sync_detailed(
        job=job,
        client=client,
        format_=format_,
        verdict=verdict,
    ).parsed


async def asyncio_detailed(
    job: UUID,
    *,
    client: AuthenticatedClient,
    format_: GetJobReportFormat | Unset = UNSET,
    verdict: GetJobReportVerdict | Unset = UNSET,
) -> Response[Problem | str]:
    """One line per row: what became of it, and why.

     One line per row: what became of it, and why. In CSV, cells that look like formulas begin with an
    apostrophe.

    Args:
        job (UUID):
        format_ (GetJobReportFormat | Unset): How a report is written.
        verdict (GetJobReportVerdict | Unset): What became of a row.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Problem | str]
    """

    kwargs = _get_kwargs(
        job=job,
        format_=format_,
        verdict=verdict,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    job: UUID,
    *,
    client: AuthenticatedClient,
    format_: GetJobReportFormat | Unset = UNSET,
    verdict: GetJobReportVerdict | Unset = UNSET,
) -> Problem | str | None:
    """One line per row: what became of it, and why.

     One line per row: what became of it, and why. In CSV, cells that look like formulas begin with an
    apostrophe.

    Args:
        job (UUID):
        format_ (GetJobReportFormat | Unset): How a report is written.
        verdict (GetJobReportVerdict | Unset): What became of a row.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Problem | str
    """

    return (
        await asyncio_detailed(
            job=job,
            client=client,
            format_=format_,
            verdict=verdict,
        )
    ).parsed
