"""A child service and its parent: how the child says that it is ready, and how it learns that the parent is gone."""

import asyncio
import json
import os
from collections.abc import Callable

from tunesmith.services.errors import FixRequest


def announce(addresses: list[str]) -> None:
    """A child says that it is ready: one JSON line on standard output. Fits `serve(ready=announce)`."""
    print(json.dumps({"listen": addresses}), flush=True)


def announced(line: bytes) -> list[str] | None:
    """The addresses in a line that `announce` printed; None for any other line."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    addresses = found.get("listen") if isinstance(found, dict) else None
    return [str(address) for address in addresses] if isinstance(addresses, list) and addresses else None


def leave_with_parent(fd: int, on_gone: Callable[[], None]) -> None:
    """A child calls `on_gone`, in its running event loop, when the parent is gone: pipe `fd` has no writer any more.

    Raises:
        FixRequest: `fd` is not open.
    """
    try:
        os.set_inheritable(fd, False)
        os.set_blocking(fd, False)
    except OSError as error:
        raise FixRequest(f"--parent-pipe must be an open pipe, but got {fd}: {error.strerror}") from error
    loop = asyncio.get_running_loop()

    def look() -> None:
        if os.read(fd, 512) == b"":
            loop.remove_reader(fd)
            os.close(fd)
            on_gone()

    loop.add_reader(fd, look)
