"""Katib's Trials in Kubernetes, whose status says that they were stopped early.

Katib's metrics collector asks for it once it has ended the training; its controller then counts the trial as stopped.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tunesmith.services.errors import FixRequest, Forbidden, NotFound, NotOffered, StartOver, TryAgain

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""What Kubernetes puts into each pod."""
DEADLINE: Final = 20.0
"""Seconds for a request; Katib's collector gives the whole call 60."""
_GROUP, _VERSION, _PLURAL = "kubeflow.org", "v1beta1", "trials"
_ENDED: Final = frozenset(("Succeeded", "Failed", "Killed", "MetricsUnavailable", "EarlyStopped"))
_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_ATTEMPTS: Final = 5

Trial = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cluster:
    """Which cluster the Trials are in. `kubeconfig` None: the one whose pod this process runs in, if it does."""

    kubeconfig: Path | None = None
    namespace: str | None = None
    """None: the namespace of the pod, or else `default`."""
    service_account: Path = SERVICE_ACCOUNT

    def namespace_of_trials(self) -> str:
        """The namespace; Katib's Trials are in that of its services."""
        if self.namespace is not None or self.kubeconfig is not None:
            return self.namespace or "default"
        return (self.service_account / "namespace").read_text().strip()

    def is_reachable(self) -> bool:
        """Whether anything says where the cluster is."""
        return self.kubeconfig is not None or (self.service_account / "token").is_file()


class KatibTrials:
    """The Trials of one namespace. Connections are made for each call: a trial is stopped once."""

    def __init__(self, cluster: Cluster, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Trials in `cluster`; `now` gives the time, with its zone."""
        self._cluster, self._now = cluster, now

    async def mark_stopped(self, name: str) -> None:
        """Add the condition EarlyStopped, unless the trial has ended: whoever says it twice, or late, changes nothing.

        Raises FixRequest, NotFound, Forbidden, NotOffered where no cluster is known, StartOver when others change the
        trial all the time, and TryAgain when nobody answers.
        """
        if not _NAME.fullmatch(name):
            raise FixRequest(f"trial_name must be the name of a Trial in Kubernetes, but got {name[:100]!r}")
        if not self._cluster.is_reachable():
            raise NotOffered(
                f"trial {name} cannot be marked as stopped early: this service runs in no pod, and was not told a "
                "cluster (see --kubeconfig)"
            )
        async with _trials(self._cluster) as trials:
            for _ in range(_ATTEMPTS):
                trial = await trials.read(name)
                if has_ended(trial) or await trials.write(name, stopped(trial, self._now())):
                    return
        raise StartOver(f"trial {name} was changed by others {_ATTEMPTS} times while its status was written")


def has_ended(trial: Trial) -> bool:
    """Whether a Trial has come to its end, in any way."""
    return any(one.get("type") in _ENDED and one.get("status") == "True" for one in _conditions(trial))


def stopped(trial: Trial, now: datetime) -> dict[str, Any]:
    """What changes of a Trial that was stopped now; Kubernetes refuses it when the Trial has changed meanwhile."""
    time = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    condition = {
        "type": "EarlyStopped",
        "status": "True",
        "reason": "TrialEarlyStopped",
        "message": "Trial is early stopped",
        "lastUpdateTime": time,
        "lastTransitionTime": time,
    }
    others = [one for one in _conditions(trial) if one.get("type") != "EarlyStopped"]
    version = trial["metadata"]["resourceVersion"]
    return {"metadata": {"resourceVersion": version}, "status": {"conditions": [*others, condition]}}


def _conditions(trial: Trial) -> list[dict[str, Any]]:
    return list((trial.get("status") or {}).get("conditions") or ())


class _Trials:
    """Requests about the Trials of a namespace."""

    def __init__(self, api: Any, namespace: str) -> None:
        """`api`: a CustomObjectsApi."""
        self._api, self._namespace = api, namespace

    async def read(self, name: str) -> Trial:
        """One Trial."""
        with_trial = (_GROUP, _VERSION, self._namespace, _PLURAL, name)
        found: Trial = await self._answer(self._api.get_namespaced_custom_object, *with_trial)
        return found

    async def write(self, name: str, change: Mapping[str, Any]) -> bool:
        """Change its status; False when it is not what `change` was made from."""
        with_trial = (_GROUP, _VERSION, self._namespace, _PLURAL, name, change)
        patch = self._api.patch_namespaced_custom_object_status
        kind = "application/merge-patch+json"
        return await self._answer(patch, *with_trial, _content_type=kind) is not None

    async def _answer(self, method: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """What Kubernetes answers; None for a conflict."""
        import aiohttp
        from kubernetes.aio.client import ApiException

        try:
            return await method(*args, **options, _request_timeout=DEADLINE)
        except ApiException as error:
            if error.status == 409:
                return None
            raise self._meant(args[4], error) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise TryAgain(f"Kubernetes does not answer: {error or type(error).__name__}") from error

    def _meant(self, name: str, error: Any) -> Exception:
        """The error for a refusal."""
        told = _message(error)
        if error.status == 404:
            return NotFound(f"there is no Trial {name} of Katib in namespace {self._namespace}: {told}")
        if error.status in (401, 403):
            return Forbidden(
                f"Kubernetes lets this service not read or mark Trial {name} in namespace {self._namespace}, for which "
                f"it needs get on trials and patch on trials/status of {_GROUP}: {told}"
            )
        if error.status == 429 or error.status >= 500:
            return TryAgain(f"Kubernetes cannot answer now ({error.status}): {told}")
        return RuntimeError(f"Kubernetes refused what was written of Trial {name} ({error.status}): {told}")


def _message(error: Any) -> str:
    """The sentence in the Status that Kubernetes answers with, or else its title."""
    try:
        return str(json.loads(error.body)["message"])[:500]
    except (TypeError, ValueError, KeyError):
        return str(error.reason)


@asynccontextmanager
async def _trials(cluster: Cluster) -> AsyncIterator[_Trials]:
    try:
        await asyncio.to_thread(__import__, "kubernetes.aio.client")  # which takes half a second
    except ModuleNotFoundError as error:
        raise NotOffered(f"writing to Kubernetes needs {error.name}: pip install 'tunesmith[kubernetes]'") from None
    from kubernetes.aio import client

    async with client.ApiClient(await _configuration(cluster)) as api:
        yield _Trials(client.CustomObjectsApi(api), cluster.namespace_of_trials())


async def _configuration(cluster: Cluster) -> Any:
    """Read anew for each call, for the tokens of pods are replaced every hour. Raises NotOffered for a wrong file."""
    from kubernetes.aio import client, config
    from kubernetes.aio.config.incluster_config import InClusterConfigLoader

    made = client.Configuration()
    account = cluster.service_account
    try:
        if cluster.kubeconfig is None:
            InClusterConfigLoader(account / "token", account / "ca.crt").load_and_set(made)
        else:
            file = str(cluster.kubeconfig)
            await config.load_kube_config(file, client_configuration=made, persist_config=False)
    except config.ConfigException as error:
        raise NotOffered(f"no cluster can be reached: {error}") from error
    return made
