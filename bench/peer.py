"""How contestants over HTTP are started, and what each is made of."""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import distributions

from bench import ROOT
from bench.contestant import Contestant, Kind
from bench.errors import BenchError
from bench.workload import PEER_PYTHON, PYTHON

# What every response with equal duty carries; lower case, as `bench.load.expect` wants them.
DUTY_HEADERS = (
    b"content-security-policy",
    b"x-content-type-options",
    b"x-frame-options",
    b"referrer-policy",
    b"cross-origin-opener-policy",
    b"cross-origin-resource-policy",
    b"permissions-policy",
    b"cache-control",
    b"x-request-id",
    b"x-request-duration",
)
_OURS = {"HTTPS_ONLY": "0", "LOG_FORMAT": "json", "LOG_LEVEL": "INFO", "VALIDATE_RESPONSES": "0"}


@cache
def _versions(peers: bool) -> Mapping[str, str]:
    venv = (PEER_PYTHON if peers else PYTHON).parents[1]
    paths = [str(path) for path in venv.glob("lib/python3*/site-packages")]
    if not paths:
        raise BenchError(f"no packages in {venv.relative_to(ROOT)}: `make bench` installs them")
    return {item.name.lower().replace("_", "-"): item.version for item in distributions(path=paths)}


def made_of(*packages: str, peers: bool = True) -> str:
    """`name version, ...` of what is installed."""
    versions = _versions(peers)
    return ", ".join(f"{name} {versions[name]}" for name in packages)


def millrace(name: str, env: Mapping[str, str] | None = None) -> Contestant:
    """`bench.millrace` under uvicorn, from our venv; `DUTY=1` in `env` for the middleware."""
    return Contestant(
        name,
        (str(PYTHON), "-m", "bench.serve", "bench.millrace.asgi:application", "{port}"),
        made_of("django", "uvicorn", peers=False),
        "ours",
        {**_OURS, "SERVICE": "bench", **(env or {})},
    )


def api(name: str, env: Mapping[str, str] | None = None) -> Contestant:
    """The api as `python -m api` runs it, with one worker."""
    return Contestant(
        name,
        (str(PYTHON), "-m", "api"),
        made_of("django", "uvicorn", peers=False),
        "ours",
        {**_OURS, "HOST": "127.0.0.1", "PORT": "{port}", "WEB_CONCURRENCY": "1", "SERVICE": "api", **(env or {})},
    )


def uvicorn(
    name: str,
    module: str,
    *packages: str,
    kind: Kind = "peer",
    env: Mapping[str, str] | None = None,
    note: str = "",
) -> Contestant:
    """`app` of `bench.peers.<module>` under uvicorn, from the peers' venv."""
    return Contestant(
        name,
        (str(PEER_PYTHON), "-m", "bench.serve", f"bench.peers.{module}:app", "{port}"),
        made_of(*packages, "uvicorn"),
        kind,
        env or {},
        note,
    )


def gunicorn(name: str, module: str, *packages: str, env: Mapping[str, str] | None = None) -> Contestant:
    """`app` of `bench.peers.<module>` under gunicorn: one worker of eight threads."""
    # No timeout: a worker that is stopped between turns would be taken for one that hangs.
    options = (
        "--workers",
        "1",
        "--worker-class",
        "gthread",
        "--threads",
        "8",
        "--timeout",
        "0",
        "--keep-alive",
        "75",
        "--graceful-timeout",
        "1",
    )
    return Contestant(
        name,
        (str(PEER_PYTHON), "-m", "gunicorn", f"bench.peers.{module}:app", "--bind", "127.0.0.1:{port}", *options),
        made_of(*packages, "gunicorn"),
        env=env or {},
    )


def bolt(name: str, env: Mapping[str, str] | None = None) -> Contestant:
    """django-bolt on its own server, which is written in Rust: one process."""
    return Contestant(
        name,
        (
            *(str(PEER_PYTHON), "-m", "django", "runbolt", "--host", "127.0.0.1", "--port", "{port}"),
            *("--processes", "1", "--workers", "1", "--no-admin"),
        ),
        made_of("django-bolt", "django"),
        env={"DJANGO_SETTINGS_MODULE": "bench.peers.bolt.settings", "PYTHONPATH": str(ROOT), **(env or {})},
        note="its own server",
    )
