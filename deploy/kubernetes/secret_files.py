"""The secrets of a deployment: files in `.data/k8s/secrets` from which kustomize makes the Secrets.

They are generated once. From then on the cluster has the truth, and `make k8s-up` takes them from there.
"""

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
    "secret-key-next": "app-secrets",
    "database-password": "postgres-secrets",
    "postgres-password": "postgres-secrets",
    "redis-password": "valkey-secrets",
}
# These may be empty.
_OF_ROTATION = {"secret-key-fallbacks", "secret-key-next"}
# Keys that are accepted beside the one that signs, the newest first.
_MOST_FALLBACKS = 3


def prepare(target: Target) -> None:
    """Fill the folder with what the cluster has, what is there already, or what is generated now, in this order."""
    folder = _folder(target)
    live = _live(target)
    for name in _HOME:
        path = folder / name
        if name in live:
            _write(path, live[name])
        elif not path.exists():
            _write(path, "" if name in _OF_ROTATION else secrets.token_hex(32))
    database, redis = _read(folder, "database-password"), _read(folder, "redis-password")
    _write(folder / "database-url", f"postgresql://millrace:{database}@postgres:5432/millrace")
    _write(folder / "redis-url", f"redis://:{redis}@valkey:6379/0")
    _write(folder / "valkey.conf", f"requirepass {redis}\n")


def rotate(target: Target, step: str) -> None:
    """Change the signing key in two steps. Each is followed by a rollout, so that every pod knows what it may meet.

    `next`: a new key that every pod accepts and none signs with. `use`: that key signs, and the former one is accepted.
    Raises `Failed` for a `use` without a `next` before it: a second one would go back to the former key.
    """
    prepare(target)
    folder = _folder(target)
    following = _read(folder, "secret-key-next")
    fallbacks = [key for key in _read(folder, "secret-key-fallbacks").split(",") if key and key != following]
    if step == "next":
        following = following or secrets.token_hex(32)
        _write(folder / "secret-key-next", following)
        fallbacks.insert(0, following)
    elif not following:
        raise Failed("there is no next key: `make k8s-rotate-key STEP=next` comes first")
    else:
        fallbacks.insert(0, _read(folder, "secret-key"))
        _write(folder / "secret-key", following)
        _write(folder / "secret-key-next", "")
    _write(folder / "secret-key-fallbacks", ",".join(fallbacks[:_MOST_FALLBACKS]))


def _live(target: Target) -> dict[str, str]:
    """The values that the cluster uses: of the Secrets that workloads mount, else of the newest of each name."""
    every = target.kubectl.items("secrets", "--selector", "app.kubernetes.io/part-of=millrace")
    mounted = {
        volume.get("secret", {}).get("secretName")
        for workload in target.kubectl.items("deployments,statefulsets")
        for volume in workload["spec"]["template"]["spec"].get("volumes", [])
    }

    def age(secret: dict[str, Any]) -> tuple[bool, str]:
        metadata = secret["metadata"]
        return metadata["name"] in mounted, str(metadata["creationTimestamp"])

    found: dict[str, str] = {}
    for secret in sorted(every, key=age):
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
    return (folder / name).read_text().strip()


def _write(path: Path, value: str) -> None:
    """Whole or not at all, readable by its owner only."""
    part = path.with_name(f"{path.name}.part")
    part.touch(mode=0o600)
    part.write_text(value)
    part.replace(path)
