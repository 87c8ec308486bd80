"""What every pod must have: the restricted profile, no token, bounds, probes that fit each other, full image names."""

import re

import pytest
from tests.manifests.sets import SETS, Object, containers, named, objects, of_kind, pods, selects, template

# https://kubernetes.io/docs/concepts/security/pod-security-standards/ for 1.34.
SAFE_SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
}
ALLOWED_VOLUMES = {"configMap", "secret", "emptyDir", "persistentVolumeClaim", "projected", "downwardAPI"}
# A registry's host has a dot, a port, or is localhost: everything else is a short name, which CRI-O 1.34 refuses.
FULL_NAME = re.compile(r"^([a-z0-9-]+\.[a-z0-9.-]+|[a-z0-9.-]+:\d+|localhost)/.+:[A-Za-z0-9._-]+$")


def not_restricted(pod: Object) -> list[str]:
    """What the restricted profile of Pod Security would refuse in a pod template."""
    spec, found = pod["spec"], []
    security = spec.get("securityContext", {})
    if any(spec.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")):
        found.append("host namespace")
    found += [f"sysctl {one['name']}" for one in security.get("sysctls", []) if one["name"] not in SAFE_SYSCTLS]
    found += [f"volume {one['name']}" for one in spec.get("volumes", []) if not set(one) - {"name"} <= ALLOWED_VOLUMES]
    for container in containers(pod):
        own = container.get("securityContext", {})
        seccomp = own.get("seccompProfile") or security.get("seccompProfile") or {}
        fine = {
            "runAsNonRoot": own.get("runAsNonRoot", security.get("runAsNonRoot")) is True,
            "runAsUser": own.get("runAsUser", security.get("runAsUser", 0)) != 0,
            "allowPrivilegeEscalation": own.get("allowPrivilegeEscalation") is False,
            "privileged": not own.get("privileged"),
            "capabilities": own.get("capabilities", {}) == {"drop": ["ALL"]},
            "seccompProfile": seccomp.get("type") == "RuntimeDefault",
            "hostPort": not any("hostPort" in port for port in container.get("ports", [])),
        }
        found += [f"{container['name']}: {key}" for key, good in fine.items() if not good]
    return found


@pytest.mark.parametrize("name", SETS)
def test_every_pod_fits_the_restricted_profile(name: str) -> None:
    assert {workload: bad for workload, pod in pods(name) if (bad := not_restricted(pod))} == {}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"hostNetwork": True}, "host namespace"),
        ({"securityContext": {"runAsNonRoot": False}}, "runAsNonRoot"),
        ({"volumes": [{"name": "x", "hostPath": {"path": "/"}}]}, "volume x"),
        ({"containers": [{"name": "x", "securityContext": {"privileged": True}}]}, "privileged"),
    ],
)
def test_a_pod_that_asks_for_more_is_found(change: Object, said: str) -> None:
    """The check can fail."""
    (api,) = [pod for workload, pod in pods("local") if workload == "Deployment/api"]
    assert not_restricted(api) == []
    assert any(said in bad for bad in not_restricted({"spec": api["spec"] | change}))


@pytest.mark.parametrize("name", SETS)
def test_every_pod_has_an_account_and_no_token(name: str) -> None:
    accounts = {one["metadata"]["name"]: one for one in of_kind(name, "ServiceAccount")}
    for workload, pod in pods(name):
        spec = pod["spec"]
        assert spec["automountServiceAccountToken"] is False, workload
        assert spec["enableServiceLinks"] is False, workload
        assert accounts[spec["serviceAccountName"]]["automountServiceAccountToken"] is False, workload


@pytest.mark.parametrize("name", SETS)
def test_every_container_is_bounded_and_read_only(name: str) -> None:
    for workload, pod in pods(name):
        for container in containers(pod):
            resources = container["resources"]
            assert set(resources["requests"]) == {"cpu", "memory", "ephemeral-storage"}, workload
            # A CPU limit would stop an event loop for a tenth of a second at a time.
            assert set(resources["limits"]) == {"memory", "ephemeral-storage"}, workload
            assert resources["requests"]["memory"] == resources["limits"]["memory"], workload
            assert container["securityContext"]["readOnlyRootFilesystem"] is True, workload
            assert container["imagePullPolicy"] == "IfNotPresent", workload
            assert any(mount["mountPath"] == "/tmp" for mount in container["volumeMounts"]), workload  # noqa: S108
        for volume in pod["spec"]["volumes"]:
            assert volume.get("emptyDir", {"sizeLimit": ""}).get("sizeLimit") is not None, (workload, volume)


@pytest.mark.parametrize("name", SETS)
def test_every_image_has_its_full_name(name: str) -> None:
    for workload, pod in pods(name):
        for container in containers(pod):
            assert FULL_NAME.match(container["image"]), (workload, container["image"])


@pytest.mark.parametrize("image", ["api", "millrace/api:1", "postgres:17", "docker.io/millrace/api"])
def test_a_short_or_untagged_image_name_is_found(image: str) -> None:
    assert not FULL_NAME.match(image)


@pytest.mark.parametrize("name", SETS)
def test_what_a_pod_refers_to_exists(name: str) -> None:
    """ConfigMaps always; Secrets if the set makes them (production brings its own)."""
    maps = {one["metadata"]["name"] for one in of_kind(name, "ConfigMap")}
    secrets = {one["metadata"]["name"] for one in of_kind(name, "Secret")}
    for workload, pod in pods(name):
        for volume in pod["spec"]["volumes"]:
            assert volume.get("configMap", {"name": None})["name"] in maps | {None}, workload
            if not name.startswith("production"):
                assert volume.get("secret", {"secretName": None})["secretName"] in secrets | {None, "gateway-tls"}
        for container in containers(pod):
            for source in container.get("envFrom", []):
                assert source["configMapRef"]["name"] in maps, workload
            for variable in container.get("env", []):
                key = variable.get("valueFrom", {}).get("configMapKeyRef")
                assert key is None or key["name"] in maps, workload


@pytest.mark.parametrize("name", SETS)
def test_production_brings_its_own_secrets(name: str) -> None:
    made = [one["metadata"]["name"] for one in of_kind(name, "Secret")]
    assert made == [] if name.startswith("production") else made


@pytest.mark.parametrize("name", SETS)
def test_probes_wait_longer_than_a_migration_may_take(name: str) -> None:
    """Job < startup < progress deadline, or a slow migration would be taken for a rollout that failed."""
    job = next(one for one in of_kind(name, "Job") if one["metadata"]["name"].startswith("migrate-"))
    for service in ("api", "realtime"):
        deployment = named(name, "Deployment", service)
        (container,) = template(deployment)["spec"]["containers"]
        startup = container["startupProbe"]
        waits = startup["failureThreshold"] * startup["periodSeconds"]
        assert job["spec"]["activeDeadlineSeconds"] < waits < deployment["spec"]["progressDeadlineSeconds"]
        assert startup["httpGet"]["path"] == "/health/startup"
        assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"
        assert container["livenessProbe"]["httpGet"]["path"] == "/health/live"


@pytest.mark.parametrize("name", SETS)
def test_grace_is_above_what_happens_in_it(name: str) -> None:
    """Seconds: preStop, then the drain (realtime cancels what is left 5 s later, nginx ends its workers after 20 s)."""
    for service in ("api", "realtime", "gateway"):
        spec = template(named(name, "Deployment", service))["spec"]
        (container,) = spec["containers"]
        drain = {one["name"]: one.get("value") for one in container.get("env", [])}.get("DRAIN_SECONDS", "20")
        needed = container["lifecycle"]["preStop"]["sleep"]["seconds"] + float(drain) + 5
        assert spec["terminationGracePeriodSeconds"] >= needed, service


@pytest.mark.parametrize("name", SETS)
def test_replicated_workloads_are_spread_and_have_a_budget(name: str) -> None:
    budgets = [one["spec"] for one in of_kind(name, "PodDisruptionBudget")]
    for one in of_kind(name, "Deployment"):
        labels = template(one)["metadata"]["labels"]
        covering = [budget for budget in budgets if selects(budget["selector"], labels)]
        if one["spec"].get("replicas", 2) < 2:
            assert covering == []
            continue
        (budget,) = covering
        assert budget["maxUnavailable"] == 1
        assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
        nodes, zones = template(one)["spec"]["topologySpreadConstraints"]
        assert nodes["topologyKey"] == "kubernetes.io/hostname"
        assert nodes["whenUnsatisfiable"] == "DoNotSchedule"
        assert nodes["nodeTaintsPolicy"] == "Honor"
        assert zones["whenUnsatisfiable"] == "ScheduleAnyway"
        assert one["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}


@pytest.mark.parametrize("name", SETS)
def test_selectors_choose_their_own_pods_and_services_choose_some(name: str) -> None:
    labels = {workload: pod["metadata"]["labels"] for workload, pod in pods(name)}
    for one in of_kind(name, "Deployment", "StatefulSet"):
        assert selects(one["spec"]["selector"], template(one)["metadata"]["labels"])
    for service in of_kind(name, "Service"):
        if service["metadata"]["name"].endswith("-testing"):
            continue
        chosen = [who for who, own in labels.items() if selects({"matchLabels": service["spec"]["selector"]}, own)]
        assert len(chosen) == 1, (service["metadata"]["name"], chosen)


@pytest.mark.parametrize("name", SETS)
def test_jobs_can_be_applied_again(name: str) -> None:
    """No hashed name in their template, the release in their name, and no dot: a pod's name has none."""
    for one in of_kind(name, "Job"):
        job, text = one["metadata"]["name"], str(template(one))
        assert re.fullmatch(r"(migrate|demo-seed)-[a-z0-9-]+", job)
        assert not re.search(r"(settings|secrets)-[a-z0-9]{10}\b", text)
        assert "ttlSecondsAfterFinished" not in one["spec"]
        assert one["spec"]["podReplacementPolicy"] == "Failed"
        (rule,) = one["spec"]["podFailurePolicy"]["rules"]
        assert rule == {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}


@pytest.mark.parametrize("name", SETS)
def test_the_daily_job_never_runs_twice_and_leaves_little_behind(name: str) -> None:
    """It ends long before the next one starts, waits for migrations, and gets the settings of the services."""
    (cron,) = of_kind(name, "CronJob")
    spec, job = cron["spec"], cron["spec"]["jobTemplate"]["spec"]
    assert (cron["metadata"]["name"], spec["concurrencyPolicy"], spec["timeZone"]) == ("daily", "Forbid", "Etc/UTC")
    assert re.fullmatch(r"\d+ \d+ \* \* \*", spec["schedule"])
    assert spec["startingDeadlineSeconds"] < 24 * 3600
    assert (spec["successfulJobsHistoryLimit"], spec["failedJobsHistoryLimit"]) == (1, 3)
    assert job["activeDeadlineSeconds"] < 3600 < job["ttlSecondsAfterFinished"]
    assert job["podReplacementPolicy"] == "Failed"
    (container,) = template(cron)["spec"]["containers"]
    assert container["command"] == ["python", "-m", "api.manage", "daily"]
    (api,) = template(named(name, "Deployment", "api"))["spec"]["containers"]
    assert (container["image"], container["envFrom"]) == (api["image"], api["envFrom"])
    variables = {one["name"]: one.get("value") for one in container["env"]}
    assert 0 < float(variables["DATABASE_WAIT_SECONDS"]) < job["activeDeadlineSeconds"]


@pytest.mark.parametrize("name", SETS)
def test_gitops_tools_keep_what_old_pods_need(name: str) -> None:
    for one in of_kind(name, "ConfigMap"):
        if one["metadata"]["name"] == "release" or one["metadata"]["name"].startswith("release-"):
            continue
        annotations = one["metadata"].get("annotations", {})
        assert annotations.get("argocd.argoproj.io/sync-options") == "PruneLast=true", one["metadata"]["name"]
        assert annotations.get("kustomize.toolkit.fluxcd.io/prune") == "disabled", one["metadata"]["name"]


@pytest.mark.parametrize("name", SETS)
def test_everything_is_labelled_as_ours(name: str) -> None:
    """`make k8s-down` and the pruning of what is no longer needed go by this label."""
    for one in objects(name):
        label = one["metadata"].get("labels", {}).get("app.kubernetes.io/part-of")
        if one["kind"] != "Secret":
            assert label == "millrace", (one["kind"], one["metadata"]["name"])


@pytest.mark.parametrize("name", SETS)
def test_single_pods_without_data_are_deployments_that_move_quickly(name: str) -> None:
    """A StatefulSet's pod on a dead node is never replaced by itself."""
    assert [one["metadata"]["name"] for one in of_kind(name, "StatefulSet")] in ([], ["postgres"])
    for one in of_kind(name, "Deployment"):
        seconds = {rule["tolerationSeconds"] for rule in template(one)["spec"]["tolerations"]}
        assert seconds == {30}, one["metadata"]["name"]
        if one["metadata"]["name"] in {"valkey", "prometheus"}:
            assert one["spec"]["strategy"] == {"type": "Recreate"}


@pytest.mark.parametrize("name", SETS)
def test_services_listen_on_ipv6_when_they_are_told_to(name: str) -> None:
    """Each of our programs reads LISTEN_IPV6; PostgreSQL, Valkey and Prometheus listen on every address anyway."""
    told = {one["metadata"]["name"] for one in of_kind(name, "ConfigMap") if "LISTEN_IPV6" in one.get("data", {})}
    for service in ("api", "realtime", "gateway", "mock-upstream"):
        for one in of_kind(name, "Deployment"):
            if one["metadata"]["name"] != service:
                continue
            (container,) = template(one)["spec"]["containers"]
            sources = [each["configMapRef"]["name"] for each in container.get("envFrom", [])]
            sources += [
                each["valueFrom"]["configMapKeyRef"]["name"]
                for each in container.get("env", [])
                if each["name"] == "LISTEN_IPV6"
            ]
            assert set(sources) & told, service
            # A probe names no address: the kubelet takes the pod's own, of either kind.
            assert all("host" not in probe["httpGet"] for key, probe in container.items() if key.endswith("Probe"))
