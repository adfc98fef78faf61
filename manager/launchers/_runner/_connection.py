"""One manager's connection, never waited for: a manager that hangs must not hold up the trials."""

import json
import socket
from typing import Any

_TOO_FAR_BEHIND = 1 << 24  # bytes; a manager that reads no more finds what it missed in the attempts' folders


class Connection:
    """Lines in, messages out. `env` is the base environment of this manager's trials."""

    def __init__(self, stream: socket.socket) -> None:
        stream.setblocking(False)
        self.stream = stream
        self.env: dict[bytes, bytes] = {}
        self.closed = False
        self._inbox = bytearray()
        self._outbox = bytearray()

    def read(self) -> list[bytes]:
        """The complete lines that have come. A line that its manager did not live to complete was never said."""
        try:
            while chunk := self.stream.recv(1 << 16):
                self._inbox += chunk
            self.closed = True
        except BlockingIOError:
            pass
        except OSError:
            self.closed = True
        *lines, self._inbox = self._inbox.split(b"\n")
        return [bytes(line) for line in lines]

    def write(self, message: dict[str, Any]) -> None:
        """Send a message, as far as it goes without waiting."""
        self._outbox += json.dumps(message).encode() + b"\n"
        self.flush()

    def flush(self) -> None:
        """Send more of what is left."""
        try:
            while self._outbox:
                del self._outbox[: self.stream.send(self._outbox)]
        except BlockingIOError:
            self.closed = self.closed or len(self._outbox) > _TOO_FAR_BEHIND
        except OSError:
            self.closed = True

    @property
    def behind(self) -> bool:
        """Whether something is left to send."""
        return bool(self._outbox)
