"""`make k8s-up`: from the sources to a stack that is ready, or to one sentence about what is not."""

import os
import subprocess
import sys
import time
from typing import Any

import yaml

from kubernetes import images, overlay, progress, removal, secret_files
from kubernetes.kubectl import Failed
from kubernetes.target import NAMESPACE, Target

MANAGER = "--field-manager=millrace"
# What kubectl prints if the API server did not answer for a moment. To apply the same objects again changes nothing.
_AWAY = (
    b"connection refused",
    b"connection reset",
    b"timed out",
    b"handshake timeout",
    b"unexpected EOF",
    b"etcdserver",
)


def say(text: str) -> None:
    """Progress goes to standard error, so that standard output has only the table."""
    print(f"k8s-up: {text}", file=sys.stderr, flush=True)


def up(target: Target) -> None:
    """Build, load, apply, wait, and print what is where. With nothing changed it changes nothing."""
    started = time.monotonic()
    if os.environ.get("BUILD", "1") != "0":
        images.build(monitoring="monitoring" in target.components)
        say(f"images ({time.monotonic() - started:.0f} s)")
    _ensure_namespace(target)
    secret_files.prepare(target)
    deploy(target)
    print(table(target))


def deploy(target: Target) -> None:
    """Apply what is built, with the secrets in the files, and wait until it is ready, at most `K8S_SECONDS`."""
    started = time.monotonic()
    tags = images.tagged()
    objects = overlay.rendered(overlay.write(target, tags))
    images.load(target, image_names(objects))
    say(f"images on the nodes ({time.monotonic() - started:.0f} s)")
    apply(target, objects)
    removal.end_former_jobs(target, objects)
    progress.wait(target, objects, say)
    removal.prune(target, objects)
    say(f"ready after {time.monotonic() - started:.0f} s")


def apply(target: Target, objects: list[dict[str, Any]]) -> None:
    """Server-side, so that fields of others (an autoscaler's) stay theirs; warnings of the API server are shown."""
    keep_replicas(target, objects)
    text = yaml.safe_dump_all(objects)
    ran = _apply(target, text)
    if ran.returncode and any(word in ran.stderr for word in _AWAY):
        say(f"{ran.stderr.decode(errors='replace').strip().splitlines()[-1]}; applying once more")
        time.sleep(progress.INTERVAL)
        ran = _apply(target, text)
    said = ran.stderr.decode(errors="replace").strip()
    for line in said.splitlines():
        if line.startswith("Warning:"):
            say(line)
    if ran.returncode:
        lines = [line for line in said.splitlines() if not line.startswith("Warning:")]
        raise Failed(f"`kubectl apply` failed: {lines[-1] if lines else 'it said nothing'}", lines[:-1][-10:])


def _apply(target: Target, text: str) -> subprocess.CompletedProcess[bytes]:
    return target.kubectl.run("apply", "--server-side", "--force-conflicts", MANAGER, "-f", "-", given=text, within=120)


def keep_replicas(target: Target, objects: list[dict[str, Any]]) -> None:
    """If an autoscaler decides, the manifest names no number: take the one that runs, or it would be set to 1."""
    free = [one for one in objects if one["kind"] == "Deployment" and "replicas" not in one["spec"]]
    if not free:
        return
    live = {one["metadata"]["name"]: one["spec"]["replicas"] for one in target.kubectl.items("deployments")}
    for one in free:
        one["spec"]["replicas"] = live.get(one["metadata"]["name"], 2)


def image_names(objects: list[dict[str, Any]]) -> list[str]:
    """The images that the objects' pods run, each once."""
    found = set()
    for one in objects:
        template = one.get("spec", {}).get("template", {}) if one["kind"] != "CronJob" else {}
        found |= {container["image"] for container in template.get("spec", {}).get("containers", [])}
    return sorted(found)


def table(target: Target) -> str:
    """What is where, and the demo logins if there is a demo; the same as `make up` prints."""
    realtime = target.url.replace("http", "ws", 1)
    rows = [
        ("Console", f"{target.url}/"),
        ("API reference", f"{target.url}/api/docs/"),
        ("WebSocket", f"{realtime}/ws/chat/lobby/"),
    ]
    lines = [f"  {what:<16}{where}" for what, where in rows]
    demo = target.kubectl.run("exec", "deployment/api", "--", "python", "-m", "api.manage", "demo_logins")
    if demo.returncode == 0:
        lines += ["", *(f"  {line}" for line in demo.stdout.decode().splitlines())]
    return "\n".join(lines)


def _ensure_namespace(target: Target) -> None:
    """Before the rest, because Secrets of an earlier deployment are looked for in it."""
    labels = {"app.kubernetes.io/part-of": "millrace"}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}
    if target.kubectl.run("get", "namespace", NAMESPACE).returncode:
        target.kubectl("create", "-f", "-", given=yaml.safe_dump(namespace))
