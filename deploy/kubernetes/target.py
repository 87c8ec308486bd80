"""The cluster that is meant, checked before anything is changed there."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from kubernetes.kubectl import ROOT, Failed, Kubectl

NAMESPACE = "millrace"
OLDEST_MINOR = 34
# Words of a context's name that stand for a cluster whose users would notice.
_PRODUCTION = re.compile(r"(^|[^a-z])(prod|production|live)([^a-z]|$)", re.IGNORECASE)
_ADVICE = "`kubectl config get-contexts` lists the contexts, and KUBECONFIG names the file that has them"


@dataclass(slots=True)
class Target:
    """A cluster, and where what is generated for it lives (`.data/k8s`)."""

    context: str
    url: str
    seconds: float
    components: list[str] = field(default_factory=list)
    overlay: Path = ROOT / "k8s" / "overlays" / "local"
    folder: Path = ROOT / ".data" / "k8s"

    @classmethod
    def from_environment(cls) -> "Target":
        """Read from `K8S_*`. Raises `Failed` if a value is malformed or no context is set."""
        context = _context()
        # Each once: kustomize refuses a component that is added twice.
        named = re.split(r"[\s,]+", os.environ.get("K8S_COMPONENTS", ""))
        components = list(dict.fromkeys(name for name in named if name))
        for name in components:
            if not (ROOT / "k8s" / "components" / name / "kustomization.yaml").exists():
                raise Failed(f"K8S_COMPONENTS: there is no k8s/components/{name}")
        url = os.environ.get("K8S_URL", "").rstrip("/") or _default_url(components)
        if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:\d+)?", url):
            raise Failed(f"K8S_URL: {url!r} is not an origin such as http://localhost:8080")
        overlay = (ROOT / os.environ.get("K8S_OVERLAY", "k8s/overlays/local")).resolve()
        if not (overlay / "kustomization.yaml").exists():
            raise Failed(f"K8S_OVERLAY: {overlay} has no kustomization.yaml")
        return cls(context, url, _seconds(), components, overlay)

    @property
    def kubectl(self) -> Kubectl:
        return Kubectl(self.context, NAMESPACE)

    def check(self) -> None:
        """Raises `Failed` if the cluster does not answer or is too old, or if its namespace `millrace` is not ours."""
        kubectl = self.kubectl
        answer = kubectl.run("version", "-o", "json", "--request-timeout=10s", within=20)
        if answer.returncode:
            said = answer.stderr.decode(errors="replace").strip().splitlines() or ["no answer"]
            raise Failed(f"the cluster of the context {self.context!r} does not answer: {said[-1]}")
        check_version(answer.stdout.decode())
        self._check_namespace()

    def _check_namespace(self) -> None:
        found = self.kubectl.run("get", "namespace", NAMESPACE, "-o", "jsonpath={.metadata.labels}")
        said = found.stderr.decode(errors="replace")
        if found.returncode and "NotFound" not in said:
            raise Failed(f"the namespace {NAMESPACE} cannot be read: {said.strip()}")
        if not found.returncode and b'"app.kubernetes.io/part-of":"millrace"' not in found.stdout:
            raise Failed(
                f"a namespace {NAMESPACE} exists that was not made by these manifests (labels: "
                f"{found.stdout.decode() or 'none'}). If it is meant, label it: "
                f"kubectl label namespace {NAMESPACE} app.kubernetes.io/part-of=millrace"
            )


def check_version(answer: str) -> None:
    """`answer`: what `kubectl version -o json` printed. Raises `Failed` if the server is older than 1.34."""
    server = re.search(r'"serverVersion".*?"gitVersion": "v(\d+)\.(\d+)[^"]*"', answer, re.DOTALL)
    if server is None:
        raise Failed("the cluster does not say which version of Kubernetes it is")
    major, minor = int(server[1]), int(server[2])
    if (major, minor) < (1, OLDEST_MINOR):
        raise Failed(f"the cluster has Kubernetes {major}.{minor}; these manifests need 1.{OLDEST_MINOR} or newer")


def _context() -> str:
    named = os.environ.get("K8S_CONTEXT", "")
    kubectl = Kubectl()
    known = kubectl("config", "get-contexts", "-o", "name").split()
    if named:
        if named not in known:
            raise Failed(f"K8S_CONTEXT: kubectl knows no context {named!r}; {_ADVICE}")
        return named
    current = kubectl.run("config", "current-context").stdout.decode().strip()
    if not current:
        raise Failed(f"kubectl has no current context; {_ADVICE}")
    if _PRODUCTION.search(current):
        raise Failed(f"the context {current!r} looks like production: set K8S_CONTEXT={current} if it is meant")
    return current


def _default_url(components: list[str]) -> str:
    return "https://localhost:8443" if "tls" in components else "http://localhost:8080"


def _seconds() -> float:
    value = os.environ.get("K8S_SECONDS", "") or "300"
    if not value.isdigit() or int(value) < 1:
        raise Failed(f"K8S_SECONDS: {value!r} is not a number of seconds")
    return float(value)
