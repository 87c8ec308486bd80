"""Django's admin behind our sign-in, on the sync pool, with its forms and files."""

import re
import uuid
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio

from accounts.models import User
from api.articles.models import Article
from api.asgi import application
from rooms.models import Membership, Message, Room
from testing.database import in_scope, in_thread
from testing.people import make_user

from .conftest import MakeClient, signed_in_by_cookie


@pytest_asyncio.fixture
async def admin_client(database: None, make_client: MakeClient, settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Barbara, who is staff and a superuser, by session cookie."""
    barbara = await make_user("barbara", is_staff=True)
    await in_scope(User.async_objects.filter(pk=barbara.pk).aupdate(is_superuser=True))
    async with make_client(application) as client:
        await signed_in_by_cookie(client, barbara, settings)
        # A form sends the token as a field.
        del client.headers["X-CSRFToken"]
        yield client


@pytest_asyncio.fixture
async def room(database: None, user: User) -> Room:
    """A room with a member and two messages."""

    async def make() -> Room:
        room: Room = await Room.async_objects.acreate(name="den", title="Den", public=False, last_seq=2)
        await Membership.async_objects.acreate(room_id=room.pk, user_id=user.pk)
        for seq, body in enumerate(("first", "second"), start=1):
            await Message.async_objects.acreate(
                room_id=room.pk, seq=seq, sender="user:1", username="ada", client_id=uuid.uuid4(), body=body
            )
        return room

    return await in_scope(make())


def fields_of(page: httpx.Response) -> dict[str, str]:
    """The form's inputs and their values, as a browser would send them back."""
    inputs = re.findall(r"<input[^>]*>", page.text)
    named = {}
    for tag in inputs:
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and not re.search(r'type="(checkbox|submit|radio)"', tag):
            named[name[1]] = value[1] if value else ""
        elif name and "checked" in tag:
            named[name[1]] = value[1] if value else "on"
    return named


async def test_sign_in_is_ours(client: httpx.AsyncClient) -> None:
    """Who is not signed in is sent to our own sign-in, and from there back."""
    first = await client.get("/admin/rooms/room/")
    assert first.status_code == 302
    second = await client.get(first.headers["Location"])
    assert second.headers["Location"] == f"/sign-in/?next={quote('/admin/rooms/room/', safe='')}"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
async def test_sign_in_leads_nowhere_else(client: httpx.AsyncClient, elsewhere: str) -> None:
    """An address of another site is not passed on."""
    answer = await client.get("/admin/login/", params={"next": elsewhere})
    assert answer.headers["Location"] == "/sign-in/?next=%2Fadmin%2F"


async def test_no_passwords_here(client: httpx.AsyncClient) -> None:
    """Django's own form would let guesses past the limits; posting to it does nothing."""
    answer = await client.post("/admin/login/", data={"username": "ada", "password": "x"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/sign-in/?next=%2Fadmin%2F")


async def test_not_for_users(session_client: httpx.AsyncClient) -> None:
    """A user who is no staff is told so, and is not sent round in circles."""
    first = await session_client.get("/admin/")
    second = await session_client.get(first.headers["Location"])
    assert (second.status_code, "For staff only" in second.text) == (403, True)


@pytest.mark.parametrize(
    "path", ["", "accounts/user/", "articles/article/", "articles/tag/", "rooms/room/", "administration/message/"]
)
async def test_lists(admin_client: httpx.AsyncClient, room: Room, path: str) -> None:
    """Each list is there, under a policy without anything inline, and loads files that exist."""
    page = await admin_client.get(f"/admin/{path}")
    assert page.status_code == 200
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert re.search(r'\sstyle="|<script(?![^>]*src=)(?![^>]*application/json)', page.text) is None
    for url in re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text):
        assert (await admin_client.get(url)).status_code == 200, url


async def test_messages_are_read_only(admin_client: httpx.AsyncClient, room: Room) -> None:
    """A message is found by room and number and shown; there is nothing to change or to delete."""
    listed = await admin_client.get("/admin/administration/message/?q=second")
    assert ("second" in listed.text, "first" in listed.text) == (True, False)
    page = await admin_client.get(f"/admin/administration/message/{room.pk}-2/change/")
    assert ("second" in page.text, "_save" in page.text) == (True, False)
    assert (await admin_client.get(f"/admin/administration/message/{room.pk}-2/delete/")).status_code == 403
    for unknown in (f"{room.pk}-9", "x", "1-", f"{'9' * 30}-1"):
        answer = await admin_client.get(f"/admin/administration/message/{unknown}/change/")
        assert answer.status_code == 302


async def test_write_an_article(admin_client: httpx.AsyncClient, user: User) -> None:
    """A form is sent with its CSRF token, stored, and confirmed by a message on the next page."""
    form = fields_of(await admin_client.get("/admin/articles/article/add/"))
    written = {"title": "By form", "slug": "by-form", "body": "Text", "author": str(user.pk), "published": "on"}
    answer = await admin_client.post("/admin/articles/article/add/", data=form | written)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/articles/article/")
    assert "was added successfully" in (await admin_client.get("/admin/articles/article/")).text
    assert "was added successfully" not in (await admin_client.get("/admin/articles/article/")).text
    assert await in_thread(Article.objects.filter(slug="by-form", author=user).count) == 1


async def test_forms_need_their_token(admin_client: httpx.AsyncClient) -> None:
    """Without the token: 403."""
    assert (await admin_client.post("/admin/articles/tag/add/", data={"name": "x"})).status_code == 403


async def test_take_a_membership(admin_client: httpx.AsyncClient, room: Room) -> None:
    """It is counted as taken, by which the processes find whom to send away."""
    path = f"/admin/rooms/room/{room.pk}/change/"
    form = fields_of(await admin_client.get(path))
    answer = await admin_client.post(path, data=form | {"memberships-0-DELETE": "on"})
    assert answer.status_code == 302
    stored = await in_thread(Room.objects.get, pk=room.pk)
    assert (stored.removals, await in_thread(Membership.objects.count)) == (1, 0)


async def test_deactivate_and_delete(admin_client: httpx.AsyncClient, user: User) -> None:
    """A user is changed and deleted; what the admin has logged of itself is no obstacle to deleting its author."""
    path = f"/admin/accounts/user/{user.pk}/change/"
    form = fields_of(await admin_client.get(path))
    form.pop("is_active")
    assert (await admin_client.post(path, data=form)).status_code == 302
    assert (await in_thread(User.objects.get, pk=user.pk)).is_active is False
    path = f"/admin/accounts/user/{user.pk}/delete/"
    form = fields_of(await admin_client.get(path))
    assert (await admin_client.post(path, data=form | {"post": "yes"})).status_code == 302
    assert await in_thread(User.objects.filter(pk=user.pk).count) == 0
    barbara = await in_thread(User.objects.get, username="barbara")
    token = (await admin_client.get("/api/me/")).json()["csrf_token"]
    gone = await admin_client.delete(f"/api/users/{barbara.pk}/", headers={"X-CSRFToken": token})
    assert gone.json() == {"deleted": True}


async def test_new_user_may_sign_in(
    admin_client: httpx.AsyncClient, client: httpx.AsyncClient, clean_redis: Any
) -> None:
    """A user made here has a password of the api's."""
    form = fields_of(await admin_client.get("/admin/accounts/user/add/"))
    secret = "correct horse battery staple"
    made = {"username": "joan", "password1": secret, "password2": secret, "usable_password": "true"}
    assert (await admin_client.post("/admin/accounts/user/add/", data=form | made)).status_code == 302
    answer = await client.post("/api/login/", json={"username": "joan", "password": secret})
    assert answer.json()["authenticated"] is True


async def test_sign_out(admin_client: httpx.AsyncClient, clean_redis: Any) -> None:
    """The admin's button ends the session for the api too."""
    form = fields_of(await admin_client.get("/admin/"))
    answer = await admin_client.post("/admin/logout/", data=form)
    assert answer.status_code == 200
    assert (await admin_client.get("/api/me/")).status_code == 401
