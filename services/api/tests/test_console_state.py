"""What the console knows of the running stack: figures from real metrics, of processes that answer and that do not."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from environs import ValidationError

from api.console.system import dependencies, snapshot, targets
from api.console.system.exposition import samples
from api.console.system.figures import figures_of
from testing.waiting import DEADLINE

from .serving import Served, serving


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes and dependencies may take longer to answer than any busy machine needs."""
    monkeypatch.setattr(snapshot, "TIMEOUT", DEADLINE)
    monkeypatch.setattr(dependencies, "TIMEOUT", DEADLINE)


@pytest_asyncio.fixture
async def served(process: None) -> AsyncIterator[Served]:
    """The api of this process, on a port."""
    async with serving() as served:
        yield served


@pytest_asyncio.fixture
async def silent() -> AsyncIterator[str]:
    """The address of something that accepts connections and never answers."""
    taken: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: taken.append(writer), "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    for writer in taken:
        writer.close()
    server.close()


def processes(answer: httpx.Response) -> dict[str, Any]:
    """The processes of a snapshot by name."""
    return {process["name"]: process for process in answer.json()["processes"]}


async def test_figures(user_client: httpx.AsyncClient) -> None:
    """Requests are counted by what they were for: the console's own and an orchestrator's are not."""
    before = figures_of(samples((await user_client.get("/metrics")).text))
    await user_client.get("/api/users/")
    await user_client.get("/api/robust/?fail=unexpected")
    for path in ("/health/ready", "/health/startup", "/metrics", "/system/state/"):
        await user_client.get(path)
    after = figures_of(samples((await user_client.get("/metrics")).text))
    assert (after.requests - before.requests, after.errors - before.errors) == (2, 1)
    assert after.request_buckets["+Inf"] - before.request_buckets.get("+Inf", 0) == 2


def test_labels_with_quotes() -> None:
    """A label may hold quotes, braces and spaces, as a route does."""
    line = 'millrace_http_requests_total{method="GET",route="a \\"b\\" {c}",status="200"} 3.0'
    [sample] = samples(f"# HELP something else\nother_total 1.0\n{line}\n")
    assert (sample.labels["route"], sample.value) == ('a \\"b\\" {c}', 3.0)


@pytest.mark.parametrize(
    "entry", ["", "api", "api=", "api=https://x:1", "api=http://x:99999", "A=http://x:1", "a=http://x/y"]
)
def test_malformed_target(entry: str) -> None:
    """A target is a name and an address of plain HTTP; anything else stops the process at its start."""
    with pytest.raises(ValidationError):
        targets.check([entry])


async def test_kind_and_addresses() -> None:
    """`realtime-2` is a `realtime`; each address behind a name is a process of its own."""
    target = targets.parse("realtime-2=http://127.0.0.1:8012")
    [endpoint] = await targets.Addresses().endpoints(target)
    assert (target.kind, endpoint.label, endpoint.url("/metrics")) == (
        "realtime", "realtime-2", "http://127.0.0.1:8012/metrics",
    )  # fmt: skip


async def test_state(client: httpx.AsyncClient, served: Served, settings: Any, unused_url: str) -> None:
    """A process that answers has its figures; one that does not is named, with the reason."""
    settings.DEMO = True
    targets = [f"api={served.url}", f"realtime-1={unused_url}", "realtime=http://no-such-host.invalid:1"]
    settings.CONSOLE_TARGETS = targets
    answer = await client.get("/system/state/")
    found = processes(answer)
    assert found["api"]["figures"]["workers"][0]["pid"] > 0
    assert (found["realtime-1"]["figures"], found["realtime-1"]["reason"]) == (None, "not reachable")
    assert found["realtime"]["reason"] == "nobody knows no-such-host.invalid"
    known = {one["name"]: one["ok"] for one in answer.json()["dependencies"]}
    assert (known["postgresql"], known["redis"]) == (True, True)


async def test_silent_process(
    client: httpx.AsyncClient, silent: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that takes the connection and says nothing is given up."""
    # Enough for the lookup of the name, which a thread does.
    monkeypatch.setattr(snapshot, "TIMEOUT", 3)
    settings.DEMO = True
    settings.CONSOLE_TARGETS = [f"realtime={silent}"]
    answer = await client.get("/system/state/")
    assert processes(answer)["realtime"]["reason"] == "no answer within 3 s"


async def test_kept_for_a_second(
    client: httpx.AsyncClient, served: Served, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many ask, the processes are asked once, until the answer is too old."""
    settings.DEMO = True
    monkeypatch.setattr(snapshot, "KEPT_SECONDS", 3600)
    settings.CONSOLE_TARGETS = [f"api={served.url}"]
    first = (await client.get("/system/state/")).json()
    assert (await client.get("/system/state/")).json()["at"] == first["at"]
    monkeypatch.setattr(snapshot.observer, "_kept", ((), 0.0, b""))
    monkeypatch.setattr(snapshot, "KEPT_SECONDS", 0)
    second, third = [(await client.get("/system/state/")).json()["at"] for _ in range(2)]
    assert first["at"] < second < third


async def test_only_for_staff_elsewhere(
    client: httpx.AsyncClient, user_client: httpx.AsyncClient, staff_client: httpx.AsyncClient, settings: Any
) -> None:
    """Where this is no demo, strangers and users are refused."""
    settings.DEMO = False
    statuses = [(await someone.get("/system/state/")).status_code for someone in (client, user_client, staff_client)]
    assert statuses == [401, 403, 200]


@pytest.mark.parametrize("path", ["/", "/system/"])
async def test_pages_ask_only_where_they_may(
    client: httpx.AsyncClient, staff_client: httpx.AsyncClient, settings: Any, path: str
) -> None:
    """Who may not know how the stack stands gets a page that does not ask."""
    settings.DEMO = False
    module = f"console{path}system.js" if path == "/system/" else "console/home/home.js"
    assert (module in (await client.get(path)).text, module in (await staff_client.get(path)).text) == (False, True)
