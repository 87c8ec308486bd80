"""The generated overlay in `.data/k8s`: the chosen one, with images' tags, the release, the address and the secrets."""

import hashlib
import os
from pathlib import Path
from typing import Any

import yaml

from kubernetes.images import SERVICES, name
from kubernetes.kubectl import ROOT, Kubectl
from kubernetes.target import Target

_JOBS = ("k8s/base/migrate.yaml", "k8s/components/demo/seed.yaml")
_SECRETS = {
    "app-secrets": ["secret-key", "secret-key-fallbacks", "secret-key-next", "database-url", "redis-url"],
    "job-secrets": ["secret-key", "database-url", "redis-url"],
    "postgres-secrets": ["postgres-password", "database-password"],
    "valkey-secrets": ["redis-password", "valkey.conf"],
}


def release(tags: dict[str, str]) -> str:
    """The part of the Jobs' names that changes with the api's image and the Jobs: a Job cannot be changed in place."""
    content = hashlib.sha256(tags["api"].encode())
    for path in _JOBS:
        content.update((ROOT / path).read_bytes())
    return content.hexdigest()[:12]


def write(target: Target, tags: dict[str, str]) -> Path:
    """Write `kustomization.yaml` into the target's folder; returns the folder, which `kubectl kustomize` renders."""
    target.folder.mkdir(parents=True, exist_ok=True)
    content = kustomization(target, tags)
    text = "# Written by `make k8s-up`.\n" + yaml.safe_dump(content, sort_keys=False)
    (target.folder / "kustomization.yaml").write_text(text)
    return target.folder


def kustomization(target: Target, tags: dict[str, str]) -> dict[str, Any]:
    """The overlay as data."""
    components = [_path(target, ROOT / "k8s" / "components" / chosen) for chosen in target.components]
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": "millrace",
        "labels": [{"pairs": {"app.kubernetes.io/part-of": "millrace"}}],
        "resources": [_path(target, target.overlay)],
        "components": components,
        "images": [
            {"name": f"docker.io/millrace/{service}", "newName": name(service), "newTag": tags[service]}
            for service in SERVICES
        ],
        "configMapGenerator": [
            {"name": "release", "literals": [f"version={release(tags)}"]},
            {"name": "settings", "behavior": "merge", "literals": _settings(target)},
        ],
        "secretGenerator": [_generator(secret, keys) for secret, keys in _SECRETS.items()],
        "patches": _patches(target),
        "replacements": [_job_name("migrate", 1), _job_name("demo-seed", 2)],
    }


def _settings(target: Target) -> list[str]:
    scheme, _, place = target.url.partition("://")
    host, _, port = place.partition(":")
    origins = {target.url}
    if host in {"localhost", "127.0.0.1"}:
        origins |= {f"{scheme}://{own}{f':{port}' if port else ''}" for own in ("localhost", "127.0.0.1")}
    hosts = sorted({"localhost", "127.0.0.1", host})
    return [
        f"ALLOWED_HOSTS={','.join(hosts)}",
        f"ALLOWED_ORIGINS={','.join(sorted(origins))}",
        f"REALTIME_URL={'wss' if scheme == 'https' else 'ws'}://{place}",
        # For a trial of another value, such as LOG_LEVEL=DEBUG.
        *os.environ.get("K8S_SETTINGS", "").split(),
    ]


def _patches(target: Target) -> list[dict[str, Any]]:
    """What differs from cluster to cluster: its name server's address, and the port of HTTPS."""
    dns = target.kubectl.run("get", "service", "kube-dns", "-n", "kube-system", "-o", "jsonpath={.spec.clusterIP}")
    address = dns.stdout.decode().strip()
    patches = []
    if dns.returncode == 0 and address not in {"", "None", "10.96.0.10"}:
        width = 128 if ":" in address else 32
        block = [
            {"op": "test", "path": "/spec/egress/2/to/2/ipBlock/cidr", "value": "10.96.0.10/32"},
            {"op": "replace", "path": "/spec/egress/2/to/2/ipBlock/cidr", "value": f"{address}/{width}"},
        ]
        patches.append({"target": {"kind": "NetworkPolicy", "name": "names"}, "patch": yaml.safe_dump(block)})
    if "tls" in target.components:
        port = [{"op": "replace", "path": "/spec/ports/0/nodePort", "value": 30443}]
        patches.append({"target": {"kind": "Service", "name": "gateway"}, "patch": yaml.safe_dump(port)})
    return patches


def _generator(name: str, keys: list[str]) -> dict[str, Any]:
    # A Job cannot be changed, so no name in it may have a hash.
    options = {"options": {"disableNameSuffixHash": True}} if name == "job-secrets" else {}
    return {"name": name, "files": [f"secrets/{key}" for key in keys], **options}


def _job_name(job: str, index: int) -> dict[str, Any]:
    return {
        "source": {"kind": "ConfigMap", "name": "release", "fieldPath": "data.version"},
        "targets": [
            {
                "select": {"kind": "Job", "name": job},
                "fieldPaths": ["metadata.name"],
                "options": {"delimiter": "-", "index": index},
            }
        ],
    }


def _path(target: Target, folder: Path) -> str:
    return os.path.relpath(folder, target.folder)


def rendered(folder: Path) -> list[dict[str, Any]]:
    """The objects that `kubectl kustomize` makes of a folder. Raises `Failed` with what it said."""
    return [one for one in yaml.safe_load_all(Kubectl()("kustomize", str(folder))) if one]
