"""Both ends of TLS over real sockets: what fails is told in a sentence that says what to do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.certificates import Certificate, certificate, expired

from tunesmith.services import errors
from tunesmith.services.channel import ClientTls, call_error, open_channel, open_sync_channel, tls_for
from tunesmith.services.server import TlsFiles, serving

METHOD = "/tunesmith.test.Probe/Unary"


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("tls") / "ours")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("tls") / "other")


@asynccontextmanager
async def server(probe: Any, tls: TlsFiles | None) -> AsyncIterator[str]:
    async with serving(probe.register, listen=["127.0.0.1:0"], token_check=None, tls=tls) as (address,):
        yield address


def _unary(channel: Any) -> Any:
    return channel.unary_unary(METHOD)


async def failure(address: str, tls: ClientTls | None = None) -> errors.TunesmithError:
    """What a call is told, from asyncio; and from threads, which must be the same."""

    def sync() -> errors.TunesmithError:
        with open_sync_channel(address, tls=tls) as channel, pytest.raises(grpc.RpcError) as caught:
            _unary(channel)(b"x", timeout=10)
        return call_error(caught.value, address, tls)

    async with open_channel(address, tls=tls) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await _unary(channel)(b"x", timeout=10)
    error = await asyncio.to_thread(call_error, caught.value, address, tls)
    assert str(await asyncio.to_thread(sync)) == str(error)
    return error


async def test_an_authority_that_is_not_known(probe: Any, ours: Certificate, other: Certificate) -> None:
    async with server(probe, ours.server()) as address:
        port = address.removeprefix("https://")
        advice = "set TUNESMITH_CA or --ca to the PEM file of the authority that signed it"
        error = await failure(address)
        assert isinstance(error, errors.CheckTls)
        assert str(error) == f"the certificate of {port} is not trusted (self-signed certificate): {advice}"
        error = await failure(address, ClientTls(other.cert))
        assert str(error).startswith(f"the certificate of {port} is not trusted by {other.cert} (self-signed")


async def test_a_certificate_for_another_name(probe: Any, tmp_path: Path) -> None:
    made = certificate(tmp_path / "example", "DNS:example.org")
    async with server(probe, made.server()) as address:
        said = str(await failure(address, ClientTls(made.cert)))
        assert "is for another name (IP address mismatch" in said
        localhost = address.replace("127.0.0.1", "localhost")
        assert "is for another name (Hostname mismatch" in str(await failure(localhost, ClientTls(made.cert)))


async def test_a_certificate_that_has_ended(probe: Any, tmp_path: Path) -> None:
    made = expired(tmp_path / "old")
    async with server(probe, made.server()) as address:
        assert "(certificate has expired)" in str(await failure(address, ClientTls(made.cert)))


async def test_only_one_end_speaks_tls(probe: Any, ours: Certificate) -> None:
    async with server(probe, ours.server()) as address:
        port = address.removeprefix("https://")
        assert str(await failure(port)) == f"{port} speaks TLS: write https://{port}"
    async with server(probe, None) as port:
        said = str(await failure(f"https://{port}", ClientTls(ours.cert)))
        assert said == f"{port} does not speak TLS: write the address without https://"


async def test_a_client_certificate_is_wanted(probe: Any, ours: Certificate, other: Certificate) -> None:
    async with server(probe, ours.server(client_ca=ours.cert)) as address:
        async with open_channel(address, tls=ours.client(ours.cert)) as channel:
            assert await _unary(channel)(b"x") == b"x"
        said = str(await failure(address, ClientTls(ours.cert)))
        assert said.endswith("it wants a client certificate; set TUNESMITH_CERT and TUNESMITH_KEY, or --cert and --key")
        said = str(await failure(address, other.client(ours.cert)))
        assert said.endswith(f"it does not accept the client certificate {other.cert}")


async def test_nobody_there_is_no_matter_of_tls(ours: Certificate, probe: Any) -> None:
    async with server(probe, None) as port:
        pass
    for address in (port, f"https://{port}"):
        error = await failure(address)
        assert type(error) is errors.CheckAddress
        assert "Connection refused" in str(error)


def test_files_that_are_none(tmp_path: Path, ours: Certificate, other: Certificate) -> None:
    (tmp_path / "bad").write_text("no PEM")
    for tls, said in (
        (ClientTls(tmp_path / "bad"), "bad must be a PEM file with certificates"),
        (ClientTls(tmp_path / "nowhere"), "No such file"),
        (ClientTls(None, ours.cert, other.key), "of a certificate and its own key"),
        (ClientTls(None, tmp_path / "bad", ours.key), "of a certificate and its own key"),
    ):
        with pytest.raises(errors.FixRequest, match=said):
            open_sync_channel("https://127.0.0.1:1", tls=tls)
    with pytest.raises(errors.FixRequest, match="belong together"):
        ClientTls(cert=ours.cert)


def test_the_environment_is_for_tls_addresses_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CA", "CERT", "KEY"):
        monkeypatch.setenv(f"TUNESMITH_{name}", f"{name}.pem")
    assert tls_for("https://host:1") == ClientTls(Path("CA.pem"), Path("CERT.pem"), Path("KEY.pem"))
    assert tls_for("host:1") is tls_for("unix:/x") is None
    monkeypatch.delenv("TUNESMITH_KEY")
    with pytest.raises(errors.FixRequest, match="belong together"):
        tls_for("https://host:1")
