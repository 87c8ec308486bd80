"""A server that answers as it is told: `answering.py PORT MODE`."""

import asyncio
import json
import sys
import threading

BODY = json.dumps({"items": [1, 2, 3]}).encode()
MODES = {
    "right": ("200 OK", BODY),
    "status": ("500 Internal Server Error", BODY),
    "body": ("200 OK", BODY.replace(b"3", b"4")),
    "header": ("200 OK", BODY),
    "broken": ("200 OK", b"{"),
    "chunked": ("200 OK", BODY),
    "slow": ("200 OK", BODY),
    "threads": ("200 OK", BODY),
    "close": ("200 OK", BODY),
}


async def serve(port: int, mode: str) -> None:
    """Until it is killed."""
    status, body = MODES[mode]
    duty = "" if mode == "header" else "X-Request-ID: 1\r\n"
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{duty}"
    if mode == "chunked":
        half = len(body) // 2
        parts = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:half], body[half:], b""))
        answer = f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + parts
    else:
        answer = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                if mode == "close":
                    break
                if mode == "slow":
                    await asyncio.sleep(0.05)
                if mode == "threads":
                    for _ in range(3):
                        worker = threading.Thread(target=len, args=("",))
                        worker.start()
                        worker.join()
                writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    server = await asyncio.start_server(client, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2]))
