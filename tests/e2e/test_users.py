"""`/api/users/`: pages, one user, writes by themselves and by staff, and the export."""

import json
from uuid import uuid4

import httpx
import pytest
from tests.e2e.people import PASSWORD, NewPerson, Person, unique

USER = {"id", "username", "is_active", "is_staff", "date_joined", "email"}


@pytest.mark.smoke
async def test_a_page_of_users(alice: Person) -> None:
    """A page says what it is: users, page, per_page and total."""
    answer = await alice.client.get("/api/users/", params={"page": 1, "per_page": 2})
    assert answer.status_code == 200
    page = answer.json()
    assert (page["page"], page["per_page"]) == (1, 2)
    assert len(page["users"]) == 2
    assert page["total"] >= 2
    assert set(page["users"][0]) == USER


async def test_pages_continue_each_other(alice: Person) -> None:
    """Two small pages are the first large one."""
    small = [(await alice.client.get("/api/users/", params={"page": page, "per_page": 2})).json() for page in (1, 2)]
    large = (await alice.client.get("/api/users/", params={"per_page": 4})).json()
    ids = [user["id"] for page in small for user in page["users"]]
    assert ids == [user["id"] for user in large["users"]]
    assert ids == sorted(set(ids))


async def test_a_page_beyond_the_last_is_empty(alice: Person) -> None:
    """There is nothing there, which is no error."""
    answer = await alice.client.get("/api/users/", params={"page": 1_000_000})
    assert (answer.status_code, answer.json()["users"]) == (200, [])


async def test_only_active_or_inactive_users(staff: Person, new_person: NewPerson) -> None:
    """`?active=` narrows the pages by the flag, and an inactive user's token is refused."""
    person = await new_person("dormant")
    changed = await staff.client.patch(f"/api/users/{person.id}/", json={"is_active": False})
    assert changed.json()["is_active"] is False
    assert (await person.client.get("/api/me/")).status_code == 401
    inactive = await staff.client.get("/api/users/", params={"active": "false", "per_page": 100})
    assert {user["is_active"] for user in inactive.json()["users"]} == {False}
    active = await staff.client.get("/api/users/", params={"active": "true", "per_page": 100})
    assert {user["is_active"] for user in active.json()["users"]} == {True}


async def test_staff_create_users(staff: Person) -> None:
    """201 with the user, who is gone after DELETE `{"deleted": true}`."""
    username = unique("made")
    created = await staff.client.post("/api/users/", json={"username": username, "password": PASSWORD})
    assert created.status_code == 201
    user = created.json()
    assert (user["username"], user["is_active"], user["is_staff"]) == (username, True, False)
    assert "password" not in created.text
    deleted = await staff.client.delete(f"/api/users/{user['id']}/")
    assert (deleted.status_code, deleted.json()) == (200, {"deleted": True})
    gone = await staff.client.get(f"/api/users/{user['id']}/")
    assert (gone.status_code, gone.json()) == (404, {"error": "User not found"})


async def test_others_do_not_create_users(alice: Person) -> None:
    """403 for who is not staff."""
    answer = await alice.client.post("/api/users/", json={"username": unique("made"), "password": PASSWORD})
    assert answer.status_code == 403


@pytest.mark.parametrize("body", [{"username": "with space"}, {"username": ""}, {"email": "no-at"}, {"is_staff": True}])
async def test_a_user_that_makes_no_sense_is_refused(staff: Person, body: dict[str, object]) -> None:
    """400 for a bad name or address, and for a field that nobody may set."""
    valid = {"username": unique("odd"), "password": PASSWORD}
    assert (await staff.client.post("/api/users/", json=valid | body)).status_code == 400


@pytest.mark.parametrize("password", ["short", "password", "8412097531", "", "x" * 129])
async def test_a_weak_password_is_refused(staff: Person, password: str) -> None:
    """Too short, too common, only digits, empty or absurdly long: 400 with words."""
    answer = await staff.client.post("/api/users/", json={"username": unique("weak"), "password": password})
    assert answer.status_code == 400
    assert answer.json()["error"]


@pytest.mark.parametrize("path", ["", "detail/"], ids=["async", "mixin"])
async def test_one_user(alice: Person, path: str) -> None:
    """Both details, on the async ORM and through the mixin over the synchronous one, answer the same user."""
    answer = await alice.client.get(f"/api/users/{alice.id}/{path}")
    assert answer.status_code == 200
    assert set(answer.json()) == USER
    assert (answer.json()["id"], answer.json()["username"]) == (alice.id, alice.username)


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_a_user_who_does_not_exist(staff: Person, method: str) -> None:
    """404 `{"error": "User not found"}` whatever was wanted of them."""
    body = {"email": "a@example.org"} if method == "PATCH" else None
    answer = await staff.client.request(method, f"/api/users/{2**60}/", json=body)
    assert (answer.status_code, answer.json()) == (404, {"error": "User not found"})


async def test_the_mixin_knows_no_such_user_either(alice: Person) -> None:
    """The mixin's detail answers the same 404."""
    answer = await alice.client.get(f"/api/users/{2**60}/detail/")
    assert (answer.status_code, answer.json()) == (404, {"error": "User not found"})


async def test_an_address_is_private(alice: Person, bob: Person, staff: Person) -> None:
    """Only a user themselves and staff see the e-mail address."""
    seen = [(await viewer.client.get(f"/api/users/{alice.id}/")).json()["email"] for viewer in (alice, staff, bob)]
    assert seen == [f"{alice.username}@example.org", f"{alice.username}@example.org", None]


async def test_people_change_themselves(new_person: NewPerson) -> None:
    """PATCH changes one's own address and answers the user."""
    person = await new_person("mover")
    address = f"{uuid4().hex}@example.org"
    changed = await person.client.patch(f"/api/users/{person.id}/", json={"email": address})
    assert (changed.status_code, changed.json()["email"]) == (200, address)
    assert (await person.client.get("/api/me/")).json()["email"] == address


async def test_nobody_makes_themselves_more(alice: Person) -> None:
    """Who is not staff can neither change a flag nor sneak in another field."""
    assert (await alice.client.patch(f"/api/users/{alice.id}/", json={"is_active": True})).status_code == 403
    assert (await alice.client.patch(f"/api/users/{alice.id}/", json={"is_staff": True})).status_code == 400
    assert (await alice.client.get("/api/me/")).json()["is_staff"] is False


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_others_are_left_alone(alice: Person, bob: Person, method: str) -> None:
    """Changing or deleting somebody else is 403."""
    body = {"email": "a@example.org"} if method == "PATCH" else None
    answer = await alice.client.request(method, f"/api/users/{bob.id}/", json=body)
    assert answer.status_code == 403
    assert (await bob.client.get("/api/me/")).status_code == 200


async def test_deleting_oneself_ends_the_token(new_person: NewPerson) -> None:
    """Somebody who is gone cannot ask any more."""
    person = await new_person("quitter")
    assert (await person.client.delete(f"/api/users/{person.id}/")).json() == {"deleted": True}
    assert (await person.client.get("/api/me/")).status_code == 401


async def test_the_export_streams_every_user(alice: Person, bob: Person) -> None:
    """One JSON object a line, by id, without an address, each user once."""
    ids: list[int] = []
    async with alice.client.stream("GET", "/api/users/export/") as answer:
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("application/x-ndjson")
        assert "Content-Length" not in answer.headers
        async for line in answer.aiter_lines():
            user = json.loads(line)
            assert set(user) == USER
            assert user["email"] is None
            ids.append(user["id"])
    assert ids == sorted(set(ids))
    assert {alice.id, bob.id} <= set(ids)


async def test_leaving_the_export_early_harms_nobody(alice: Person) -> None:
    """A reader who goes away after the first line leaves an api that answers."""
    for _ in range(5):
        async with alice.client.stream("GET", "/api/users/export/") as answer:
            async for _line in answer.aiter_lines():
                break
    assert (await alice.client.get("/api/me/")).status_code == httpx.codes.OK
