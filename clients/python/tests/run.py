"""Runs the client against the server at API_URL with the API key in API_KEY (scripts/clients starts both)."""

import os
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx

from regulars_client import Client, Problem, ProblemError, Retries, Tokens, connect, expect, pages
from regulars_client.generated.api.account import get_account, register_user
from regulars_client.generated.api.customers import create_customer, get_customer, list_customers, update_customer
from regulars_client.generated.api.profile import get_own_profile
from regulars_client.generated.api.search import search_customers
from regulars_client.generated.api.sessions import login_user
from regulars_client.generated.api.statistics import get_customer_statistics
from regulars_client.generated.models import (
    CustomerChange,
    CustomerList,
    CustomerSearch,
    Login,
    NewCustomer,
    NewProfile,
    Registration,
)
from regulars_client.generated.types import UNSET, Unset

URL = os.environ["API_URL"]
KEY = os.environ["API_KEY"]
MARK = f"py-{time.time_ns()}"
PASSWORD = "Difference-Engine-1842"


def staff(transport: httpx.BaseTransport | None = None) -> Client:
    return connect(URL, api_key=KEY, transport=transport)


def registers_logs_in_and_refreshes() -> None:
    stranger = connect(URL)
    email = f"{MARK}@example.com"
    profile = NewProfile(city="London")
    body = Registration(email=email, first_name="Ada", last_name="Lovelace", password=PASSWORD, customer=profile)
    registered = expect(register_user.sync(client=stranger, body=body))
    assert not isinstance(registered.customer, Unset) and registered.customer.city == "London"
    login = expect(login_user.sync(client=stranger, body=Login(email=email, password=PASSWORD)))
    kept: list[str] = []
    tokens = Tokens("no.longer.good", login.tokens.refresh, on_change=lambda new: kept.append(new.refresh))
    person = connect(URL, tokens=tokens)
    # Two at once share one refresh: a refresh token is good for one.
    with ThreadPoolExecutor() as threads:
        account = threads.submit(lambda: expect(get_account.sync(client=person)))
        own = threads.submit(lambda: expect(get_own_profile.sync(client=person)))
    assert account.result().email == email
    assert isinstance(own.result().notes, Unset), "customers do not see what staff write"
    assert len(kept) == 1 and kept[0] != login.tokens.refresh
    try:
        expect(list_customers.sync(client=person))
    except ProblemError as error:
        assert error.problem.status == 403
    else:
        raise AssertionError("a customer may not list customers")


def creates_changes_and_repeats() -> None:
    api = staff()
    email = f"{MARK}-grace@example.com"
    body = NewCustomer(first_name="Grace", last_name="Hopper", email=email, tags=["navy", MARK])
    key = str(uuid.uuid4())
    first = create_customer.sync_detailed(client=api, body=body, idempotency_key=key)
    customer = expect(first.parsed)
    again = create_customer.sync_detailed(client=api, body=body, idempotency_key=key)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert expect(again.parsed).id == customer.id

    ref = customer.customer_id
    tag = get_customer.sync_detailed(ref, client=api).headers["ETag"]
    changed = update_customer.sync(ref, client=api, body=CustomerChange(city="Boston"), if_match=tag)
    assert expect(changed).city == "Boston"
    late = update_customer.sync(ref, client=api, body=CustomerChange(city="Denver"), if_match=tag)
    assert isinstance(late, Problem) and late.error_code == "PRECONDITION_FAILED"


def walks_pages() -> None:
    api = staff()
    tag = f"page-{MARK}"
    for i in range(5):
        body = NewCustomer(first_name="Page", last_name=f"Number {i}", email=f"{MARK}-{i}@example.com", tags=tag)
        expect(create_customer.sync(client=api, body=body))

    def page(cursor: str | None) -> CustomerList | Problem | None:
        return list_customers.sync(client=api, tag=tag, limit=2, sort="last_name", cursor=cursor or UNSET)

    walked = list(pages(page))
    assert len(walked) == 3
    names = [customer.last_name for page in walked for customer in page.customers]
    assert names == [f"Number {i}" for i in range(5)], names


class Busy(httpx.BaseTransport):
    """Answers with these statuses first, then lets through."""

    def __init__(self, statuses: list[int], wait: str) -> None:
        self.statuses = statuses
        self.wait = wait
        self.keys: list[str | None] = []
        self.inner = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.keys.append(request.headers.get("Idempotency-Key"))
        if not self.statuses:
            return self.inner.handle_request(request)
        status = self.statuses.pop(0)
        problem = {"type": "about:blank", "title": "Busy", "status": status, "detail": "Busy", "error_code": "BUSY"}
        problem |= {"timestamp": "2026-03-01T12:30:00Z", "request_id": "x"}
        return httpx.Response(status, headers={"Retry-After": self.wait}, json=problem)


def waits_for_a_busy_server() -> None:
    twice = Busy([429, 503], "0")
    expect(search_customers.sync(client=staff(twice), body=CustomerSearch(query=MARK)))
    assert len(twice.keys) == 3 and len(set(twice.keys)) == 1, "a repeat has the key of the first try"
    hour = Busy([503] * 9, "3600")
    api = connect(URL, api_key=KEY, transport=hour, retries=Retries(most=3, longest_wait=60))
    refused = get_customer_statistics.sync(client=api)
    assert isinstance(refused, Problem) and len(hour.keys) == 1, "nobody waits an hour unasked"


for test in [registers_logs_in_and_refreshes, creates_changes_and_repeats, walks_pages, waits_for_a_busy_server]:
    test()
    print(f"ok {test.__name__}")
