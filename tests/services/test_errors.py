import asyncio
import logging
import pickle
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
import pytest_asyncio
from google.rpc import error_details_pb2, status_pb2

from tunesmith.services import _status, errors
from tunesmith.services.channel import open_channel, open_sync_channel, rpc_errors
from tunesmith.services.errors import BaseRevision, FixRequest, ReportBug, TunesmithError, from_rpc_error, to_status
from tunesmith.services.server import serving
from tunesmith.study import Mistake

MISTAKES = (Mistake("spec.parameters[0].min", "min < max must hold, but got (min=3, max=1)", 7, 12), Mistake("", "ü"))
SAMPLES: list[TunesmithError] = [
    FixRequest("the document has 2 mistakes", MISTAKES),
    FixRequest("no mistakes listed"),
    errors.NotFound("there is no study 'a'"),
    errors.AlreadyExists("study 'a' exists"),
    errors.NotNow("the study is Succeeded"),
    BaseRevision(7, 2**64 - 1),
    BaseRevision(0, 0),
    errors.StartOver("somebody was faster"),
    errors.Authenticate("who are you?"),
    errors.Forbidden("not yours"),
    errors.TryAgain("busy"),
    errors.FreeSpace("the disk is full"),
    errors.NotOffered("no GPUs here: größer % \n kaufen"),
    ReportBug("that should not happen"),
]
IDS = [f"{type(error).__name__}-{number}" for number, error in enumerate(SAMPLES)]
METHODS = ["Unary", "Out", "Written", "In", "Both"]
P = "/tunesmith.test.Probe/"


@pytest_asyncio.fixture
async def channel(probe: Any, socket_address: str) -> AsyncIterator[grpc.aio.Channel]:
    async with (
        serving(probe.register, listen=[socket_address], token_check=None) as (address,),
        open_channel(address) as channel,
    ):
        yield channel


async def call(channel: Any, method: str) -> list[bytes]:
    """Call a method of the probe, whatever its kind; its replies."""
    if method == "Unary":
        return [await channel.unary_unary(P + method)(b"x")]
    if method == "In":
        return [await channel.stream_unary(P + method)(iter([b"x", b"y"]))]
    stub = channel.stream_stream(P + method) if method == "Both" else channel.unary_stream(P + method)
    return [reply async for reply in stub(iter([b"x"]) if method == "Both" else b"x")]


def unary(channel: Any, method: str = P + "Unary") -> Any:
    return channel.unary_unary(method)


def same(left: TunesmithError, right: TunesmithError) -> bool:
    return type(left) is type(right) and vars(left) == vars(right)


@pytest.mark.parametrize("method", METHODS)
async def test_without_an_error_the_replies_come(channel: grpc.aio.Channel, method: str) -> None:
    expected = {"Unary": [b"x"], "In": [b"xy"], "Both": [b"x"]}
    assert await call(channel, method) == expected.get(method, [b"first", b"x"])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("error", SAMPLES, ids=IDS)
async def test_every_error_comes_back_as_itself(
    channel: grpc.aio.Channel, probe: Any, method: str, error: TunesmithError
) -> None:
    probe.error = error
    with pytest.raises(TunesmithError) as caught, rpc_errors():
        await call(channel, method)
    assert same(caught.value, error)


async def test_errors_come_back_in_threads_too(probe: Any, socket_address: str) -> None:
    def blocking(address: str) -> None:
        with open_sync_channel(address) as channel, rpc_errors():
            unary(channel)(b"x")

    probe.error = FixRequest("wrong", MISTAKES)
    async with serving(probe.register, listen=[socket_address], token_check=None) as (address,):
        with pytest.raises(FixRequest) as caught:
            await asyncio.to_thread(blocking, address)
    assert caught.value.mistakes == MISTAKES


@pytest.mark.parametrize("method", METHODS)
async def test_an_unexpected_error_is_logged_and_tells_nothing(
    channel: grpc.aio.Channel, probe: Any, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    probe.error = ValueError("password=hunter2")
    with caplog.at_level(logging.ERROR), pytest.raises(ReportBug) as caught, rpc_errors():
        await call(channel, method)
    assert "hunter2" not in caught.value.message
    (record,) = [record for record in caplog.records if record.name == "tunesmith.services"]
    assert record.exc_info is not None
    assert P + method in record.getMessage()


async def test_an_error_of_the_caller_is_not_logged(
    channel: grpc.aio.Channel, probe: Any, caplog: pytest.LogCaptureFixture
) -> None:
    probe.error = FixRequest("wrong")
    with pytest.raises(FixRequest), rpc_errors():
        await call(channel, "Unary")
    assert caplog.records == []


async def test_abort_in_a_handler_is_left_alone(socket_address: str, caplog: pytest.LogCaptureFixture) -> None:
    async def abort(request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        await context.abort(grpc.StatusCode.DATA_LOSS, "gone", (("key", "value"),))

    async with register_unary(abort, socket_address) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await unary(channel, "/a.B/C")(b"")
    assert (caught.value.code(), caught.value.details()) == (grpc.StatusCode.DATA_LOSS, "gone")
    assert ("key", "value") in tuple(caught.value.trailing_metadata())
    assert caplog.records == []


async def test_a_cancelled_handler_is_cancelled(socket_address: str, caplog: pytest.LogCaptureFixture) -> None:
    entered, cancelled = asyncio.Event(), asyncio.Event()

    async def wait(request: bytes, context: object) -> bytes:
        entered.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return b""

    async with register_unary(wait, socket_address) as channel:
        running = unary(channel, "/a.B/C")(b"")
        await entered.wait()
        running.cancel()
        await asyncio.wait_for(cancelled.wait(), 5)
    assert caplog.records == []


def register_unary(handler: Any, address: str) -> Any:
    from contextlib import asynccontextmanager

    def register(server: grpc.aio.Server) -> list[str]:
        handlers: dict[str, Any] = {"C": grpc.unary_unary_rpc_method_handler(handler)}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("a.B", handlers),))
        return ["a.B"]

    @asynccontextmanager
    async def run() -> AsyncIterator[grpc.aio.Channel]:
        async with (
            serving(register, listen=[address], token_check=None) as (real,),
            open_channel(real) as channel,
        ):
            yield channel

    return run()


async def test_a_handler_that_is_no_coroutine_is_a_bug_with_a_log_line(
    socket_address: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with register_unary(lambda request, context: b"", socket_address) as channel:
        with pytest.raises(ReportBug), rpc_errors():
            await unary(channel, "/a.B/C")(b"")
    assert len(caplog.records) == 1


async def test_our_clients_get_every_mistake(channel: grpc.aio.Channel, probe: Any) -> None:
    many = tuple(
        Mistake(f"spec.parameters[{i}].min", "min < max must hold, but got (min=3, max=1)") for i in range(900)
    )
    probe.error = FixRequest("the document has 900 mistakes", many)
    with pytest.raises(FixRequest) as caught, rpc_errors():
        await call(channel, "Unary")
    assert caught.value.mistakes == many


async def test_foreign_clients_get_what_their_limits_allow(probe: Any, socket_address: str) -> None:
    many = tuple(
        Mistake(f"spec.parameters[{i}].min", "min < max must hold, but got (min=3, max=1)") for i in range(900)
    )
    probe.error = FixRequest("ö" * 30_000, many)
    async with (
        serving(probe.register, listen=[socket_address], token_check=None) as (address,),
        grpc.aio.insecure_channel(address) as channel,
    ):
        for _ in range(5):  # between the soft and the hard limit gRPC refuses at random
            with pytest.raises(FixRequest) as caught, rpc_errors():
                await call(channel, "Unary")
    *shown, rest = caught.value.mistakes
    assert shown == list(many[: len(shown)])
    assert rest.message == f"and {900 - len(shown)} more mistakes"
    assert caught.value.message.endswith("ö…")


async def test_a_message_above_64_mib_is_refused_with_a_sentence(channel: grpc.aio.Channel) -> None:
    echo = unary(channel)
    assert len(await echo(bytes(63 * 1024 * 1024))) == 63 * 1024 * 1024
    with pytest.raises(FixRequest, match="larger than max"), rpc_errors():
        await echo(bytes(65 * 1024 * 1024))


async def test_a_server_that_ends_a_call_while_it_is_asked(channel: grpc.aio.Channel) -> None:
    """What it said may be lost (https://github.com/grpc/grpc/issues/36066), which is no bug of the server's."""

    async def long() -> AsyncIterator[bytes]:
        for _ in range(32):
            yield bytes(64 * 1024)

    async def refused() -> TunesmithError:
        method: Any = channel.stream_unary("/a.B/C")
        with pytest.raises(TunesmithError) as caught, rpc_errors():
            await method(long())
        return caught.value

    found = await asyncio.gather(*(refused() for _ in range(60)))
    assert {type(error) for error in found} <= {errors.NotOffered, errors.TryAgain}
    again = [type(await refused()) for _ in range(20)]
    assert errors.NotOffered in again, "who tries again hears it"
    lost = Foreign(grpc.StatusCode.INTERNAL, "Internal error from Core")
    assert str(from_rpc_error(lost)) == "the server ended the call while it was asked, and what it said of it was lost"


async def test_nobody_there_is_told_from_a_busy_server(socket_address: str) -> None:
    async with open_channel(socket_address) as channel:
        with pytest.raises(errors.CheckAddress, match="cannot be reached"), rpc_errors():
            await unary(channel, "/a.B/C")(b"")


async def test_a_unary_call_ends_at_its_deadline(probe: Any, socket_address: str) -> None:
    probe.release.clear()
    async with (
        serving(probe.register, listen=[socket_address], token_check=None, drain=0) as (address,),
        open_channel(address, deadline=0.1) as channel,
    ):
        with pytest.raises(errors.TryAgain, match="in time"), rpc_errors():
            await call(channel, "Unary")


async def test_an_unknown_method_is_not_offered(channel: grpc.aio.Channel) -> None:
    with pytest.raises(errors.NotOffered), rpc_errors():
        await unary(channel, "/a.B/C")(b"")


class Foreign(grpc.RpcError):
    """A failed call of a server, or through a proxy, that is not ours."""

    def __init__(self, code: grpc.StatusCode, details: str | None, trailing: Any = ()) -> None:
        self._all = code, details, trailing

    def code(self) -> grpc.StatusCode:
        return self._all[0]

    def details(self) -> str | None:
        return self._all[1]

    def trailing_metadata(self) -> Any:
        return self._all[2]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (grpc.StatusCode.OUT_OF_RANGE, FixRequest),
        (grpc.StatusCode.FAILED_PRECONDITION, errors.NotNow),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, errors.TryAgain),
        (grpc.StatusCode.CANCELLED, errors.TryAgain),
        (grpc.StatusCode.UNKNOWN, ReportBug),
        (grpc.StatusCode.DATA_LOSS, ReportBug),
    ],
)
def test_a_foreign_status_means_what_its_code_says(code: grpc.StatusCode, kind: type[TunesmithError]) -> None:
    error = from_rpc_error(Foreign(code, "text"))
    assert type(error) is kind
    assert error.message == "text"


def test_a_foreign_status_may_be_odd() -> None:
    assert type(from_rpc_error(grpc.RpcError())) is ReportBug
    assert "INTERNAL" in from_rpc_error(Foreign(grpc.StatusCode.INTERNAL, None, None)).message
    broken = Foreign(grpc.StatusCode.NOT_FOUND, "x", ((_status.DETAILS_KEY, b"\xff\xff\xff"),))
    assert type(from_rpc_error(broken)) is errors.NotFound


def test_details_that_cannot_be_read_are_left_out() -> None:
    status = status_pb2.Status(code=3, message="other text than the call's")
    status.details.add(type_url="type.googleapis.com/google.rpc.BadRequest", value=b"\xff\xff\xff")
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason="BASE_REVISION", metadata={"revision": "many"}))
    trailing = ((_status.DETAILS_KEY, status.SerializeToString()),)
    assert type(from_rpc_error(Foreign(grpc.StatusCode.INVALID_ARGUMENT, "x", trailing))) is errors.NotNow
    del status.details[1]
    trailing = ((_status.DETAILS_KEY, status.SerializeToString()),)
    error = from_rpc_error(Foreign(grpc.StatusCode.INVALID_ARGUMENT, "x", trailing))
    assert same(error, FixRequest("x"))


def test_base_revision_is_what_the_contract_says() -> None:
    code, _, (info,) = to_status(BaseRevision(3, 2**64 - 1))
    assert code is grpc.StatusCode.FAILED_PRECONDITION
    assert isinstance(info, error_details_pb2.ErrorInfo)
    assert info.reason == "BASE_REVISION"
    assert dict(info.metadata) == {"revision": "3", "digest": "18446744073709551615"}


@pytest.mark.parametrize("error", SAMPLES, ids=IDS)
def test_errors_can_be_pickled(error: TunesmithError) -> None:
    assert same(pickle.loads(pickle.dumps(error)), error)
    assert str(error) == error.message


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("errors", ["grpc", "google.protobuf", "sqlalchemy", "psutil"]),
        ("local", ["grpc", "google.protobuf", "sqlalchemy", "psutil", "asyncio", "tempfile"]),
        ("channel", ["grpc_reflection.v1alpha", "grpc_health.v1", "sqlalchemy", "google.rpc", "psutil"]),
        ("server", ["grpc_reflection.v1alpha", "google.protobuf.descriptor_pb2", "sqlalchemy", "psutil"]),
        ("supervise", ["grpc", "psutil"]),
    ],
)
def test_imports_stay_few(module: str, absent: list[str]) -> None:
    code = f"import sys, tunesmith.services.{module}; print([name for name in {absent} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
