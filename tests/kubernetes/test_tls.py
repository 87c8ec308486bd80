"""The component `tls`: the certificate of a Secret, and a new one without a restart."""

import asyncio
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.kubernetes.cluster import eventually, kubectl, pods
from tests.kubernetes.stack import API_URL, COMPONENTS, TLS_URL, succeed
from websockets.asyncio.client import connect

HOST, PORT = TLS_URL.removeprefix("https://").split(":")
# The kubelet looks at a Secret that has changed within a minute and a bit.
SERVED = 120.0


def certificate(folder: Path, name: str) -> Path:
    """A self-signed one, with its key beside it."""
    path = folder / f"{name}.crt"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "30", "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    command += ["-addext", "keyUsage=critical,digitalSignature,keyCertSign"]
    subprocess.run(
        [*command, "-keyout", str(path.with_suffix(".key")), "-out", str(path)], capture_output=True, check=True
    )
    return path


def replace(path: Path) -> None:
    """The Secret `gateway-tls`, with this certificate."""
    files = (f"--cert={path}", f"--key={path.with_suffix('.key')}")
    text = kubectl("create", "secret", "tls", "gateway-tls", *files, "--dry-run=client", "-o", "yaml")
    kubectl("apply", "-f", "-", given=text)
    kubectl("label", "secret", "gateway-tls", "suite=1", "--overwrite")


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The stack with HTTPS only, and afterwards without; the certificate that it has at first."""
    path = certificate(tmp_path_factory.mktemp("tls"), "first")
    replace(path)
    succeed("up", K8S_COMPONENTS=f"{COMPONENTS} tls", K8S_URL=TLS_URL)
    yield path
    succeed("up")
    # After a test that failed it is gone already.
    kubectl("delete", "secret", "gateway-tls", "--ignore-not-found")


def served() -> str:
    return ssl.get_server_certificate((HOST, int(PORT)), timeout=5)


@pytest.mark.row("tls: HTTPS and sockets with the Secret's certificate, the plain port closed")
@pytest.mark.timeout(300)
async def test_https(trusted: Path) -> None:
    """Who trusts no other certificate gets answers."""
    context = ssl.create_default_context(cafile=str(trusted))
    async with httpx.AsyncClient(base_url=TLS_URL, verify=context, timeout=10) as client:
        assert (await client.get("/health/ready")).status_code == 200
        assert (await client.get("/api/items/")).status_code == 200
    async with connect(f"wss://{HOST}:{PORT}/ws/chat/lobby/", ssl=context, max_queue=None) as socket:
        assert await socket.recv()
    with pytest.raises(httpx.TransportError):
        await asyncio.to_thread(httpx.get, f"{API_URL}/health/ready", timeout=5)


@pytest.mark.row("tls: a new certificate without a restart")
@pytest.mark.timeout(400)
def test_a_new_certificate(trusted: Path, tmp_path: Path) -> None:
    """Every gateway serves it; none is restarted."""
    before = {pod.name: pod.restarts for pod in pods("gateway")}
    following = certificate(tmp_path, "second")
    replace(following)
    text = following.read_text()
    eventually(lambda: [served() for _ in range(6)] == [text] * 6, "all gateways have the new certificate", SERVED)
    assert {pod.name: pod.restarts for pod in pods("gateway")} == before
