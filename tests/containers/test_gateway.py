"""What the gateway does to requests on their way."""

import socket
import uuid
from contextlib import closing
from urllib.parse import urlsplit

import httpx
import pytest
from tests.containers.conftest import API_URL


def test_forwarded_headers_are_overwritten(gateway: httpx.Client) -> None:
    """Whoever claims another address at each attempt is still one client, and runs into the limit."""
    attempt = {"username": f"nobody-{uuid.uuid4().hex[:12]}", "password": "wrong"}
    statuses = [
        gateway.post(
            "/api/login/",
            json=attempt,
            headers={"X-Forwarded-For": f"203.0.113.{number}", "Forwarded": f"for=203.0.113.{number}"},
        ).status_code
        for number in range(1, 12)
    ]
    assert statuses == [401] * 10 + [429]


def test_metrics_are_not_public(gateway: httpx.Client) -> None:
    """In no spelling; health is."""
    for path in ("/metrics", "/%6detrics", "//metrics", "/api/../metrics", "/metrics?x=1"):
        answer = gateway.get(f"{API_URL}{path}")
        assert answer.status_code in {400, 404}, path
        assert "python_info" not in answer.text
    assert gateway.get("/health/").json() == {"status": "ok"}


def test_request_ids(gateway: httpx.Client) -> None:
    """A well-formed one is kept, from the gateway to the service and back; others are replaced."""
    assert gateway.get("/health/", headers={"X-Request-ID": "mine.1"}).headers["X-Request-ID"] == "mine.1"
    replaced = gateway.get("/health/", headers={"X-Request-ID": 'a "quoted" one'}).headers["X-Request-ID"]
    assert len(replaced) == 32


def test_a_large_body_is_refused(gateway: httpx.Client) -> None:
    """By the gateway itself, in the form of every other error."""
    answer = gateway.post("/api/items/", content=b"x" * (3 * 2**20), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert answer.json()["error"]


def test_large_headers_are_refused(gateway: httpx.Client) -> None:
    """More than 32 KB of them never reach a service."""
    answer = gateway.get("/health/", headers={f"X-Large-{number}": "x" * 7000 for number in range(6)})
    assert answer.status_code == 400
    assert answer.json() == {"error": "Bad request"}


@pytest.mark.timeout(60)
def test_a_slow_client_is_let_go() -> None:
    """Half a request and then nothing: the connection is closed, and no service ever saw it."""
    _, address, *_ = urlsplit(API_URL)
    host, port = address.split(":")
    with closing(socket.create_connection((host, int(port)), timeout=30)) as connection:
        connection.sendall(b"GET /health/ HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        try:
            answer = connection.recv(1000)
        except ConnectionResetError:
            answer = b""
        assert answer == b"" or b" 408 " in answer.splitlines()[0]


def test_an_idle_connection_outlives_a_client_that_keeps_it() -> None:
    """Clients are told to reuse a connection, and the gateway keeps it."""
    with httpx.Client(base_url=API_URL) as client:
        first = client.get("/health/").extensions["network_stream"].get_extra_info("client_addr")
        second = client.get("/health/").extensions["network_stream"].get_extra_info("client_addr")
    assert first == second


def test_a_stream_tells_proxies_not_to_buffer(gateway: httpx.Client) -> None:
    """nginx passes the service's `X-Accel-Buffering` on, for an nginx in front of it."""
    login = gateway.post("/api/login/", json={"username": "ada", "password": "millrace-ada"})
    headers = {"Authorization": f"Bearer {login.json()['token']}"}
    with gateway.stream("GET", "/api/rooms/lobby/events/", headers=headers) as stream:
        assert stream.status_code == 200
        assert stream.headers["X-Accel-Buffering"] == "no"
