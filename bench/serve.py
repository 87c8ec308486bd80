"""`python -m bench.serve MODULE:APP PORT`: any ASGI application under uvicorn as the api runs it, with one worker.

Contestants under uvicorn differ in the application only, ours and peers alike.
"""

import sys

import uvicorn


def main(application: str, port: str) -> None:
    """Run until SIGTERM."""
    uvicorn.run(
        application,
        host="127.0.0.1",
        port=int(port),
        loop="uvloop",
        http="httptools",
        lifespan="auto",
        log_config=None,
        access_log=False,
        server_header=False,
        # Nobody has a proxy in front, so nobody pays for the headers of one.
        proxy_headers=False,
        timeout_keep_alive=75,
        # Whoever is paused between turns has nothing to finish.
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
