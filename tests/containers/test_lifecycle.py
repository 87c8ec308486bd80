"""Plain Compose: away and back, with everything that was said."""

import uuid

import httpx
import pytest
from tests.containers.engine import compose, containers


@pytest.mark.timeout(300)
def test_down_and_up_again(gateway: httpx.Client) -> None:
    """`docker compose down && docker compose up -d --wait` works by itself, and the data is there."""
    said = f"before {uuid.uuid4()}"
    login = gateway.post("/api/login/", json={"username": "ada", "password": "millrace-ada"})
    headers = {"Authorization": f"Bearer {login.json()['token']}"}
    gateway.cookies.clear()
    assert gateway.post("/api/rooms/lobby/messages/", json={"message": said}, headers=headers).status_code == 201
    compose("down", within=120)
    assert containers() == []
    compose("up", "-d", "--wait", within=200)
    # Signed in as before: the signing key and the tokens are kept.
    answer = gateway.get("/api/rooms/lobby/messages/", headers=headers)
    assert answer.status_code == 200
    assert said in answer.text
