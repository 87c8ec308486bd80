"""`/api/users/`: pages, CRUD, permissions."""

import asyncio
from collections import Counter

import httpx
import pytest

from accounts import tokens
from accounts.models import User
from api.articles.models import Article
from api.users import queries
from chassis.errors import NotFound
from testing.database import count_queries, in_scope
from testing.people import make_user

PASSWORD = "correct horse battery staple"
# An id that no user of the suite has: their numbers go on from test to test.
NOBODY = 2**62


async def create(client: httpx.AsyncClient, **fields: str) -> httpx.Response:
    """A user, by staff."""
    return await client.post("/api/users/", json={"username": "lovelace", "password": PASSWORD, **fields})


@pytest.mark.parametrize("path", ["/api/users/", "/api/users/1/", "/api/users/1/detail/", "/api/users/export/"])
async def test_needs_a_user(client: httpx.AsyncClient, path: str) -> None:
    """Without credentials: 401."""
    response = await client.get(path)
    assert (response.status_code, response.json()) == (401, {"error": "Unauthorized"})


async def test_page(user_client: httpx.AsyncClient) -> None:
    """A page holds `per_page` users by id and the total of all."""
    for number in range(4):
        await make_user(f"user{number}")
    body = (await user_client.get("/api/users/?page=2&per_page=2")).json()
    assert [user["username"] for user in body["users"]] == ["user1", "user2"]
    assert (body["page"], body["per_page"], body["total"]) == (2, 2, 5)


async def test_page_defaults(user_client: httpx.AsyncClient) -> None:
    """The first ten."""
    for number in range(10):
        await make_user(f"user{number}")
    body = (await user_client.get("/api/users/")).json()
    assert (body["page"], body["per_page"], len(body["users"]), body["total"]) == (1, 10, 10, 11)


async def test_page_beyond_the_end(user_client: httpx.AsyncClient) -> None:
    """No users, and the total all the same."""
    body = (await user_client.get("/api/users/?page=1000000")).json()
    assert (body["users"], body["total"]) == ([], 1)


@pytest.mark.parametrize(("active", "names"), [("true", ["ada"]), ("false", ["gone"])])
async def test_page_by_activity(user_client: httpx.AsyncClient, active: str, names: list[str]) -> None:
    """Only the active, or only the inactive ones."""
    await make_user("gone", is_active=False)
    body = (await user_client.get("/api/users/", params={"active": active})).json()
    assert ([user["username"] for user in body["users"]], body["total"]) == (names, 1)


async def test_page_shows_no_email(user_client: httpx.AsyncClient) -> None:
    """A list is not where emails are read."""
    body = (await user_client.get("/api/users/")).json()
    assert set(body["users"][0]) == {"id", "username", "is_active", "is_staff", "date_joined", "email"}
    assert body["users"][0]["email"] is None


@pytest.mark.parametrize("query", ["page=0", "per_page=0", "per_page=101", "page=x", "active=perhaps", "page=1e9"])
async def test_page_refuses(user_client: httpx.AsyncClient, query: str) -> None:
    """What is out of range or no number is 400."""
    assert (await user_client.get(f"/api/users/?{query}")).status_code == 400


async def test_page_queries(user_client: httpx.AsyncClient) -> None:
    """Two statements: the token, and the page with the count."""
    with count_queries() as statements:
        await user_client.get("/api/users/")
    assert len(statements) == 2


async def test_page_visits_no_thread(user_client: httpx.AsyncClient, executor_work: Counter[str]) -> None:
    """Nothing on the way is synchronous."""
    await user_client.get("/api/users/")
    assert not executor_work


async def test_create(staff_client: httpx.AsyncClient) -> None:
    """201 with the user, who can sign in."""
    response = await create(staff_client, email="l@example.org")
    body = response.json()
    assert (response.status_code, body["username"], body["email"]) == (201, "lovelace", "l@example.org")
    user = await in_scope(queries.get(body["id"]))
    assert user.check_password(PASSWORD)


async def test_create_is_for_staff(user_client: httpx.AsyncClient) -> None:
    """Others register themselves."""
    response = await create(user_client)
    assert (response.status_code, response.json()) == (403, {"error": "Forbidden"})


async def test_create_taken_name(staff_client: httpx.AsyncClient) -> None:
    """409."""
    assert (await create(staff_client, username="grace")).status_code == 409


async def test_create_weak_password(staff_client: httpx.AsyncClient) -> None:
    """400, with all that is wrong with it."""
    response = await create(staff_client, password="lovelace")
    assert response.status_code == 400
    assert response.json()["reasons"] == ["The password is too similar to the username."]


@pytest.mark.parametrize("fields", [{"username": "a b"}, {"email": "no"}, {"password": ""}, {"is_staff": "yes"}])
async def test_create_refuses(staff_client: httpx.AsyncClient, fields: dict[str, str]) -> None:
    """Malformed and unknown fields are 400."""
    assert (await create(staff_client, **fields)).status_code == 400


async def test_of_two_at_once_one_is_created(staff_client: httpx.AsyncClient) -> None:
    """The database decides whose name it is."""
    answers = await asyncio.gather(create(staff_client), create(staff_client))
    assert sorted(answer.status_code for answer in answers) == [201, 409]


@pytest.mark.parametrize("suffix", ["", "detail/"])
async def test_detail(user_client: httpx.AsyncClient, user: User, suffix: str) -> None:
    """Both details answer the same; one's own email is shown."""
    body = (await user_client.get(f"/api/users/{user.pk}/{suffix}")).json()
    assert (body["username"], body["email"]) == ("ada", "ada@example.org")


@pytest.mark.parametrize("suffix", ["", "detail/"])
async def test_detail_of_another(user_client: httpx.AsyncClient, staff: User, suffix: str) -> None:
    """Somebody else's email is not."""
    body = (await user_client.get(f"/api/users/{staff.pk}/{suffix}")).json()
    assert (body["username"], body["email"]) == ("grace", None)


@pytest.mark.parametrize("suffix", ["", "detail/"])
async def test_detail_of_nobody(user_client: httpx.AsyncClient, suffix: str) -> None:
    """404 from both."""
    response = await user_client.get(f"/api/users/{NOBODY}/{suffix}")
    assert (response.status_code, response.json()) == (404, {"error": "User not found"})


async def test_detail_of_an_impossible_id(user_client: httpx.AsyncClient) -> None:
    """A number that no id can be is refused before it reaches the database."""
    assert (await user_client.get(f"/api/users/{2**63}/")).status_code == 400


async def test_the_wrapped_detail_uses_a_thread(
    user_client: httpx.AsyncClient, user: User, executor_work: Counter[str]
) -> None:
    """Synchronous code runs on this request's thread and nowhere else."""
    await user_client.get(f"/api/users/{user.pk}/detail/")
    assert len(executor_work) == 1
    assert next(iter(executor_work)).startswith("sync-thread")


async def test_change_ones_email(user_client: httpx.AsyncClient, user: User) -> None:
    """The answer shows the change, and so does the next read."""
    response = await user_client.patch(f"/api/users/{user.pk}/", json={"email": "new@example.org"})
    assert (response.status_code, response.json()["email"]) == (200, "new@example.org")
    assert (await in_scope(queries.get(user.pk))).email == "new@example.org"


async def test_change_nothing(user_client: httpx.AsyncClient, user: User) -> None:
    """An empty change is one."""
    response = await user_client.patch(f"/api/users/{user.pk}/", json={})
    assert (response.status_code, response.json()["email"]) == (200, "ada@example.org")


async def test_change_another(user_client: httpx.AsyncClient, staff: User) -> None:
    """Users change themselves only."""
    assert (await user_client.patch(f"/api/users/{staff.pk}/", json={"email": ""})).status_code == 403


async def test_staff_change_anybody(staff_client: httpx.AsyncClient, user: User) -> None:
    """Staff may also deactivate."""
    response = await staff_client.patch(f"/api/users/{user.pk}/", json={"is_active": False})
    assert (response.status_code, response.json()["is_active"]) == (200, False)


async def test_activity_is_for_staff(user_client: httpx.AsyncClient, user: User) -> None:
    """Nobody deactivates themselves by mistake."""
    response = await user_client.patch(f"/api/users/{user.pk}/", json={"is_active": False})
    assert (response.status_code, response.json()) == (403, {"error": "Only staff may change is_active"})


async def test_change_nobody(staff_client: httpx.AsyncClient) -> None:
    """404."""
    assert (await staff_client.patch(f"/api/users/{NOBODY}/", json={})).status_code == 404


async def test_change_of_a_user_deleted_meanwhile(user: User) -> None:
    """Deleted between the read and the write: not found, not an error of ours."""
    await in_scope(User.async_objects.filter(pk=user.pk).adelete())
    with pytest.raises(NotFound):
        await in_scope(queries.change(user, email="new@example.org"))


async def test_delete(user_client: httpx.AsyncClient, user: User) -> None:
    """The user is gone, and with them their credentials."""
    response = await user_client.delete(f"/api/users/{user.pk}/")
    assert (response.status_code, response.json()) == (200, {"deleted": True})
    assert (await user_client.get("/api/users/")).json() == {"error": "Invalid token"}


async def test_delete_takes_what_is_theirs(staff_client: httpx.AsyncClient, user: User) -> None:
    """Articles and tokens go with their owner."""
    await in_scope(tokens.issue(user))
    await in_scope(Article.async_objects.acreate(slug="one", title="One", body="", author_id=user.pk))
    assert (await staff_client.delete(f"/api/users/{user.pk}/")).status_code == 200
    assert await in_scope(Article.async_objects.acount()) == 0


async def test_delete_another(user_client: httpx.AsyncClient, staff: User) -> None:
    """403, and they stay."""
    assert (await user_client.delete(f"/api/users/{staff.pk}/")).status_code == 403
    assert (await in_scope(queries.get(staff.pk))).username == "grace"


async def test_delete_nobody(staff_client: httpx.AsyncClient) -> None:
    """404."""
    assert (await staff_client.delete(f"/api/users/{NOBODY}/")).status_code == 404


async def test_head_is_get_without_a_body(user_client: httpx.AsyncClient) -> None:
    """HEAD is answered wherever GET is, with GET's status and length."""
    got, head = await user_client.get("/api/users/"), await user_client.head("/api/users/")
    assert (head.status_code, head.headers["Content-Length"]) == (200, got.headers["Content-Length"])
