"""A real kube-apiserver with its etcd, on loopback, for tests: no nodes, no controllers, and RBAC in force."""

import json
import os
import secrets
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.kept import Kept
from tests.needs import program

MASTER = secrets.token_hex(16)
"""Token that may do all."""


@dataclass
class ApiServer:
    """How to reach it."""

    folder: Path
    url: str
    tokens: Mapping[str, str] = field(default_factory=dict)
    """By user, of those who may nothing unless RBAC lets them."""

    @property
    def certificate(self) -> Path:
        """What its TLS certificate is checked with."""
        return self.folder / "certs" / "apiserver.crt"

    def call(self, method: str, path: str, body: object = None, token: str = MASTER) -> Any:
        """A request, by somebody who may do all unless `token` says otherwise."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        context = ssl.create_default_context(cafile=str(self.certificate))
        with urllib.request.urlopen(request, timeout=30, context=context) as answer:
            return json.loads(answer.read())

    def is_ready(self) -> bool:
        """Whether it answers, with what it makes for itself at its start."""
        try:
            return bool(self.call("GET", "/api/v1/namespaces/default")["metadata"]["name"])
        except (OSError, urllib.error.URLError):
            return False

    def kubeconfig(self, user: str) -> Path:
        """A file that makes its holder this user."""
        cluster = {"server": self.url, "certificate-authority": str(self.certificate)}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "test", "user": {"token": self.tokens[user]}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        }
        path = self.folder / f"{user}.kubeconfig"
        path.write_text(json.dumps(content))
        return path


@contextmanager
def api_server(*users: str) -> Iterator[ApiServer]:
    """A server that knows these users. Skips the test where etcd or kube-apiserver is missing."""
    etcd, apiserver = program("etcd"), program("kube-apiserver")
    folder = Path(tempfile.mkdtemp(prefix="kube-of-tests-"))
    ports = _free_ports(3)
    server = ApiServer(folder, f"https://127.0.0.1:{ports[2]}", {user: secrets.token_hex(16) for user in users})
    try:
        stores = [etcd, *_etcd_flags(folder, *ports[:2])]
        serves = [apiserver, *_apiserver_flags(server, ports[0], ports[2])]
        with _kept(stores, folder / "etcd.log"), _kept(serves, folder / "apiserver.log") as process:
            _wait(server, process)
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _kept(command: list[str], log: Path) -> Iterator[Kept]:
    kept = Kept(command, log)
    try:
        yield kept
    finally:
        kept.close()


def _wait(server: ApiServer, process: Kept) -> None:
    deadline = time.monotonic() + 90
    while not server.certificate.exists() or not server.is_ready():
        if process.ended or time.monotonic() > deadline:
            raise RuntimeError(process.log())
        time.sleep(0.1)


def _etcd_flags(folder: Path, port: int, peer_port: int) -> list[str]:
    client, peer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer_port}"
    return [
        f"--data-dir={folder}/etcd",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
    ]


def _apiserver_flags(server: ApiServer, etcd_port: int, port: int) -> list[str]:
    folder = server.folder
    key, tokens = folder / "accounts.key", folder / "tokens.csv"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    users = [f"{token},{user},{user}" for user, token in server.tokens.items()]
    tokens.write_text("\n".join([f'{MASTER},admin,admin,"system:masters"', *users]))
    os.chmod(tokens, 0o600)
    return [
        f"--etcd-servers=http://127.0.0.1:{etcd_port}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        "--endpoint-reconciler-type=none",
        f"--secure-port={port}",
        f"--cert-dir={folder}/certs",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        f"--token-auth-file={tokens}",
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.96.0.0/16",
    ]


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
