import asyncio
import logging
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from tunesmith.services import errors
from tunesmith.services.channel import ClientTls, open_channel, open_sync_channel, rpc_errors
from tunesmith.services.server import Caller, TlsFiles, hash_token, known_tokens, new_token, serve, serving
from tunesmith.v1 import suggestion_pb2, suggestion_pb2_grpc

NAME = "tunesmith.test.Probe"
P = f"/{NAME}/"
TOKEN = "s3cret"
CHECK = known_tokens({"other": hash_token("x"), "ada": hash_token(TOKEN)})
STATUS = health_pb2.HealthCheckResponse


def stub(channel: Any) -> Any:
    """The probe, and reflection as raw bytes."""
    return SimpleNamespace(
        unary=channel.unary_unary(P + "Unary"),
        take=channel.stream_unary(P + "In"),
        out=channel.unary_stream(P + "Out"),
        both=channel.stream_stream(P + "Both"),
        reflect=channel.stream_stream("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"),
        reflect_alpha=channel.stream_stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"),
    )


async def health(channel: grpc.aio.Channel, service: str = "") -> Any:
    return (await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service))).status


# Tokens


async def test_a_unix_caller_is_the_local_user(probe: Any, socket_address: str) -> None:
    async with serving(probe.register, listen=[socket_address], token_check=CHECK) as (address,):
        assert address == socket_address
        async with open_channel(address) as channel:
            assert await stub(channel).unary(b"x") == b"x"
    assert probe.caller.kind == "local"
    assert probe.caller.name
    assert probe.user_agent.startswith("tunesmith/")


async def test_without_a_token_only_health_answers(probe: Any) -> None:
    async with (
        serving(probe.register, listen=["127.0.0.1:0"], token_check=CHECK) as (address,),
        open_channel(address) as channel,
    ):
        assert await health(channel, NAME) == STATUS.SERVING
        calls = [
            stub(channel).unary(b"x"),
            stub(channel).take(iter([b"x"])),
            stub(channel).out(b"x").read(),
            stub(channel).both(iter([b"x"])).read(),
            stub(channel).reflect(iter([b""])).read(),
            stub(channel).reflect_alpha(iter([b""])).read(),
        ]
        for call in calls:
            with pytest.raises(errors.Authenticate, match="authorization: Bearer TOKEN"), rpc_errors():
                await call
    assert probe.caller is None


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer s3cret2", "Bearer ", "Basic s3cret", "s3cret", "bearer"])
async def test_a_wrong_token_is_refused(probe: Any, header: str) -> None:
    async with (
        serving(probe.register, listen=["127.0.0.1:0"], token_check=CHECK) as (address,),
        open_channel(address) as channel,
    ):
        with pytest.raises(errors.Authenticate), rpc_errors():
            await stub(channel).unary(b"x", metadata=(("authorization", header),))


async def test_the_right_token_opens_every_kind_of_method(probe: Any) -> None:
    async with (
        serving(probe.register, listen=["127.0.0.1:0"], token_check=CHECK) as (address,),
        open_channel(address, token=TOKEN) as channel,
    ):
        assert await stub(channel).unary(b"x", metadata=(("key", "value"),)) == b"x"
        assert await stub(channel).take(iter([b"x", b"y"])) == b"xy"
        assert [part async for part in stub(channel).out(b"x")] == [b"first", b"x"]
        assert [part async for part in stub(channel).both(iter([b"x"]))] == [b"x"]
    assert probe.caller == Caller("token", "ada")


async def test_the_right_token_opens_every_kind_of_method_to_threads(probe: Any) -> None:
    def blocking(address: str) -> list[Any]:
        with open_sync_channel(address, token=TOKEN) as channel:
            return [
                stub(channel).unary(b"x"),
                stub(channel).take(iter([b"x", b"y"])),
                list(stub(channel).out(b"x")),
                list(stub(channel).both(iter([b"x"]))),
            ]

    async with serving(probe.register, listen=["127.0.0.1:0"], token_check=CHECK) as (address,):
        assert await asyncio.to_thread(blocking, address) == [b"x", b"xy", [b"first", b"x"], [b"x"]]


async def test_an_open_server_knows_nobody(probe: Any) -> None:
    async with (
        serving(probe.register, listen=["localhost:0"], token_check=None) as (address,),
        open_channel(address) as channel,
    ):
        await stub(channel).unary(b"x")
    assert probe.caller == Caller("open", "")


async def test_one_server_asks_for_tokens_on_tcp_only(probe: Any, socket_address: str) -> None:
    async with serving(probe.register, listen=[socket_address, "127.0.0.1:0"], token_check=CHECK) as (unix, tcp):
        async with open_channel(unix) as channel:
            await stub(channel).unary(b"x")
        async with open_channel(tcp) as channel:
            with pytest.raises(errors.Authenticate), rpc_errors():
                await stub(channel).unary(b"x")


def test_tokens_are_long_and_differ() -> None:
    assert len({new_token() for _ in range(10)}) == 10
    assert len(new_token()) >= 43


@pytest.mark.skipif(os.getuid() != 0, reason="only root can start a process of another user")
async def test_another_user_cannot_reach_the_socket(probe: Any, socket_address: str) -> None:
    path = socket_address.removeprefix("unix:")
    code = f"import socket; socket.socket(socket.AF_UNIX).connect({path!r})"
    async with serving(probe.register, listen=[socket_address], token_check=None):
        # The system's Python, for ours may lie in a folder that others cannot read.
        command = [shutil.which("python3", path="/usr/bin:/bin") or sys.executable, "-I", "-c", code]
        mine = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
        other = await asyncio.to_thread(
            subprocess.run,
            command,
            capture_output=True,
            text=True,
            user="nobody",
            group=65534,
            extra_groups=[],
            cwd="/",
        )
    assert mine.returncode == 0, mine.stderr
    assert "PermissionError" in other.stderr


# Health, reflection


async def test_health_is_told_while_it_changes(probe: Any, socket_address: str) -> None:
    async with open_channel(socket_address) as channel:
        async with serving(probe.register, listen=[socket_address], token_check=None):
            assert [await health(channel, name) for name in ("", NAME)] == [STATUS.SERVING] * 2
            with pytest.raises(errors.NotFound), rpc_errors():
                await health(channel, "unknown")
            watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=NAME))
            assert (await watch.read()).status == STATUS.SERVING
            following = asyncio.ensure_future(watch.read())  # while the stream lasts
        assert (await following).status == STATUS.NOT_SERVING


async def test_a_watcher_of_health_does_not_hold_up_the_end(probe: Any, socket_address: str) -> None:
    async with open_channel(socket_address) as channel:
        async with serving(probe.register, listen=[socket_address], token_check=None, drain=30):
            watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
            reflection = stub(channel).reflect()
            await reflection.write(b":\x00")
            await asyncio.gather(watch.read(), reflection.read())
            begun = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - begun < 5


class Unimplemented(suggestion_pb2_grpc.SuggestionServiceServicer):
    """Enough to be registered."""

    Describe = Validate = Suggest = None  # type: ignore[assignment]


async def test_reflection_lists_services_and_describes_them() -> None:
    def register(server: grpc.aio.Server) -> list[str]:
        suggestion_pb2_grpc.add_SuggestionServiceServicer_to_server(Unimplemented(), server)
        return ["tunesmith.v1.SuggestionService"]

    def ask(address: str) -> tuple[list[str], list[str]]:
        with open_sync_channel(address) as channel:
            database = ProtoReflectionDescriptorDatabase(channel)
            file = database.FindFileContainingSymbol("tunesmith.v1.SuggestionService")
            assert database.FindFileContainingSymbol("tunesmith.v1.SuggestionService.Suggest") == file
            methods = [method.name for service in file.service for method in service.method]
            return list(database.get_services()), methods

    async with serving(register, listen=["127.0.0.1:0"], token_check=None) as (address,):
        services, methods = await asyncio.to_thread(ask, address)
    assert services == [
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
        "tunesmith.v1.SuggestionService",
    ]
    assert methods == [
        method.name for method in suggestion_pb2.DESCRIPTOR.services_by_name["SuggestionService"].methods
    ]


async def test_reflection_answers_under_its_new_name_too(probe: Any, socket_address: str) -> None:
    from grpc_reflection.v1alpha import reflection_pb2

    async with (
        serving(probe.register, listen=[socket_address], token_check=None) as (address,),
        open_channel(address) as channel,
    ):
        request = reflection_pb2.ServerReflectionRequest(list_services="").SerializeToString()
        reply = reflection_pb2.ServerReflectionResponse.FromString(await stub(channel).reflect(iter([request])).read())
    assert NAME in [service.name for service in reply.list_services_response.service]


# Drain


async def test_draining_finishes_a_call_and_takes_no_other(probe: Any, socket_address: str) -> None:
    stop, ready = asyncio.Event(), asyncio.Event()
    running = serve(
        probe.register, listen=[socket_address], token_check=None, stop=stop, ready=lambda _: ready.set(), drain=20
    )
    server = asyncio.create_task(running)
    await ready.wait()
    probe.release.clear()
    async with open_channel(socket_address) as channel, open_channel(socket_address) as later:
        call = stub(channel).unary(b"slow")
        await probe.entered.wait()
        stop.set()
        await asyncio.sleep(0.1)
        with pytest.raises(errors.TryAgain), rpc_errors():
            await stub(later).unary(b"new", timeout=5)
        probe.release.set()
        assert await call == b"slow"
    await asyncio.wait_for(server, 5)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_drains_and_a_second_one_hurries(probe: Any, socket_address: str, number: int) -> None:
    before = signal.getsignal(number)
    ready, stop = asyncio.Event(), asyncio.Event()
    server = asyncio.create_task(
        serve(
            probe.register, listen=[socket_address], token_check=None, drain=60, stop=stop, ready=lambda _: ready.set()
        )
    )
    await ready.wait()
    probe.release.clear()
    async with open_channel(socket_address) as channel:
        call = stub(channel).unary(b"slow")
        await probe.entered.wait()
        os.kill(os.getpid(), number)
        await asyncio.wait_for(stop.wait(), 5)
        await asyncio.sleep(0.05)
        assert not server.done()
        os.kill(os.getpid(), number)
        await asyncio.wait_for(server, 5)
        with pytest.raises(errors.TryAgain), rpc_errors():
            await call
    assert signal.getsignal(number) in (before, signal.default_int_handler)


async def test_what_does_not_finish_is_cut_off(probe: Any, socket_address: str) -> None:
    probe.release.clear()
    async with open_channel(socket_address) as channel:
        async with serving(probe.register, listen=[socket_address], token_check=None, drain=0.2):
            call = stub(channel).unary(b"slow")
            await probe.entered.wait()
        with pytest.raises(errors.TryAgain), rpc_errors():
            await call


# Where it listens


async def start_and_end(probe: Any, address: str, **how: Any) -> list[str]:
    async with serving(probe.register, listen=[address], **{"token_check": None, **how}) as addresses:
        return addresses


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "example.invalid:0", "192.0.2.1:0"])
@pytest.mark.parametrize("check", [None, CHECK], ids=["open", "tokens"])
async def test_wide_binding_is_refused(probe: Any, address: str, check: Any) -> None:
    with pytest.raises(errors.FixRequest, match="needs TLS"):
        await start_and_end(probe, address, token_check=check)


async def test_wide_binding_by_name_still_wants_tokens(probe: Any) -> None:
    with pytest.raises(errors.FixRequest, match="tokens"):
        await start_and_end(probe, "0.0.0.0:0", insecure_bind=True)
    assert await start_and_end(probe, "0.0.0.0:0", insecure_bind=True, token_check=CHECK)
    assert await start_and_end(probe, "0.0.0.0:0", insecure_bind=True, harmless=True)


async def test_port_0_becomes_a_real_one(probe: Any) -> None:
    (address,) = await start_and_end(probe, "127.0.0.1:0")
    assert int(address.removeprefix("127.0.0.1:")) > 0


@pytest.mark.parametrize(
    "address", ["", "localhost", "unix:", "127.0.0.1:70000", "unix-abstract:x", ":80", "a b:1", "ftp://a:1", "[::1:5"]
)
async def test_what_is_no_address_is_refused(probe: Any, address: str) -> None:
    with pytest.raises(errors.FixRequest, match="an address must be"):
        await start_and_end(probe, address)
    with pytest.raises(errors.FixRequest, match="an address must be"):
        open_channel(address)


async def test_a_taken_port_is_named(probe: Any) -> None:
    async with serving(probe.register, listen=["127.0.0.1:0"], token_check=None) as (address,):
        with pytest.raises(errors.NotNow, match=address):
            await start_and_end(probe, address)


async def test_an_address_of_another_machine_is_refused(probe: Any) -> None:
    with pytest.raises(errors.FixRequest, match=r"cannot listen at 192\.0\.2\.1:50051"):
        await start_and_end(probe, "192.0.2.1:50051", insecure_bind=True, token_check=CHECK)


async def test_a_stale_socket_is_replaced_and_a_live_one_is_not(probe: Any, socket_address: str) -> None:
    path = socket_address.removeprefix("unix:")
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(path)
    async with (
        serving(probe.register, listen=[socket_address], token_check=None),
        open_channel(socket_address) as channel,
    ):
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        with pytest.raises(errors.NotNow, match="another process"):
            await start_and_end(probe, socket_address)
        assert await stub(channel).unary(b"x") == b"x"
    with pytest.raises(FileNotFoundError):
        os.lstat(path)


async def test_a_file_is_not_taken_for_a_socket(probe: Any, socket_address: str) -> None:
    path = socket_address.removeprefix("unix:")
    os.close(os.open(path, os.O_CREAT))
    with pytest.raises(errors.FixRequest, match="something else"):
        await start_and_end(probe, socket_address)
    assert stat.S_ISREG(os.stat(path).st_mode)


async def test_a_long_socket_path_is_named(probe: Any, tmp_path: Path) -> None:
    address = f"unix:{tmp_path}/{'x' * 100}"
    with pytest.raises(errors.FixRequest, match="at most 100 bytes"):
        await start_and_end(probe, address)
    with pytest.raises(errors.FixRequest, match="at most 100 bytes"):
        open_channel(address)


async def test_the_folder_of_a_socket_is_made_private_and_never_an_open_one(probe: Any, socket_address: str) -> None:
    folder = Path(socket_address.removeprefix("unix:")).parent
    assert await start_and_end(probe, f"unix:{folder}/new/s")
    assert stat.S_IMODE((folder / "new").stat().st_mode) == 0o700
    (folder / "new").chmod(0o755)
    with pytest.raises(errors.Forbidden, match="mode 755"):
        await start_and_end(probe, f"unix:{folder}/new/s")
    with pytest.raises(errors.FixRequest, match="must exist"):
        await start_and_end(probe, f"unix:{folder}/a/b/s")


# TLS


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1 that is its own authority; also used for a client."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=tester"
        " -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem"
    )
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    return folder


async def test_tls_with_tokens(probe: Any, certificates: Path) -> None:
    files = TlsFiles(certificates / "cert.pem", certificates / "key.pem")
    async with serving(probe.register, listen=["127.0.0.1:0"], token_check=CHECK, tls=files) as (address,):
        assert address.startswith("https://127.0.0.1:")
        async with open_channel(address, token=TOKEN, tls=ClientTls(ca=certificates / "cert.pem")) as channel:
            assert await stub(channel).unary(b"x") == b"x"
        async with open_channel(address, token=TOKEN) as channel:
            with pytest.raises(errors.CheckAddress), rpc_errors():
                await stub(channel).unary(b"x")
        async with open_channel(address.removeprefix("https://"), token=TOKEN) as channel:
            with pytest.raises(errors.CheckAddress), rpc_errors():
                await stub(channel).unary(b"x")


async def test_mutual_tls_names_the_caller(probe: Any, certificates: Path) -> None:
    cert, key = certificates / "cert.pem", certificates / "key.pem"
    files = TlsFiles(cert, key, client_ca=cert)
    async with serving(probe.register, listen=["127.0.0.1:0"], token_check=None, tls=files) as (address,):
        async with open_channel(address, tls=ClientTls(cert, cert, key)) as channel:
            await stub(channel).unary(b"x")
        assert probe.caller == Caller("open", "tester")
        async with open_channel(address, tls=ClientTls(cert)) as channel:
            with pytest.raises(errors.CheckAddress), rpc_errors():
                await stub(channel).unary(b"x")
    assert await start_and_end(probe, "0.0.0.0:0", tls=files)


async def test_bad_certificates_are_named(probe: Any, certificates: Path, tmp_path: Path) -> None:
    (tmp_path / "bad").write_text("no PEM")
    with pytest.raises(errors.FixRequest, match="certificate and key"):
        await start_and_end(probe, "127.0.0.1:0", tls=TlsFiles(tmp_path / "bad", tmp_path / "bad"))
    with pytest.raises(errors.FixRequest, match="nowhere"):
        await start_and_end(probe, "127.0.0.1:0", tls=TlsFiles(tmp_path / "nowhere", tmp_path / "bad"))


async def test_an_error_in_register_leaves_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def register(server: grpc.aio.Server) -> list[str]:
        raise RuntimeError("broken")

    with caplog.at_level(logging.ERROR), pytest.raises(RuntimeError, match="broken"):
        async with serving(register, listen=["127.0.0.1:0"], token_check=None):
            pass
