"""What the services need: names, Valkey, PostgreSQL."""

import asyncio
import contextlib
import json
import re
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from tests.kubernetes.cluster import call, kubectl, pods, roll, soon, system
from tests.kubernetes.conftest import UnderLoad
from tests.kubernetes.nodes import heal, isolate, needs_nodes
from tests.kubernetes.stack import API_URL

pytestmark = pytest.mark.timeout(400)

CACHED = 30
# How long the only PostgreSQL may be away when its pod is deleted.
RESTART = 20.0
CUT = 30.0
# Asks for the addresses of the api with a query of its own, because no library tells for how long they are valid.
_TTL = """
import socket, struct
server = next(line.split()[1] for line in open("/etc/resolv.conf") if line.startswith("nameserver"))
labels = "".join(chr(len(part)) + part for part in "api.millrace.svc.cluster.local".split(".")).encode()
query = struct.pack("!6H", 7, 256, 1, 0, 0, 0) + labels + struct.pack("!BHH", 0, 1, 1)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
    asking.settimeout(3)
    asking.sendto(query, (server, 53))
    print(struct.unpack("!I", asking.recv(512)[len(query) + 6 : len(query) + 10])[0])
"""


def ttl() -> int:
    """For how many seconds a name server says that the addresses of the api are valid."""
    return int(kubectl("exec", "deployment/api", "--", "python", "-c", _TTL))


@contextlib.asynccontextmanager
async def stale_names() -> AsyncIterator[None]:
    """Name servers answer from a cache of 30 s, as those of many managed clusters do."""
    former = system.json("get", "configmap", "coredns")["data"]["Corefile"]
    stale = re.sub(r"ttl \d+", f"ttl {CACHED}", former)
    stale = re.sub(r"\n *cache \d+( \{.*?\})?", f"\n        cache {CACHED}", stale, flags=re.DOTALL)
    assert stale != former
    await corefile(stale)
    try:
        yield
    finally:
        await corefile(former)


async def corefile(text: str) -> None:
    change = json.dumps({"data": {"Corefile": text}})
    await asyncio.to_thread(system, "patch", "configmap", "coredns", "--type=merge", "--patch", change)
    await asyncio.to_thread(system, "rollout", "restart", "deployment/coredns")
    await asyncio.to_thread(lambda: system("rollout", "status", "deployment/coredns", "--timeout=100s", within=110))


@needs_nodes
@pytest.mark.row("roll {service} with stale names")
@pytest.mark.parametrize("service", ["api", "realtime"])
async def test_a_roll_with_stale_names(service: str, under_load: UnderLoad) -> None:
    """Every address that the gateway knows may be dead; the Service with a fixed address is its backup."""
    async with stale_names():
        valid = await asyncio.to_thread(lambda: max(ttl() for _ in range(5)))
        async with under_load() as load:
            await roll(service)
    assert valid > CACHED / 2
    load.nothing_failed()


@needs_nodes
@pytest.mark.row("no name server for 20 s")
async def test_no_name_server(under_load: UnderLoad) -> None:
    """The gateway and the pools go on with the addresses that they have."""
    replicas = system("get", "deployment", "coredns", "-o", "jsonpath={.spec.replicas}")
    async with under_load() as load:
        try:
            await asyncio.to_thread(system, "scale", "deployment/coredns", "--replicas=0")
            await soon(lambda: system.items("pods", "--selector", "k8s-app=kube-dns") == [], "no CoreDNS is left")
            answered = await asyncio.to_thread(resolves)
            await asyncio.sleep(20)
        finally:
            await asyncio.to_thread(system, "scale", "deployment/coredns", f"--replicas={replicas}")
            await asyncio.to_thread(system, "rollout", "status", "deployment/coredns", "--timeout=50s")
    assert not answered
    load.nothing_failed()


def resolves() -> bool:
    command = ("python", "-c", "import socket; socket.gethostbyname('api.millrace.svc.cluster.local')")
    return kubectl.run("exec", "deployment/api", "--", *command).returncode == 0


@pytest.mark.row("Valkey's pod deleted")
async def test_valkey_deleted(under_load: UnderLoad) -> None:
    """Hints, presence and rates are gone; no request and no message is."""
    (victim,) = pods("valkey")
    async with under_load() as load:
        await call("delete", "pod", victim.name)
        await soon(
            lambda: [pod.ready for pod in pods("valkey") if pod.name != victim.name] == [True], "Valkey is ready"
        )
        await asyncio.sleep(5)
    load.nothing_failed()


@pytest.mark.row("PostgreSQL's pod deleted")
async def test_postgres_deleted(under_load: UnderLoad) -> None:
    """Nothing can be written until it is back; nothing is lost, and no pod of ours is unready or restarted."""
    before = {pod.name: pod.restarts for service in ("api", "realtime") for pod in pods(service)}
    (victim,) = pods("postgres")
    uid = victim.facts["metadata"]["uid"]
    async with under_load(heal=30.0) as load:
        await call("delete", "pod", victim.name)
        await soon(
            lambda: [pod.ready for pod in pods("postgres") if pod.facts["metadata"]["uid"] != uid] == [True],
            "PostgreSQL is ready",
        )
        back = time.monotonic() - load.since
        await asyncio.sleep(10)
    assert load.failed()
    assert back <= RESTART
    assert [str(one) for one in load.failed(from_=back + 3)] == []
    assert {pod.name: pod.restarts for service in ("api", "realtime") for pod in pods(service) if pod.ready} == before
    load.nothing_lost()


@needs_nodes
@pytest.mark.row("PostgreSQL cut off for 30 s")
async def test_postgres_cut_off(under_load: UnderLoad) -> None:
    """Every pod stays ready. What needs no database is served, the rest is 503 within 2 s; then all is well again."""
    (victim,) = pods("postgres")
    unready: set[str] = set()
    live: list[int] = []
    async with under_load(heal=40.0) as load:
        await asyncio.to_thread(isolate, victim)
        try:
            async with httpx.AsyncClient(base_url=API_URL) as client:
                while time.monotonic() - load.since < CUT:
                    every = await asyncio.to_thread(lambda: [*pods("api"), *pods("realtime")])
                    unready |= {pod.name for pod in every if not pod.ready}
                    live.append((await client.get("/health/ready")).status_code)
                    await asyncio.sleep(1)
        finally:
            await asyncio.to_thread(heal, victim.node)
        back = time.monotonic() - load.since
        await asyncio.sleep(15)
    assert unready == set()
    assert set(live) == {200}
    during = load.failed(from_=2, until=CUT - 2)
    assert during
    assert {one.failure[:3] for one in during} == {"503"}
    assert max(one.took for one in during) <= 2.0
    assert [str(one) for one in load.failed(from_=back + 10)] == []
    load.nothing_lost()
