"""The one translation of exceptions."""

import psycopg_pool
import pytest
import redis.exceptions
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import IntegrityError, OperationalError
from django.http import Http404

from chassis import errors


@pytest.mark.parametrize(
    ("raised", "status"),
    [
        (errors.Conflict(), 409),
        (Http404(), 404),
        (PermissionDenied(), 403),
        (RequestDataTooBig(), 413),
        (SuspiciousOperation(), 400),
        (OperationalError(), 503),
        (psycopg_pool.PoolTimeout(), 503),
        (psycopg_pool.TooManyRequests(), 503),
        (redis.exceptions.ConnectionError(), 503),
        (redis.exceptions.TimeoutError(), 503),
        (TimeoutError(), 503),
    ],
)
def test_known(raised: Exception, status: int) -> None:
    """Each has its status."""
    translated = errors.translate(raised)
    assert translated is not None
    assert translated.status == status


@pytest.mark.parametrize("raised", [ValueError("x"), IntegrityError("x"), KeyError("x")])
def test_defects_are_not_translated(raised: Exception) -> None:
    """What we did not foresee must not look like the client's fault."""
    assert errors.translate(raised) is None


def test_full_pool_says_so() -> None:
    """A full pool is told apart from a dead server, also inside Django's wrapper."""
    wrapped = OperationalError("wrapped")
    wrapped.__cause__ = psycopg_pool.TooManyRequests()
    translated = errors.translate(wrapped)
    assert translated is not None
    assert translated.message == "Database busy"


def test_retry_after_is_whole_and_positive() -> None:
    """`Retry-After` is at least one second."""
    assert errors.TooManyRequests(retry_after=0.2).headers == {"Retry-After": "1"}


def test_details_are_part_of_the_payload() -> None:
    """Details stand beside the message."""
    assert errors.BadRequest("No", field="x").payload == {"error": "No", "field": "x"}


def test_unauthorized_names_the_scheme() -> None:
    """A 401 says how to authenticate."""
    assert errors.error_response(errors.Unauthorized()).headers["WWW-Authenticate"] == "Bearer"
