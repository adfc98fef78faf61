"""SetTrialStatus of Katib's contract, as its metrics collector calls it, against a real kube-apiserver."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from tests.cluster.apiserver import ApiServer, api_server
from tests.earlystop.process import ServiceProcess

from tunesmith.earlystop._katib_trials import Cluster, KatibTrials, has_ended, stopped
from tunesmith.katib.v1beta1 import api_pb2 as katib
from tunesmith.katib.v1beta1 import api_pb2_grpc
from tunesmith.services.channel import rpc_errors
from tunesmith.services.errors import FixRequest, Forbidden, NotFound, NotOffered, StartOver, TryAgain

pytestmark = pytest.mark.timeout(180)
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces/team"
TRIALS = "/apis/kubeflow.org/v1beta1/namespaces/team/trials"
RUNNING = {"type": "Running", "status": "True", "reason": "TrialRunning", "message": "Trial is running"}
SUCCEEDED = {"type": "Succeeded", "status": "True", "reason": "TrialSucceeded", "message": "Trial has succeeded"}


@pytest.fixture(scope="module")
def cluster() -> Iterator[ApiServer]:
    """A cluster with Katib's Trials in a namespace, where user `ours` has the rights that Katib gives its service."""
    with api_server("ours", "nobody") as server:
        server.call("POST", "/api/v1/namespaces", {"metadata": {"name": "team"}})
        server.call("POST", CRDS, crd())
        rules = [{"apiGroups": ["kubeflow.org"], "resources": ["trials", "trials/status"], "verbs": ["get", "patch"]}]
        server.call("POST", RBAC + "/roles", {"metadata": {"name": "ours"}, "rules": rules})
        subjects = [{"kind": "User", "name": "ours", "apiGroup": "rbac.authorization.k8s.io"}]
        role = {"kind": "Role", "name": "ours", "apiGroup": "rbac.authorization.k8s.io"}
        binding = {"metadata": {"name": "ours"}, "subjects": subjects, "roleRef": role}
        server.call("POST", RBAC + "/rolebindings", binding)
        until_served(server)
        yield server


def crd() -> dict[str, Any]:
    """Trials as Katib defines them: any content, and a status of their own."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1beta1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
    }
    names = {"plural": "trials", "singular": "trial", "kind": "Trial"}
    spec = {"group": "kubeflow.org", "scope": "Namespaced", "names": names, "versions": [version]}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "trials.kubeflow.org"},
        "spec": spec,
    }


def until_served(server: ApiServer) -> None:
    for _ in range(300):
        conditions = server.call("GET", CRDS + "/trials.kubeflow.org").get("status", {}).get("conditions", [])
        if any(one["type"] == "Established" and one["status"] == "True" for one in conditions):
            return
    pytest.fail("the definition of trials is not served")


def add(server: ApiServer, name: str, *conditions: dict[str, str]) -> None:
    body = {"apiVersion": "kubeflow.org/v1beta1", "kind": "Trial", "metadata": {"name": name}, "spec": {"x": 1}}
    made = server.call("POST", TRIALS, body)
    if conditions:
        status = {"conditions": list(conditions), "startTime": "2026-01-01T00:00:00Z"}
        server.call("PUT", f"{TRIALS}/{name}/status", {**made, "status": status})


def status(server: ApiServer, name: str) -> dict[str, Any]:
    found: dict[str, Any] = server.call("GET", f"{TRIALS}/{name}")["status"]
    return found


@pytest.fixture(scope="module")
def service(cluster: ApiServer) -> Iterator[ServiceProcess]:
    """The service, told the cluster by a file."""
    with ServiceProcess(["--kubeconfig", str(cluster.kubeconfig("ours")), "--namespace", "team"]) as process:
        yield process


def mark(service: ServiceProcess, name: str) -> None:
    with rpc_errors():
        api_pb2_grpc.EarlyStoppingStub(service.channel).SetTrialStatus(katib.SetTrialStatusRequest(trial_name=name))


def test_a_trial_is_marked_once(cluster: ApiServer, service: ServiceProcess) -> None:
    """With what Katib's controller looks for; the rest of the status stays; a second call changes nothing."""
    add(cluster, "running", RUNNING)
    began = datetime.now(UTC).replace(microsecond=0)
    mark(service, "running")
    found = status(cluster, "running")
    assert found["startTime"] == "2026-01-01T00:00:00Z"
    first, second = found["conditions"]
    assert first == RUNNING
    assert (second["type"], second["status"], second["reason"]) == ("EarlyStopped", "True", "TrialEarlyStopped")
    assert second["message"] == "Trial is early stopped"
    said = datetime.strptime(second["lastTransitionTime"], "%Y-%m-%dT%H:%M:%S%z")
    assert began <= said <= datetime.now(UTC)
    assert second["lastUpdateTime"] == second["lastTransitionTime"]
    service.restart()
    mark(service, "running")
    assert status(cluster, "running") == found


def test_a_trial_that_has_ended_is_left_alone(cluster: ApiServer, service: ServiceProcess) -> None:
    add(cluster, "succeeded", {**RUNNING, "status": "False"}, SUCCEEDED)
    before = status(cluster, "succeeded")
    mark(service, "succeeded")
    assert status(cluster, "succeeded") == before


def test_a_trial_without_a_status(cluster: ApiServer, service: ServiceProcess) -> None:
    add(cluster, "fresh")
    mark(service, "fresh")
    assert [one["type"] for one in status(cluster, "fresh")["conditions"]] == ["EarlyStopped"]


def test_a_trial_that_is_not_there(service: ServiceProcess) -> None:
    with pytest.raises(NotFound, match="there is no Trial missing of Katib in namespace team"):
        mark(service, "missing")


@pytest.mark.parametrize("name", ["", "../../../api/v1/secrets/x", "A", "x" * 300, "a\n"])
def test_a_name_that_is_none(service: ServiceProcess, name: str) -> None:
    with pytest.raises(FixRequest, match="trial_name must be the name of a Trial in Kubernetes, but got"):
        mark(service, name)


async def test_who_may_not(cluster: ApiServer) -> None:
    add(cluster, "guarded", RUNNING)
    trials = KatibTrials(Cluster(cluster.kubeconfig("nobody"), "team"))
    with pytest.raises(Forbidden, match=r"get on trials and patch on trials/status of kubeflow.org: .*nobody"):
        await trials.mark_stopped("guarded")


async def test_in_a_pod(cluster: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the three files and two variables that Kubernetes gives each pod."""
    add(cluster, "seen-from-a-pod", RUNNING)
    (tmp_path / "namespace").write_text("team")
    (tmp_path / "token").write_text(cluster.tokens["ours"])
    (tmp_path / "ca.crt").write_bytes(cluster.certificate.read_bytes())
    host, port = cluster.url.removeprefix("https://").split(":")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", port)
    trials = KatibTrials(Cluster(service_account=tmp_path))
    await trials.mark_stopped("seen-from-a-pod")
    assert has_ended({"status": status(cluster, "seen-from-a-pod")})


class Meddler:
    """Somebody who changes a trial between our reading and our writing, so many times; also the clock."""

    def __init__(self, server: ApiServer, name: str, times: int) -> None:
        self.server, self.name, self.left = server, name, times

    def __call__(self) -> datetime:
        if self.left:
            self.left -= 1
            found = self.server.call("GET", f"{TRIALS}/{self.name}")
            found["status"]["observation"] = {"metrics": [], "left": self.left}
            self.server.call("PUT", f"{TRIALS}/{self.name}/status", found)
        return datetime(2026, 5, 1, 14, tzinfo=UTC)


async def test_what_others_write_meanwhile_is_kept(cluster: ApiServer) -> None:
    add(cluster, "busy", RUNNING)
    trials = KatibTrials(Cluster(cluster.kubeconfig("ours"), "team"), Meddler(cluster, "busy", 2))
    await trials.mark_stopped("busy")
    found = status(cluster, "busy")
    assert found["observation"] == {"metrics": [], "left": 0}
    assert [one["type"] for one in found["conditions"]] == ["Running", "EarlyStopped"]


async def test_a_trial_that_others_change_all_the_time(cluster: ApiServer) -> None:
    add(cluster, "restless", RUNNING)
    trials = KatibTrials(Cluster(cluster.kubeconfig("ours"), "team"), Meddler(cluster, "restless", 99))
    with pytest.raises(StartOver, match="trial restless was changed by others 5 times"):
        await trials.mark_stopped("restless")


def kubeconfig(folder: Path, server: str) -> Path:
    """A file that names a server."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "c", "user": {"token": "t"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
    }
    (folder / "kubeconfig").write_text(json.dumps(content))
    return folder / "kubeconfig"


async def test_a_cluster_that_does_not_answer(tmp_path: Path) -> None:
    trials = KatibTrials(Cluster(kubeconfig(tmp_path, "https://127.0.0.1:1"), "team"))
    with pytest.raises(TryAgain, match="Kubernetes does not answer"):
        await trials.mark_stopped("any")


async def test_outside_of_kubernetes(tmp_path: Path) -> None:
    with pytest.raises(NotOffered, match="this service runs in no pod, and was not told a cluster"):
        await KatibTrials(Cluster(service_account=tmp_path)).mark_stopped("any")


async def test_a_file_that_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").write_text("{}")
    with pytest.raises(NotOffered, match="no cluster can be reached"):
        await KatibTrials(Cluster(tmp_path / "kubeconfig")).mark_stopped("any")


def test_times_are_utc() -> None:
    """Katib's own service writes its local time, and calls it UTC."""
    now = datetime(2026, 5, 1, 14, tzinfo=UTC).astimezone(timezone(timedelta(hours=5)))
    change = stopped({"metadata": {"resourceVersion": "7"}}, now)
    assert change["status"]["conditions"][0]["lastUpdateTime"] == "2026-05-01T14:00:00Z"
    assert change["metadata"] == {"resourceVersion": "7"}
