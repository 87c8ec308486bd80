"""/faults: what is accepted, what is refused, and what a change leaves alone."""

import math
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

NO_FAULTS = {
    "latency": None,
    "error_rate": 0.0,
    "error_status": 503,
    "hang_rate": 0.0,
    "reset_rate": 0.0,
    "truncate_rate": 0.0,
    "drip": None,
    "flapping": None,
    "slow_start": None,
    "seed": None,
}

MS = st.integers(0, 60_000) | st.floats(0, 60_000)
LATENCY = st.one_of(
    st.fixed_dictionaries({"kind": st.just("fixed"), "ms": MS}),
    st.tuples(MS, MS).map(lambda pair: {"kind": "uniform", "low_ms": min(pair), "high_ms": max(pair)}),
    st.fixed_dictionaries({"kind": st.just("lognormal"), "median_ms": MS, "sigma": st.floats(0, 5)}),
    st.fixed_dictionaries({"kind": st.just("tail"), "ms": MS, "tail_rate": st.floats(0, 1), "tail_ms": MS}),
    st.fixed_dictionaries(
        {
            "kind": st.just("lognormal_tail"),
            "median_ms": MS,
            "sigma": st.floats(0, 5),
            "tail_rate": st.floats(0, 1),
            "tail_ms": MS,
        }
    ),
)
TIME = st.integers(1, 60_000) | st.floats(1, 60_000)
# A quarter each, so that any choice of them adds up to at most 1.
RATE = st.floats(0, 0.25) | st.just(0)
FAULTS = st.fixed_dictionaries(
    {},
    optional={
        "latency": st.none() | LATENCY,
        "error_rate": RATE,
        "error_status": st.integers(400, 599),
        "hang_rate": RATE,
        "reset_rate": RATE,
        "truncate_rate": RATE,
        "drip": st.none() | st.fixed_dictionaries({"bytes_per_second": st.integers(1, 1_000_000)}),
        "flapping": st.none() | st.fixed_dictionaries({"up_ms": TIME, "down_ms": TIME}),
        "slow_start": st.none() | st.fixed_dictionaries({"ms": TIME, "for_ms": TIME}),
        "seed": st.none() | st.integers(0, 2**63 - 1),
    },
)
ENDPOINTS = st.dictionaries(st.sampled_from(["users", "products", "orders", "*"]), FAULTS)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=40, deadline=None, database=None)
@given(endpoints=ENDPOINTS)
def test_what_is_put_is_active(sync_client: httpx.Client, endpoints: dict[str, dict[str, Any]]) -> None:
    """A named endpoint before `*`, defaults for what is left out, and no faults for what nothing covers."""
    assert sync_client.put("/faults", json=endpoints).status_code == 200
    rest = endpoints.get("*", {})
    expected = {name: NO_FAULTS | endpoints.get(name, rest) for name in ("users", "products", "orders")}
    assert sync_client.get("/faults").json() == expected


@settings(max_examples=20, deadline=None, database=None)
@given(endpoints=ENDPOINTS)
def test_what_is_active_can_be_put_back(sync_client: httpx.Client, endpoints: dict[str, dict[str, Any]]) -> None:
    """GET and PUT speak the same shape."""
    active = sync_client.put("/faults", json=endpoints).json()
    assert sync_client.put("/faults", json=active).json() == active


@settings(max_examples=80, deadline=None, database=None)
@given(body=JSON | st.dictionaries(st.sampled_from(["users", "*"]), JSON))
def test_any_json_is_accepted_or_refused(sync_client: httpx.Client, body: object) -> None:
    """Never a 500: 200, or 400 with a message."""
    answer = sync_client.put("/faults", json=body)
    assert answer.status_code == 200 or (answer.status_code == 400 and isinstance(answer.json()["error"], str))


@settings(max_examples=60, deadline=None, database=None)
@given(key=st.sampled_from(sorted(NO_FAULTS)), value=JSON)
def test_any_value_of_a_key_is_accepted_or_named(sync_client: httpx.Client, key: str, value: object) -> None:
    """A refusal names the key it is about."""
    answer = sync_client.put("/faults/users", json={key: value})
    assert answer.status_code == 200 or f"users.{key}" in answer.json()["error"]


@pytest.mark.parametrize(
    ("faults", "message"),
    [
        (1, "users must be an object"),
        ({"error_rate": 1.01}, "users.error_rate must be a number from 0 to 1"),
        ({"error_rate": True}, "users.error_rate must be a number from 0 to 1"),
        ({"hang_rate": "0.1"}, "users.hang_rate must be a number from 0 to 1"),
        ({"reset_rate": -0.1}, "users.reset_rate must be a number from 0 to 1"),
        ({"truncate_rate": None}, "users.truncate_rate must be a number from 0 to 1"),
        ({"error_status": 200}, "users.error_status must be an integer from 400 to 599"),
        ({"error_status": 500.0}, "users.error_status must be an integer from 400 to 599"),
        ({"seed": -1}, "users.seed must be an integer from 0 to 9223372036854775807"),
        ({"drip": 100}, "users.drip must be an object"),
        ({"drip": {}}, "users.drip.bytes_per_second must be an integer from 1 to 1000000"),
        ({"latency": 100}, "users.latency must be null or an object with a kind"),
        (
            {"latency": {"ms": 1}},
            "users.latency.kind must be one of fixed, uniform, lognormal, tail, lognormal_tail",
        ),
        ({"flapping": {"up_ms": 1}}, "users.flapping.down_ms must be a number from 1 to 60000"),
        ({"slow_start": {"ms": 0, "for_ms": 1}}, "users.slow_start.ms must be a number from 1 to 60000"),
        ({"latency": {"kind": "fixed"}}, "users.latency.ms must be a number from 0 to 60000"),
        ({"latency": {"kind": "fixed", "ms": 60_001}}, "users.latency.ms must be a number from 0 to 60000"),
        (
            {"latency": {"kind": "fixed", "ms": 1, "sigma": 1}},
            "users.latency has an unknown key 'sigma'; known are kind, ms",
        ),
        (
            {"latency": {"kind": "uniform", "low_ms": 2, "high_ms": 1}},
            "users.latency.low_ms must be from 0 to users.latency.high_ms",
        ),
        (
            {"latency": {"kind": "lognormal", "median_ms": 1, "sigma": 5.1}},
            "users.latency.sigma must be a number from 0 to 5",
        ),
        (
            {"latency": {"kind": "tail", "ms": 1, "tail_rate": 2, "tail_ms": 1}},
            "users.latency.tail_rate must be a number from 0 to 1",
        ),
        (
            {"error_rate": 0.6, "hang_rate": 0.6},
            "users: error_rate, hang_rate, reset_rate, truncate_rate must add up to a number from 0 to 1",
        ),
        (
            {"eror_rate": 1},
            "users has an unknown key 'eror_rate'; known are latency, error_rate, error_status, hang_rate, "
            "reset_rate, truncate_rate, drip, flapping, slow_start, seed",
        ),
    ],
)
async def test_a_refusal_names_the_key_and_the_range(client: httpx.AsyncClient, faults: object, message: str) -> None:
    """The message alone is enough to repair the request."""
    answer = await client.put("/faults", json={"users": faults})
    assert (answer.status_code, answer.json()) == (400, {"error": message})


async def test_an_unknown_endpoint_is_refused(client: httpx.AsyncClient) -> None:
    """A typing error does not go unnoticed."""
    answer = await client.put("/faults", json={"user": {}})
    assert answer.json() == {"error": "faults has an unknown key 'user'; known are users, products, orders, *"}


async def test_a_bad_put_changes_nothing(client: httpx.AsyncClient) -> None:
    """Not even the endpoints before the one that is wrong."""
    before = (await client.put("/faults", json={"users": {"error_rate": 0.5}})).json()
    await client.put("/faults", json={"users": {}, "orders": {"error_rate": 2}})
    assert (await client.get("/faults")).json() == before


async def test_one_endpoint_is_set_alone(client: httpx.AsyncClient) -> None:
    """PUT /faults/users leaves the others as they are."""
    await client.put("/faults", json={"orders": {"error_rate": 0.5}})
    answer = await client.put("/faults/users", json={"hang_rate": 0.25})
    assert answer.json() == NO_FAULTS | {"hang_rate": 0.25}
    assert (await client.get("/faults/orders")).json() == NO_FAULTS | {"error_rate": 0.5}


async def test_one_endpoint_is_reset_alone(client: httpx.AsyncClient) -> None:
    """DELETE /faults/users leaves the others as they are."""
    await client.put("/faults", json={"*": {"error_rate": 0.5}})
    assert (await client.delete("/faults/users")).json() == NO_FAULTS
    assert (await client.get("/faults/orders")).json() == NO_FAULTS | {"error_rate": 0.5}


async def test_all_endpoints_are_reset(client: httpx.AsyncClient) -> None:
    """DELETE /faults ends every fault."""
    await client.put("/faults", json={"*": {"error_rate": 0.5}})
    assert (await client.delete("/faults")).json() == dict.fromkeys(("users", "products", "orders"), NO_FAULTS)


async def test_shares_that_round_up_are_accepted(client: httpx.AsyncClient) -> None:
    """A sum that is one but for binary fractions is one."""
    rates = {"error_rate": 0.1, "hang_rate": 0.7, "reset_rate": 0.2, "truncate_rate": math.ulp(1.0)}
    assert (await client.put("/faults/users", json=rates)).status_code == 200
