"""Where secrets are, and where they are not."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from tests.containers.conftest import API_URL
from tests.containers.engine import Container, compose, containers, docker, eventually, gateway_log, of

FILES = {
    "api": ("/secrets/app/secret-key", "/secrets/app/database-url", "/secrets/app/redis-url"),
    "postgres": ("/secrets/postgres/database-password", "/secrets/postgres/postgres-password"),
    "valkey": ("/secrets/valkey/redis-password",),
}


def secrets() -> list[str]:
    """The values of all, read where they are mounted."""
    values = [of(service)[0].run("cat", path).stdout for service, paths in FILES.items() for path in paths]
    assert all(len(value) >= 32 for value in values)
    return values


def test_no_secret_in_what_the_engine_shows() -> None:
    """Environment, arguments, labels, layers and logs."""
    everything = containers(all_=True)
    images = sorted({container.facts["Image"] for container in everything})
    shown = docker("inspect", *(container.name for container in everything)).stdout
    assert "DATABASE_URL_FILE" in shown
    for image in images:
        shown += docker("history", "--no-trunc", image).stdout
    shown += compose("logs", "--no-color")
    assert [secret[:4] for secret in secrets() if secret in shown] == []


@pytest.mark.parametrize("service", ["api", "realtime", "postgres", "valkey"])
def test_no_secret_in_the_environment_of_a_process(service: str) -> None:
    """What `/proc` shows of every process that may be looked into."""
    values = secrets()
    for container in of(service):
        shown = container.run(
            "sh", "-c", "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '"
        ).stdout
        assert "PATH=" in shown
        assert [value[:4] for value in values if value in shown] == []


def test_each_container_sees_its_own_secrets_only() -> None:
    """The gateways and the mock upstream none, PostgreSQL not the signing key."""

    def mounted(container: Container) -> set[str]:
        return {mount["Destination"] for mount in container.facts["Mounts"] if "/secrets" in mount["Destination"]}

    seen = {container.service: mounted(container) for container in containers()}
    app = {"/secrets/app"}
    data = {"postgres": {"/secrets/postgres"}, "valkey": {"/secrets/valkey"}}
    nothing = {"gateway", "gateway-tls", "mock-upstream", "prometheus"}
    assert seen == {"api": app, "realtime": app, "daily": app, **data, **{service: set[str]() for service in nothing}}


@pytest.mark.timeout(240)
def test_the_signing_key_can_be_changed(gateway: httpx.Client) -> None:
    """In two steps: known before it signs, accepted after it does; browsers stay signed in, by the same session."""

    def keys() -> list[str]:
        return [
            of("api")[0].run("cat", f"/secrets/app/{name}").stdout for name in ("secret-key", "secret-key-fallbacks")
        ]

    def step(name: str) -> None:
        compose("run", "--rm", "--no-deps", "secrets", "make-secrets", name)
        compose("restart", "--timeout", "5", "api", "realtime", within=120)
        compose("up", "-d", "--wait", "--no-recreate", "--no-deps", "api", "realtime", within=120)
        # All at once, unlike a roll: for two seconds the gateway may know their former addresses only.
        eventually(lambda: gateway.get("/health/").status_code == 200, said="the gateway reaches a new api")

    browsers = [browser(name) for name in ("grace", "ada", "alan", "edsger") * 2]
    sessions = [client.cookies["sessionid"] for client in browsers]
    former, _ = keys()
    step("next-key")
    _, following = keys()
    assert len(following) == 64
    assert statuses(browsers) == {200}
    step("use-next-key")
    assert keys() == [following, former]
    assert statuses(browsers) == {200}
    assert [client.cookies["sessionid"] for client in browsers] == sessions


def browser(name: str) -> httpx.Client:
    """A client that a user of the demo is signed in with, by cookie."""
    client = httpx.Client(base_url=API_URL, timeout=20, headers={"Connection": "close"})
    client.post("/api/login/", json={"username": name, "password": f"millrace-{name}"}).raise_for_status()
    return client


def statuses(browsers: list[httpx.Client]) -> set[int]:
    """What four requests of each browser are answered with, all at once."""
    with ThreadPoolExecutor(4 * len(browsers)) as pool:
        return set(pool.map(lambda client: client.get("/api/me/").status_code, browsers * 4))


def test_logs_hold_no_token(gateway: httpx.Client) -> None:
    """Of a request that carries them wherever a client may put them; its line is there, by its id."""
    token, ticket, cookie = "canary-of-a-token", "canary-of-a-ticket", "canary-of-a-cookie"
    headers = {
        "Authorization": f"Bearer {token}",
        "Cookie": f"sessionid={cookie}",
        "Referer": f"http://localhost/?ticket={ticket}",
        "Sec-WebSocket-Protocol": f"millrace.v1, ticket.{ticket}",
        "X-Request-ID": "canary-request",
    }
    for path in ("/api/me/", "/ws/chat/lobby/"):
        gateway.get(f"{path}?ticket={ticket}&token={token}", headers=headers)
    ids = eventually(
        lambda: [line["request_id"] for line in gateway_log("/ws/chat/lobby/")], said="the request is logged"
    )
    assert "canary-request" in ids
    logs = compose("logs", "--no-color")
    assert [canary for canary in (token, ticket, cookie) if canary in logs] == []


def test_the_services_role_is_no_superuser() -> None:
    """What a hole in a query could do ends at the services' own database."""
    query = "SELECT rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = 'millrace'"
    assert of("postgres")[0].run("psql", "-U", "postgres", "-Atc", query).stdout.strip() == "f"
