"""The runner's loop and its language: one JSON object a line, over a Unix socket.

Asked: {"op": "env", "env": {...}} the base environment of this connection's trials;
{"op": "launch", "id", "folder", "command", "env", "cwd", "grant"}; {"op": "check", "id", "folder"};
{"op": "stop", "folder", "grace", "notice"}; {"op": "kill", "folder", "failure", "message"}.
Told: {"id", "state": "started" (pid; 0: its exit has been told) | "claimed" | "running" | "ended" (record) | "unknown"
| "full" | "again" (message)}, and on every connection {"exit": folder, "record": {...}} when a trial has ended.
"""

import errno
import json
import math
import os
import selectors
import signal
import socket
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from tunesmith.manager.launchers._runner._connection import Connection
from tunesmith.manager.launchers._runner._spawn import Order
from tunesmith.manager.launchers._runner._trials import Trials

_FULL = (errno.ENOSPC, errno.EDQUOT)
_Message = dict[str, Any]


class Server:
    """Serves managers until none has been connected for `idle` seconds and no trial runs. `note`: see Trials."""

    def __init__(
        self,
        listener: socket.socket,
        idle: float,
        log: Callable[[str], None],
        note: Callable[[Mapping[int, str]], None],
    ) -> None:
        self._listener = listener
        self._idle = idle
        self._log = log
        self._leaving = False  # told to: as soon as no trial runs
        self._alone_since = time.monotonic()
        self._connections: list[Connection] = []
        self._selector = selectors.DefaultSelector()
        self._trials = Trials(self._tell_exit, log, note)
        self._operations: dict[str, Callable[[Connection, _Message], None]] = {
            "env": self._env,
            "launch": self._launch,
            "check": self._check,
            "stop": self._stop,
            "kill": self._kill,
        }

    def run(self) -> None:
        """Serve, and return when it is time to leave."""
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._watch_signals()
        while not self._done():
            for key, _ in self._selector.select(self._timeout()):
                key.data()
            self._trials.tick()
            self._tidy()

    def _watch_signals(self) -> None:
        """Have SIGCHLD and SIGTERM wake the loop. The latter lets trials end, and takes no notice of managers."""
        wake, self._waker = socket.socketpair()
        for end in (wake, self._waker):
            end.setblocking(False)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._leave)
        self._selector.register(wake, selectors.EVENT_READ, lambda: self._woken(wake))

    def _leave(self, *_: object) -> None:
        self._leaving = True

    def _woken(self, wake: socket.socket) -> None:
        wake.recv(1 << 12)
        self._trials.reap()

    def _done(self) -> bool:
        alone = not self._connections and time.monotonic() - self._alone_since >= self._idle
        return self._trials.idle and (alone or self._leaving)

    def _timeout(self) -> float | None:
        due = self._trials.due
        if not self._connections and self._trials.idle:
            due = min(due, self._alone_since + self._idle)
        return None if due == math.inf else max(0.0, due - time.monotonic())

    def _accept(self) -> None:
        """Take a new manager in, after all that an earlier one said: it must find the earlier one's launches done."""
        try:
            stream, _ = self._listener.accept()
        except OSError:  # it changed its mind
            return
        for earlier in self._connections:
            self._serve(earlier)
        connection = Connection(stream)
        self._connections.append(connection)
        self._selector.register(stream, selectors.EVENT_READ, lambda: self._serve(connection))

    def _serve(self, connection: Connection) -> None:
        connection.flush()
        for line in connection.read():
            self._obey(connection, line)

    def _obey(self, connection: Connection, line: bytes) -> None:
        message: _Message = {}
        try:
            message = json.loads(line)
            self._operations[message["op"]](connection, message)
        except Exception as error:  # whatever one message does, the other trials have only us
            self._log(traceback.format_exc())
            connection.write({"id": message.get("id"), "state": "again", "message": repr(error)})

    def _tidy(self) -> None:
        """Drop connections that are closed, and listen for room where something is left to send."""
        for connection in list(self._connections):
            if connection.closed:
                self._selector.unregister(connection.stream)
                connection.stream.close()
                self._connections.remove(connection)
                self._alone_since = time.monotonic()
            else:
                self._await_room(connection)

    def _await_room(self, connection: Connection) -> None:
        key = self._selector.get_key(connection.stream)
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if connection.behind else 0)
        if key.events != events:
            self._selector.modify(connection.stream, events, key.data)

    def _tell_exit(self, folder: str, record: _Message) -> None:
        for connection in self._connections:
            connection.write({"exit": folder, "record": record})

    def _env(self, connection: Connection, message: _Message) -> None:
        connection.env = _encode(message["env"])

    def _launch(self, connection: Connection, message: _Message) -> None:
        env = connection.env | _encode(message["env"])
        order = Order(message["folder"], message["command"], env, message["cwd"] or message["folder"])
        try:
            reply = self._trials.launch(order, message["grant"])
        except OSError as error:
            reply = {"state": "full" if error.errno in _FULL else "again", "message": str(error)}
        connection.write({"id": message["id"], **reply})

    def _check(self, connection: Connection, message: _Message) -> None:
        connection.write({"id": message["id"], **self._trials.check(message["folder"])})

    def _stop(self, _: Connection, message: _Message) -> None:
        self._trials.stop(message["folder"], message["grace"], message["notice"])

    def _kill(self, _: Connection, message: _Message) -> None:
        self._trials.kill(message["folder"], message["failure"], message["message"])


def _encode(env: dict[str, str]) -> dict[bytes, bytes]:
    return {os.fsencode(name): os.fsencode(value) for name, value in env.items()}
