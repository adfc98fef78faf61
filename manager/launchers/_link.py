"""The manager's end of the runner's socket: connect, start the runner when there is none, ask and be told."""

import asyncio
import contextlib
import itertools
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tunesmith.manager.launchers._runner._files import SOCKET
from tunesmith.services.errors import FreeSpace, TryAgain

RUNNER = Path(__file__).parent / "_runner"
_PATIENCE = 10.0  # seconds that a runner may take to start and to answer; it takes 0.1
_PARTING = 1.0  # seconds in which the last words must be taken
_Message = dict[str, Any]


class DisconnectedError(Exception):
    """The runner went away before it answered; whether it did as told, the attempt's folder says."""


class Link(asyncio.Protocol):
    """A connection that is made again when it is needed."""

    def __init__(
        self,
        runtime: Path,
        log: Path,
        env: Mapping[str, str],
        idle: float,
        on_exit: Callable[[str, _Message], None],
        on_lost: Callable[[], None],
    ) -> None:
        self._runtime = runtime
        self._log = log
        self._env = dict(env)
        self._idle = idle
        self._on_exit = on_exit
        self._on_lost = on_lost
        self._connecting = asyncio.Lock()
        self._transport: asyncio.Transport | None = None
        self._inbox = bytearray()
        self._ids = itertools.count(1)
        self._asked: dict[int, asyncio.Future[_Message]] = {}
        self._hung_up = asyncio.Event()

    async def connect(self) -> None:
        """See to it that a runner listens to us. Raises TryAgain, or FreeSpace."""
        async with self._connecting:
            if self._transport is not None:
                return
            try:
                async with asyncio.timeout(_PATIENCE):
                    await self._connect()
            except TimeoutError:
                if self._transport is not None:
                    self._transport.abort()  # or the next would take it for one that answers
                rule = f"the runner of local trials must answer within {_PATIENCE:.0f} s"
                raise TryAgain(f"{rule}, but the one in {self._runtime} did not") from None
            except OSError as error:
                raise TryAgain(f"the runner of local trials cannot be reached: {error}") from error

    async def ask(self, message: _Message) -> _Message:
        """Send a message and wait for its answer. Raises DisconnectedError, and what `connect` raises."""
        await self.connect()
        return await self._ask(message)

    def tell(self, message: _Message) -> None:
        """Send a message that has no answer; nothing happens while there is no runner."""
        if self._transport is not None:
            self._transport.write(json.dumps(message).encode() + b"\n")

    async def close(self) -> None:
        """Hang up, after all that was said. The runner stays while trials run."""
        if self._transport is not None:
            self._transport.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hung_up.wait(), _PARTING)

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        for pause in itertools.chain((0.0, 0.01, 0.02, 0.05), itertools.repeat(0.1)):
            await asyncio.sleep(pause)
            try:
                await loop.create_unix_connection(lambda: self, str(self._runtime / SOCKET))
                self.tell({"op": "env", "env": self._env})
                await self._ask({"op": "check", "folder": ""})  # one that is about to leave does not answer
                return
            except (FileNotFoundError, ConnectionRefusedError):
                await self._start_runner()
            except DisconnectedError:
                continue

    async def _start_runner(self) -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(RUNNER), str(self._runtime), str(self._idle), str(self._log)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            cwd="/",
            env=self._env,
            start_new_session=True,
        )
        _, complaint = await process.communicate()
        if process.returncode and process.returncode > 0:  # one that was killed is started again
            text = complaint.decode(errors="replace").strip().rpartition("\n")[2]
            error = FreeSpace if "Errno 28" in text or "Errno 122" in text else TryAgain
            raise error(f"the runner of local trials cannot be started in {self._runtime}: {text}")

    async def _ask(self, message: _Message) -> _Message:
        number = next(self._ids)
        future = self._asked[number] = asyncio.get_running_loop().create_future()
        try:
            if self._transport is None:
                raise DisconnectedError
            self.tell({**message, "id": number})
            answer: _Message = await future
            return answer
        finally:
            del self._asked[number]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._hung_up.clear()
        self._inbox.clear()

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        self._inbox += data
        *lines, rest = self._inbox.split(b"\n")
        self._inbox = rest
        for line in lines:
            message: _Message = json.loads(line)
            self._hear(message)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio."""
        self._transport = None
        self._hung_up.set()
        for future in self._asked.values():
            if not future.done():
                future.set_exception(DisconnectedError())
        self._on_lost()

    def _hear(self, message: _Message) -> None:
        if "exit" in message:
            self._on_exit(message["exit"], message["record"])
        elif (future := self._asked.get(message["id"])) and not future.done():
            future.set_result(message)
