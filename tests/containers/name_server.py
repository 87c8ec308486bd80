"""`name_server.py NAME=ADDRESS...` answers for these names and for no others. A test runs it in a container."""

import asyncio
import ipaddress
import struct
import sys

HEADER = struct.Struct("!6H")
# The name of the question, type A, class IN, 30 s, 4 bytes.
ANSWER = struct.pack("!3HIH", 0xC00C, 1, 1, 30, 4)
NO_ERROR, NO_SUCH_NAME = 0x8180, 0x8183


class NameServer(asyncio.DatagramProtocol):
    """One question each."""

    def __init__(self, addresses: dict[str, bytes]) -> None:
        self._addresses = addresses

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        number = HEADER.unpack_from(data)[0]
        labels, at = [], HEADER.size
        while length := data[at]:
            labels.append(data[at + 1 : at + 1 + length].decode())
            at += 1 + length
        question = data[HEADER.size : at + 5]
        address = self._addresses.get(".".join(labels))
        header = HEADER.pack(number, NO_ERROR if address else NO_SUCH_NAME, 1, 1 if address else 0, 0, 0)
        self._transport.sendto(header + question + (ANSWER + address if address else b""), addr)


async def serve(addresses: dict[str, bytes]) -> None:
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: NameServer(addresses), local_addr=("0.0.0.0", 53))  # noqa: S104
    await asyncio.Event().wait()


if __name__ == "__main__":
    pairs = (argument.split("=") for argument in sys.argv[1:])
    asyncio.run(serve({name: ipaddress.ip_address(address).packed for name, address in pairs}))
