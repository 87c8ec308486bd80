"""GET /users, /products, /orders without faults."""

import re

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_upstream.data import RESOURCES, TOTAL

RESOURCE = st.sampled_from(sorted(RESOURCES))


@pytest.mark.parametrize("resource", RESOURCES)
async def test_the_default_is_ten_rows(client: httpx.AsyncClient, resource: str) -> None:
    """The body is keyed by the resource and tells the total."""
    answer = await client.get(f"/{resource}")
    assert answer.json() == {resource: RESOURCES[resource][:10], "total": TOTAL}


async def test_the_body_is_json(client: httpx.AsyncClient) -> None:
    """Clients may rely on the content type."""
    assert (await client.get("/users")).headers["content-type"] == "application/json"


async def test_a_trailing_slash_is_the_same_resource(client: httpx.AsyncClient) -> None:
    """Django's habit of a final slash is no error here."""
    assert (await client.get("/users/")).content == (await client.get("/users")).content


@settings(max_examples=30, deadline=None, database=None)
@given(resource=RESOURCE, limit=st.integers(1, TOTAL))
def test_limit_is_the_number_of_rows(sync_client: httpx.Client, resource: str, limit: int) -> None:
    """Any limit in range gives exactly the first rows."""
    rows = sync_client.get(f"/{resource}", params={"limit": limit}).json()[resource]
    assert rows == RESOURCES[resource][:limit]


@settings(max_examples=60, deadline=None, database=None)
@given(text=st.text(max_size=12) | st.integers().map(str))
def test_any_other_limit_is_refused(sync_client: httpx.Client, text: str) -> None:
    """Whatever the text is, the answer is 200 for 1 to 300 and 400 for the rest."""
    fits = re.fullmatch(r"[0-9]{1,9}", text) is not None and 1 <= int(text) <= TOTAL
    assert sync_client.get("/users", params={"limit": text}).status_code == (200 if fits else 400)


@pytest.mark.parametrize("query", ["limit=0", "limit=301", "limit=", "limit=1&limit=2", "limit=%FF", "limit=1e1"])
async def test_a_bad_limit_names_the_range(client: httpx.AsyncClient, query: str) -> None:
    """The message says what would have been right."""
    answer = await client.get(f"/users?{query}")
    assert (answer.status_code, answer.json()) == (400, {"error": "limit must be an integer from 1 to 300"})


async def test_other_parameters_are_ignored(client: httpx.AsyncClient) -> None:
    """A cache buster does no harm."""
    assert (await client.get("/users?_=17&x")).status_code == 200


async def test_head_has_the_length_and_no_body(client: httpx.AsyncClient) -> None:
    """HEAD tells what GET would send."""
    length = str(len((await client.get("/orders")).content))
    answer = await client.head("/orders")
    assert (answer.status_code, answer.headers["content-length"], answer.content) == (200, length, b"")
