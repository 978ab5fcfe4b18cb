"""What calls give: a result, or a problem."""

from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

from .generated.models.problem import Problem


class ProblemError(Exception):
    """A refusal of the server (RFC 9457); `problem.error_code` is for programs."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.status} {problem.error_code}: {problem.detail}")
        self.problem = problem


class Page(Protocol):
    """What every page of a list has."""

    next_cursor: str | None


T = TypeVar("T")
P = TypeVar("P", bound=Page)


def expect(result: T | Problem | None) -> T:
    """The result of a call; a ProblemError if it was refused."""
    if isinstance(result, Problem):
        raise ProblemError(result)
    if result is None:
        raise ValueError("the reply has no body; use the function that ends in _detailed")
    return result


def pages(fetch: Callable[[str | None], P | Problem | None]) -> Iterator[P]:
    """Every page of a list, from the first on; `fetch` is given the cursor, None for the first page."""
    cursor: str | None = None
    while True:
        page = expect(fetch(cursor))
        yield page
        cursor = page.next_cursor
        if cursor is None:
            return
