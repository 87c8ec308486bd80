"""The secrets of a deployment: files in `.data/k8s/secrets`, generated once, from which kustomize makes the Secrets."""

import base64
import secrets
from pathlib import Path
from typing import Any

from kubernetes.kubectl import Failed
from kubernetes.target import Target

# What is generated, by the Secret that holds it in the cluster.
_HOME = {
    "secret-key": "app-secrets",
    "secret-key-fallbacks": "app-secrets",
    "database-password": "postgres-secrets",
    "postgres-password": "postgres-secrets",
    "redis-password": "valkey-secrets",
}


def prepare(target: Target) -> None:
    """Fill the folder: what is there stays, then what the cluster has is taken, and the rest is generated.

    Raises `Failed` if the files and the cluster's Secrets disagree about the database's password.
    """
    folder = _folder(target)
    live = _live(target)
    for name in _HOME:
        path = folder / name
        if not path.exists():
            _write(path, live.get(name, "" if name.endswith("fallbacks") else secrets.token_hex(32)))
    if live.get("database-password", _read(folder, "database-password")) != _read(folder, "database-password"):
        raise Failed(
            "the files in .data/k8s/secrets are not those of this cluster's database: move that folder away, "
            "and the next `make k8s-up` takes the cluster's"
        )
    _write(
        folder / "database-url", f"postgresql://millrace:{_read(folder, 'database-password')}@postgres:5432/millrace"
    )
    _write(folder / "redis-url", f"redis://:{_read(folder, 'redis-password')}@valkey:6379/0")
    _write(folder / "valkey.conf", f"requirepass {_read(folder, 'redis-password')}\n")


def rotate(target: Target, step: str) -> None:
    """Change the signing key in two steps. Each is followed by a rollout, so that every pod knows what it may meet.

    `next`: a new key that every pod accepts and none signs with. `use`: that key signs, and the former one is accepted.
    Raises `Failed` for a `use` without a `next` before it: a second one would go back to the former key.
    """
    prepare(target)
    folder = _folder(target)
    following = folder / "secret-key-next"
    if step == "next":
        _write(following, secrets.token_hex(32))
        _write(folder / "secret-key-fallbacks", following.read_text())
        return
    if not following.exists():
        raise Failed("there is no next key: `make k8s-rotate-key STEP=next` comes first")
    _write(folder / "secret-key-fallbacks", _read(folder, "secret-key"))
    following.replace(folder / "secret-key")


def _live(target: Target) -> dict[str, str]:
    """The values that the cluster has, from the newest Secret of each name."""
    found: dict[str, str] = {}
    every = target.kubectl.items("secrets", "--selector", "app.kubernetes.io/part-of=millrace")
    for secret in sorted(every, key=lambda one: str(one["metadata"]["creationTimestamp"])):
        found |= _values(secret)
    return found


def _values(secret: dict[str, Any]) -> dict[str, str]:
    name, data = str(secret["metadata"]["name"]), secret.get("data") or {}
    return {
        key: base64.b64decode(data[key]).decode()
        for key, home in _HOME.items()
        if key in data and (name == home or name.startswith(f"{home}-"))
    }


def _folder(target: Target) -> Path:
    folder = target.folder / "secrets"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _read(folder: Path, name: str) -> str:
    return (folder / name).read_text()


def _write(path: Path, value: str) -> None:
    """Whole or not at all, readable by its owner only."""
    part = path.with_name(f"{path.name}.part")
    part.touch(mode=0o600)
    part.write_text(value)
    part.replace(path)
