"""Waiting for a rollout: what is still missing, and in the end which object holds it up, with its last event."""

import subprocess
import time
from collections.abc import Callable
from typing import Any

from kubernetes.kubectl import Failed
from kubernetes.target import Target

INTERVAL = 1.0
# In the order in which one waits for another: Jobs for the database, Deployments for the migrations.
_KINDS = {"StatefulSet": "statefulsets", "Job": "jobs", "Deployment": "deployments"}
_ORDER = list(_KINDS)
# Reasons of a waiting container that are no fault.
_USUAL = {"ContainerCreating", "PodInitializing"}

type Object = dict[str, Any]


def wait(target: Target, objects: list[Object], say: Callable[[str], None]) -> None:
    """Return when every workload of `objects` is ready. Raises `Failed` when a Job has failed or the time is over.

    An API server that does not answer is asked again until then.
    """
    wanted = {(one["kind"], one["metadata"]["name"]) for one in objects if one["kind"] in _KINDS}
    deadline = time.monotonic() + target.seconds
    said: dict[tuple[str, str], str] = {}
    while True:
        try:
            states = _states(target, wanted)
        except (Failed, subprocess.TimeoutExpired) as error:
            if time.monotonic() > deadline:
                raise
            say(f"{error}; asking again")
            time.sleep(INTERVAL)
            continue
        for key, state in states.items():
            if said.get(key) != state and state:
                say(f"{key[0].lower()}/{key[1]}: {state}")
            said[key] = state
        late = [key for key, state in states.items() if state]
        if not late:
            return
        failed = [key for key in late if states[key].startswith("failed")]
        if failed or time.monotonic() > deadline:
            raise _failure(target, failed or late, states)
        time.sleep(INTERVAL)


def _states(target: Target, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """What each workload lacks; an empty text if nothing."""
    found = {
        (one["kind"], one["metadata"]["name"]): missing(one) for one in target.kubectl.items(",".join(_KINDS.values()))
    }
    ordered = sorted(wanted, key=lambda key: (_ORDER.index(key[0]), key[1]))
    return {key: found.get(key, "does not exist yet") for key in ordered}


def missing(one: Object) -> str:
    """What a workload lacks, as words for a person; empty if it is ready."""
    status = one.get("status", {})
    if one["kind"] == "Job":
        return _missing_of_job(one, status)
    wanted = one["spec"].get("replicas", 1)
    if status.get("observedGeneration", 0) < one["metadata"]["generation"]:
        return "not seen by its controller yet"
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    if one["kind"] == "StatefulSet" and status.get("currentRevision") == status.get("updateRevision"):
        updated = status.get("currentReplicas", 0)
    if updated < wanted:
        return f"{updated} of {wanted} pods are of this version"
    if status.get("replicas", 0) > updated:
        return f"{status['replicas'] - updated} pods of the former version are left"
    return "" if available >= wanted else f"{available} of {wanted} pods are available"


def _missing_of_job(one: Object, status: Object) -> str:
    conditions = {each["type"]: each for each in status.get("conditions", []) if each["status"] == "True"}
    if "Failed" in conditions:
        return f"failed: {conditions['Failed'].get('message') or conditions['Failed'].get('reason')}"
    return "" if status.get("succeeded", 0) >= one["spec"].get("completions", 1) else "runs"


def _failure(target: Target, late: list[tuple[str, str]], states: dict[tuple[str, str], str]) -> Failed:
    """One sentence for the first workload, and for each of them its pods and last events."""
    detail = []
    for kind, name in late:
        detail.append(f"{kind.lower()}/{name}: {states[kind, name]}")
        detail += [f"  {line}" for line in explain(target, kind, name)]
    kind, name = late[0]
    state = states[kind, name]
    when = "" if state.startswith("failed") else f" within {target.seconds:.0f} s"
    return Failed(
        f"{kind.lower()}/{name} is not ready{when}: {state}. What ran before still serves; "
        "`make k8s-up` goes on once the cause is gone",
        detail,
    )


def explain(target: Target, kind: str, name: str) -> list[str]:
    """Why a workload is not ready: its pods' states, and the newest warning of it, its pods or its ReplicaSets."""
    pods = [one for one in target.kubectl.items("pods") if _belongs(one["metadata"]["name"], name)]
    lines = [f"pod/{pod['metadata']['name']}: {state}" for pod in pods if (state := _pod_state(pod))]
    events = [one for one in target.kubectl.items("events") if _belongs(one["involvedObject"]["name"], name)]
    warnings = sorted((one for one in events if one["type"] == "Warning"), key=_when)
    if warnings:
        last = warnings[-1]
        about = f"{last['involvedObject']['kind'].lower()}/{last['involvedObject']['name']}"
        lines.append(f"last event: {about}: {last['reason']}: {last['message'].strip()[:400]}")
    return lines + (_last_words(target, pods) if kind == "Job" else [])


def _last_words(target: Target, pods: list[Object]) -> list[str]:
    """The end of the newest log: the newest pod may have said nothing yet."""
    for pod in sorted(pods, key=lambda pod: str(pod["metadata"]["creationTimestamp"]), reverse=True):
        name = pod["metadata"]["name"]
        log = target.kubectl.run("logs", name, "--tail", "5").stdout.decode(errors="replace").splitlines()
        if log:
            return [f"log of pod/{name}: {line[:300]}" for line in log]
    return []


def _belongs(object_name: str, workload: str) -> bool:
    return object_name == workload or object_name.startswith(f"{workload}-")


def _when(event: Object) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"]["creationTimestamp"])


def _pod_state(pod: Object) -> str:
    """What is wrong with a pod; empty if nothing is, or if it only starts."""
    status = pod["status"]
    for condition in status.get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return f"{condition.get('reason')}: {condition.get('message', '')[:300]}"
    for container in status.get("containerStatuses", []):
        waiting = container["state"].get("waiting") or {}
        ended = container["state"].get("terminated") or container.get("lastState", {}).get("terminated") or {}
        how = ""
        if ended.get("exitCode"):
            reason, times = ended.get("reason"), container["restartCount"]
            how = f"ended with {ended['exitCode']} ({reason}), restarted {times} times"
        if waiting.get("reason") and waiting["reason"] not in _USUAL:
            return f"{waiting['reason']}: {how or waiting.get('message', '')[:300]}"
        if how:
            return how
        if not container.get("ready") and container["state"].get("running"):
            return "runs, but is not ready"
    return ""
