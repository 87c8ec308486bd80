"""Frames that go straight to the socket: in order with those that wait, whole, bounded."""

import asyncio
import datetime
import json
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from realtime import settings
from testing.waiting import eventually

from .flooding import DISCONNECTED, WRITTEN
from .processes import DEADLINE, Process, listening_socket, start

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

FLOODING = (str(Path(__file__).with_name("flooding.py")),)
SMALL = 4608
SIZE = 3000


class Flooder:
    """The program as one test sees it: its addresses, and what it has logged since the test began."""

    def __init__(self, process: Process, small: Any, tls: Any) -> None:
        self.usual: Any = ("127.0.0.1", process.port)
        # Connections to it have small send buffers.
        self.small = small
        self.tls = tls
        self._process, self._skip = process, len(process.lines)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return self._process.lines[self._skip :]

    async def logged(self, event: str) -> dict[str, Any]:
        """Wait for a line of the log."""

        def found() -> bool:
            return any(line["event"] == event for line in self.lines)

        await eventually(found, within=DEADLINE, what=event)
        return next(line for line in self.lines if line["event"] == event)


@pytest_asyncio.fixture(scope="module")
async def flooding(_test_database: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Flooder]:
    """The program, on a port of its own, on a socket with small send buffers, and with TLS."""
    with listening_socket() as shared:
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
        process = await start(shared, FLOODING, **self_signed(tmp_path_factory.mktemp("tls")))
        try:
            await process.listening(3)
            ports = {line["port"] for line in process.lines if line["event"] == "server.listening"}
            small = shared.getsockname()
            (tls,) = ports - {process.port, small[1]}
            yield Flooder(process, small, ("127.0.0.1", tls))
        finally:
            await process.stop()
        assert "Traceback" not in process.text


@pytest.fixture
def server(flooding: Flooder) -> Flooder:
    """The same, with a log that begins with the test."""
    return Flooder(flooding._process, flooding.small, flooding.tls)


@asynccontextmanager
async def client(address: Any, **options: Any) -> AsyncIterator[ClientConnection]:
    """A client that takes little by itself: what it does not read stays with the server."""
    with socket.socket() as own:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        own.setblocking(False)
        await asyncio.get_running_loop().sock_connect(own, address)
        scheme = "wss" if "ssl" in options else "ws"
        url = f"{scheme}://localhost/"
        async with connect(url, sock=own, max_queue=1, open_timeout=DEADLINE, close_timeout=1, **options) as connection:
            yield connection


async def order(connection: ClientConnection, count: int, **more: Any) -> None:
    """Order `count` messages of `SIZE` bytes and a bit."""
    await connection.send(json.dumps({"count": count, "size": SIZE, **more}))


async def numbers(connection: ClientConnection, count: int) -> list[int]:
    """The numbers of the next messages, up to `count` or the close; each message is whole."""
    found: list[int] = []
    async with asyncio.timeout(DEADLINE):
        try:
            while len(found) < count:
                number, _, rest = str(await connection.recv()).partition(" ")
                assert rest == "x" * SIZE
                found.append(int(number))
        except ConnectionClosed:
            pass
    return found


async def test_nothing_waits_for_a_reader_that_reads(server: Flooder) -> None:
    """What the kernel takes is not registered with the reactor, and nothing is left of it when `write` returns."""
    async with client(server.usual) as reader:
        await order(reader, 1)
        assert await numbers(reader, 1) == [0]
        written = await server.logged(WRITTEN)
        assert (written["unsent"], written["writers"]) == (0, 0)


async def test_partial_writes(server: Flooder) -> None:
    """A frame that the kernel takes half of goes on where it stopped; order is kept whichever way each frame went."""
    async with client(server.small) as reader:
        await order(reader, 200)
        assert (await server.logged(WRITTEN))["unsent"] > SIZE
        assert await numbers(reader, 200) == list(range(200))
        # The buffer is empty again, and the next one goes straight.
        await order(reader, 1)
        assert await numbers(reader, 1) == [0]


async def test_buffer_that_fills_and_empties(server: Flooder) -> None:
    """While a reader reads, frames go now this way, now that; all come, in order."""
    async with client(server.small) as reader:
        await order(reader, 300, pause=True)
        assert await numbers(reader, 300) == list(range(300))


async def test_close_comes_last(server: Flooder) -> None:
    """The closing handshake follows everything that was written before it, straight or not."""
    async with client(server.small) as reader, client(server.small) as other:
        await order(reader, 100, close=4000)
        await order(other, 1, close=4001)
        assert await numbers(reader, 1000) == list(range(100))
        assert await numbers(other, 1000) == [0]
        assert [each.close_code for each in (reader, other)] == [4000, 4001]


async def test_peer_that_resets(server: Flooder) -> None:
    """Writing to a connection that was reset raises nothing; it is lost the usual way, and others notice nothing."""
    async with client(server.usual) as other:
        async with client(server.usual) as reader:
            await order(reader, 5000, pause=True)
            assert await numbers(reader, 1) == [0]
            own = reader.transport.get_extra_info("socket")
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            reader.transport.abort()
        await server.logged(DISCONNECTED)
        await order(other, 3)
        assert await numbers(other, 3) == [0, 1, 2]


async def test_bound_is_kept(server: Flooder) -> None:
    """A reader that does not read is closed with 4013, after a part of the messages without a hole."""
    # Half as much again as may wait for one reader.
    count = settings.OUTBOUND_LIMIT * 3 // 2 // SIZE
    async with client(server.small) as reader:
        await order(reader, count)
        await server.logged("socket.too_slow")
        seen = await numbers(reader, count)
        assert seen == list(range(len(seen)))
        assert 0 < len(seen) < count
        assert reader.close_code == 4013


def self_signed(folder: Path) -> dict[str, str]:
    """The program's environment for TLS."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    signed = (
        builder.not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (folder / "certificate.pem").write_bytes(signed.public_bytes(pem))
    return {"TLS_KEY": str(folder / "key.pem"), "TLS_CERTIFICATE": str(folder / "certificate.pem")}


async def test_tls(server: Flooder) -> None:
    """Over TLS nothing bypasses the encryption."""
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trust.check_hostname = False
    trust.verify_mode = ssl.CERT_NONE
    async with client(server.tls, ssl=trust) as reader:
        await order(reader, 100, close=4000)
        assert await numbers(reader, 1000) == list(range(100))
        assert reader.close_code == 4000
