"""How often one may try."""

from collections import Counter
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from django.http import HttpRequest
from environs import ValidationError

from api.asgi import application
from api.sign_in.limits import client_address
from async_handler.types import Receive, Scope, Send
from chassis.env import rate

pytestmark = pytest.mark.usefixtures("clean_redis")


async def attempt(client: httpx.AsyncClient, username: str) -> int:
    """The status of one sign-in with a wrong password."""
    response = await client.post("/api/login/", json={"username": username, "password": "wrong"})
    return response.status_code


def from_address(address: str) -> Any:
    """The application as a client at `address` reaches it."""

    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        await application({**scope, "client": (address, 1)}, receive, send)

    return asked


async def test_one_name_from_one_address(client: httpx.AsyncClient, settings: Any) -> None:
    """Beyond the rate the answer is 429 with the time to wait."""
    settings.LOGIN_RATE = "2/minute"
    assert [await attempt(client, "ada") for _ in range(2)] == [401, 401]
    response = await client.post("/api/login/", json={"username": "ada", "password": "wrong"})
    assert (response.status_code, response.json()) == (429, {"error": "Too many requests"})
    assert 1 <= int(response.headers["Retry-After"]) <= 60


async def test_a_name_is_counted_in_any_case(client: httpx.AsyncClient, settings: Any) -> None:
    """Writing the name differently buys no more attempts."""
    settings.LOGIN_RATE = "1/minute"
    assert [await attempt(client, name) for name in ("ada", "ADA")] == [401, 429]


async def test_another_name_has_its_own_count(client: httpx.AsyncClient, settings: Any) -> None:
    """One name's attempts do not lock out another one."""
    settings.LOGIN_RATE = "1/minute"
    assert [await attempt(client, name) for name in ("ada", "grace")] == [401, 401]


async def test_an_attacker_locks_nobody_out(client: httpx.AsyncClient, make_client: Any, settings: Any) -> None:
    """The attempts on a name from one address are not held against another address."""
    settings.LOGIN_RATE = "1/minute"
    async with make_client(from_address("203.0.113.7")) as attacker:
        assert [await attempt(attacker, "ada") for _ in range(2)] == [401, 429]
    assert await attempt(client, "ada") == 401


async def test_many_names_from_one_address(client: httpx.AsyncClient, settings: Any) -> None:
    """One password tried on many names is limited by the address."""
    settings.LOGIN_ADDRESS_RATE = "2/minute"
    assert [await attempt(client, name) for name in ("a", "b", "c")] == [401, 401, 429]


async def test_a_limited_attempt_checks_no_password(
    client: httpx.AsyncClient, settings: Any, executor_work: Counter[str]
) -> None:
    """Who is over the limit costs no Argon2."""
    settings.LOGIN_RATE = "1/minute"
    for _ in range(3):
        await attempt(client, "ada")
    assert executor_work["argon2"] == 1


async def test_registrations_by_address(client: httpx.AsyncClient, settings: Any) -> None:
    """So are registrations, successful or not."""
    settings.REGISTER_RATE = "1/minute"
    bodies = ({"username": name, "password": "1"} for name in ("a", "b"))
    assert [(await client.post("/api/register/", json=body)).status_code for body in bodies] == [400, 429]


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("", ""),
    ],
)
def test_client_address(address: str, counted: str) -> None:
    """An IPv6 client is its /64, however many addresses it uses; a mapped IPv4 address is the IPv4 one."""
    request = SimpleNamespace(META={"REMOTE_ADDR": address})
    assert client_address(request) == counted  # type: ignore[arg-type]


def test_client_address_of_a_unix_socket() -> None:
    """A server on a Unix socket knows no address; all clients are counted together."""
    assert client_address(HttpRequest()) == ""


def test_a_malformed_rate_is_named() -> None:
    """A rate that cannot be understood ends the start of the process."""
    with pytest.raises(ValidationError, match="not a rate such as 10/minute: 'often'"):
        rate("often")
    with pytest.raises(ValidationError, match="must allow something: '0/minute'"):
        rate("0/minute")
