"""How requests are sent: as whom, named for repeats, and again when the server was busy."""

import json
import threading
import time
import uuid
from collections.abc import Callable, Generator
from dataclasses import dataclass, field

import httpx

from .generated.client import AuthenticatedClient as Client

_CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass
class Tokens:
    """The tokens of a login. They refresh themselves; `on_change` is told of each new pair, to keep it."""

    access: str
    refresh: str
    on_change: Callable[["Tokens"], None] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)


@dataclass(frozen=True)
class Retries:
    """How often to try again, and the longest `Retry-After` in seconds that is waited for."""

    most: int = 3
    longest_wait: float = 60.0


def connect(
    base_url: str,
    *,
    api_key: str | None = None,
    tokens: Tokens | None = None,
    retries: Retries = Retries(),
    timeout: float = 60.0,
    transport: httpx.BaseTransport | None = None,
) -> Client:
    """A client of a server, for a program with an API key, for a person with tokens, or for nobody."""
    base = base_url.rstrip("/")
    sender = _Sender(transport or httpx.HTTPTransport(), retries)
    return Client(
        base_url=base,
        token="",
        timeout=httpx.Timeout(timeout),
        raise_on_unexpected_status=True,
        httpx_args={"transport": sender, "auth": _Caller(base, api_key, tokens)},
    )


class _Caller(httpx.Auth):
    """Says who is calling, names each change, and gets a new pair of tokens when the access token is refused."""

    requires_request_body = True

    def __init__(self, base: str, api_key: str | None, tokens: Tokens | None) -> None:
        self._base = base
        self._api_key = api_key
        self._tokens = tokens

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """What httpx calls around each request."""
        request.read()
        if request.method in _CHANGES and "Idempotency-Key" not in request.headers:
            request.headers["Idempotency-Key"] = str(uuid.uuid4())
        tokens = self._tokens
        sent = self._api_key or (tokens.access if tokens else None)
        # The generated client has one token for ever; here it changes, and a stranger has none.
        request.headers.pop("Authorization", None)
        if sent is not None:
            request.headers["Authorization"] = f"Bearer {sent}"
        response = yield request
        if response.status_code != 401 or tokens is None or self._api_key is not None:
            return
        # Requests that are refused at the same time share one refresh: its token is good for one.
        with tokens.lock:
            if tokens.access == sent:
                body = {"refresh": tokens.refresh}
                answer = yield httpx.Request("POST", f"{self._base}/api/auth/token/refresh", json=body)
                if answer.status_code != 200:
                    return
                pair = json.loads(answer.read())
                tokens.access, tokens.refresh = pair["access"], pair["refresh"]
                if tokens.on_change is not None:
                    tokens.on_change(tokens)
        request.headers["Authorization"] = f"Bearer {tokens.access}"
        yield request


class _Sender(httpx.BaseTransport):
    """Sends, and sends again after `Retry-After` when the answer is 429 or 503."""

    def __init__(self, inner: httpx.BaseTransport, retries: Retries) -> None:
        self._inner = inner
        self._retries = retries

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        for _ in range(self._retries.most):
            response = self._inner.handle_request(request)
            wait = _wait_of(request, response)
            if wait is None or wait > self._retries.longest_wait:
                return response
            response.close()
            time.sleep(wait)
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()


def _wait_of(request: httpx.Request, response: httpx.Response) -> float | None:
    """Seconds until another try; None if there is to be none."""
    # A change under /api/auth/ may have been made when 503 came, and keeps no answer for a key.
    known = request.method not in _CHANGES or not request.url.path.startswith("/api/auth/")
    if response.status_code != 429 and not (response.status_code == 503 and known):
        return None
    try:
        return max(float(response.headers.get("Retry-After", "1")), 0.0)
    except ValueError:
        return 1.0
