"""What the API server takes: every set of manifests without a warning, and no pod that asks for more than it needs."""

import json
import re

import pytest
from tests.kubernetes.cluster import eventually, kubectl
from tests.kubernetes.pods import pod
from tests.kubernetes.stack import COMPONENTS, succeed
from tests.manifests.sets import K8S, SETS

PROFILE = 'violates PodSecurity "restricted'


def admit(text: str, *arguments: str) -> tuple[int, str]:
    """A dry run by the API server, with admission. Returns the exit code and what was said."""
    ran = kubectl.run("apply", "--dry-run=server", *arguments, "-f", "-", given=text)
    return ran.returncode, ran.stderr.decode()


@pytest.mark.ci
@pytest.mark.row("admission of the set {name}")
@pytest.mark.parametrize("name", SETS)
def test_a_set_is_admitted_without_a_warning(name: str) -> None:
    """As its owner applies it."""
    text = kubectl("kustomize", str(K8S / "tests" / name))
    assert admit(text, "--server-side", "--force-conflicts", "--field-manager=millrace") == (0, "")


@pytest.mark.ci
@pytest.mark.row("admission: a pod that is {what} is refused")
@pytest.mark.parametrize(
    ("what", "container", "said"),
    [
        ("root", {"securityContext": {"runAsUser": 0, "allowPrivilegeEscalation": False}}, PROFILE),
        # An API server may refuse such pods to all namespaces, before it asks which profile this one has.
        ("privileged", {"securityContext": {"privileged": True}}, f"{PROFILE}|Forbidden: disallowed by cluster policy"),
    ],
)
def test_a_pod_with_rights_is_refused(what: str, container: dict[str, object], said: str) -> None:
    """The same pod without them is taken."""
    assert admit(pod("suite-plain")) == (0, "")
    code, answer = admit(pod("suite-mighty", container=container))
    assert code != 0
    assert re.search(said, answer)


@pytest.mark.row("quota: defaults, and one pod too many refused")
@pytest.mark.timeout(300)
def test_the_quota() -> None:
    """With the component `limits`: a pod without requests gets some, and the quota counts."""
    succeed("up", K8S_COMPONENTS=f"{COMPONENTS} limits")
    try:
        made = json.loads(kubectl("create", "--dry-run=server", "-o", "json", "-f", "-", given=pod("suite-plain")))
        (container,) = made["spec"]["containers"]
        assert container["resources"]["requests"] == {"cpu": "100m", "memory": "128Mi", "ephemeral-storage": "64Mi"}
        used = eventually(lambda: quota("used"), "the quota counts pods")
        hard = json.dumps({"spec": {"hard": {"pods": used}}})
        kubectl("patch", "resourcequota", "millrace", "--type=merge", "--patch", hard)
        eventually(lambda: quota("hard") == used, "the quota has changed")
        code, said = admit(pod("suite-plain"))
    finally:
        succeed("up")
    assert code != 0
    assert "exceeded quota: millrace" in said
    assert kubectl.items("resourcequotas,limitranges") == []


def quota(which: str) -> str:
    """The number of pods: `used` or `hard`."""
    return kubectl("get", "resourcequota", "millrace", "-o", f"jsonpath={{.status.{which}.pods}}")
