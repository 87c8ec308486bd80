"""Every set is valid for the oldest, the tested and the newest Kubernetes that the manifests support."""

import json
from functools import cache

import kubernetes_validate
import pytest
from tests.manifests.sets import COMPONENTS, K8S, SETS, objects

VERSIONS = ("1.34", "1.36", "1.37")


@cache
def check(text: str, version: str) -> None:
    """Once for each different object: the sets have most of them in common."""
    kubernetes_validate.validate(json.loads(text), version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", SETS)
def test_every_object_is_valid_and_has_no_unknown_field(name: str, version: str) -> None:
    for one in objects(name):
        check(json.dumps(one, sort_keys=True), version)


def test_an_unknown_field_is_found() -> None:
    """The check can fail."""
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": {"ports": [], "potrs": []}}
    with pytest.raises(kubernetes_validate.ValidationError, match="potrs"):
        kubernetes_validate.validate(service, VERSIONS[0], strict=True)


def test_each_overlay_and_each_component_has_a_set() -> None:
    used = {
        part
        for name in SETS
        for line in (K8S / "tests" / name / "kustomization.yaml").read_text().splitlines()
        for part in line.replace("[", " ").replace("]", " ").replace(",", " ").split()
    }
    overlays = {f"../../overlays/{folder.name}" for folder in (K8S / "overlays").iterdir()}
    wanted = overlays | {f"../../components/{component}" for component in COMPONENTS if component != "demo"}
    assert wanted <= used
    # The overlay `local` has it.
    assert "components/demo" in (K8S / "overlays" / "local" / "kustomization.yaml").read_text()
    assert len(SETS) >= 12


@pytest.mark.parametrize("name", SETS)
def test_no_name_is_there_twice(name: str) -> None:
    """kustomize renders an environment with a variable twice without a word."""
    for one in objects(name):
        pod = one["spec"].get("template", {}).get("spec", {}) if isinstance(one.get("spec"), dict) else {}
        for container in pod.get("containers", []):
            variables = [variable["name"] for variable in container.get("env", [])]
            assert len(variables) == len(set(variables)), (one["metadata"]["name"], variables)
