"""Certificates that are their own authorities, made by openssl."""

import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.needs import program

from tunesmith.services.channel import ClientTls
from tunesmith.services.server import TlsFiles


@dataclass(frozen=True)
class Certificate:
    """One in a folder of its own."""

    folder: Path

    @cached_property
    def cert(self) -> Path:
        return self.folder / "cert.pem"

    @cached_property
    def key(self) -> Path:
        return self.folder / "key.pem"

    def server(self, client_ca: Path | None = None) -> TlsFiles:
        return TlsFiles(self.cert, self.key, client_ca)

    def client(self, ca: Path) -> ClientTls:
        return ClientTls(ca, self.cert, self.key)


def certificate(folder: Path, names: str = "IP:127.0.0.1") -> Certificate:
    """A new one for these names, of two days. Skips where openssl is missing."""
    folder.mkdir()
    _openssl(
        folder,
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=tester"
        f" -addext subjectAltName={names} -keyout key.pem -out cert.pem",
    )
    return Certificate(folder)


def expired(folder: Path) -> Certificate:
    """One that ended yesterday."""
    made = certificate(folder)
    _openssl(folder, "x509 -in cert.pem -signkey key.pem -days -1 -out expired.pem")
    (folder / "expired.pem").replace(made.cert)
    return made


def _openssl(folder: Path, words: str) -> None:
    subprocess.run([program("openssl"), *words.split()], cwd=folder, check=True, capture_output=True)
