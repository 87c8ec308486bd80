"""The profile `tls`: the same origin over HTTPS, with the certificate that the gateway made into its volume."""

import os
import ssl
import subprocess
from pathlib import Path

import httpx
import pytest
from tests.containers.engine import compose, docker, of
from websockets.asyncio.client import connect

ROOT = Path(__file__).parents[2]
ADDRESS = f"localhost:{os.environ.get('GATEWAY_TLS_PORT', '8443')}"


# Of what the tests are there to have refused.
pytestmark = pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1:DeprecationWarning")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The volume's, which is all that a client trusts here."""
    path = tmp_path_factory.mktemp("tls") / "tls.crt"
    path.write_text(of("gateway-tls")[0].run("cat", "/certificate/tls.crt").stdout)
    return path


@pytest.mark.timeout(240)
def test_the_end_to_end_smoke_over_https(certificate: Path) -> None:
    """The suite's own clients verify the certificate: by name, and against this one only."""
    addresses = {"API_URL": f"https://{ADDRESS}", "REALTIME_URL": f"wss://{ADDRESS}", "SSL_CERT_FILE": str(certificate)}
    command = [str(ROOT / "scripts" / "e2e"), "-q", "-x", "-m", "smoke"]
    ran = subprocess.run(
        command, env={**os.environ, **addresses}, capture_output=True, text=True, timeout=200, check=False
    )
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-1000:]
    assert " passed" in ran.stdout


def test_nobody_else_is_trusted() -> None:
    """The control of the test above: without that certificate the handshake fails."""
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"https://{ADDRESS}/health/", verify=ssl.create_default_context())


async def test_sockets_over_tls(certificate: Path) -> None:
    """A WebSocket goes the same way."""
    context = ssl.create_default_context(cafile=str(certificate))
    async with connect(f"wss://{ADDRESS}/ws/chat/lobby/", ssl=context, max_queue=None) as socket:
        assert await socket.recv()


def test_old_protocols_are_refused(certificate: Path) -> None:
    """TLS 1.2 is the oldest; the service learns that the client came over HTTPS."""
    context = ssl.create_default_context(cafile=str(certificate))
    answer = httpx.get(f"https://{ADDRESS}/health/", verify=context)
    assert answer.status_code == 200
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((httpx.ConnectError, ssl.SSLError)):
        httpx.get(f"https://{ADDRESS}/health/", verify=context)


@pytest.mark.timeout(120)
def test_the_certificate_stays(certificate: Path) -> None:
    """Whoever trusts it has not to trust another one after a restart; nobody else can read its key."""
    (gateway,) = of("gateway-tls")
    docker("restart", gateway.name)
    compose("up", "-d", "--wait", "--no-recreate", "--no-deps", "gateway-tls")
    assert gateway.run("cat", "/certificate/tls.crt").stdout == certificate.read_text()
    assert gateway.run("stat", "-c", "%a %u", "/certificate/tls.key").stdout.split() == ["600", "101"]
