"""A typed client of the Regulars API.

`connect()` gives a client for the functions under `regulars_client.generated.api`, `pages()` walks lists, and `expect()`
turns refusals into errors.
"""

from .connection import Retries, Tokens, connect
from .generated.client import AuthenticatedClient as Client
from .generated.models.problem import Problem
from .results import Page, ProblemError, expect, pages

__all__ = ["Client", "Page", "Problem", "ProblemError", "Retries", "Tokens", "connect", "expect", "pages"]
