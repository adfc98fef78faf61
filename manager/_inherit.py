"""A trial with a parent starts from a copy of the parent's checkpoint folder."""

import asyncio
import errno
import logging
import os
import shutil
import tempfile
import threading
from pathlib import Path

from tunesmith.services.errors import FreeSpace

log = logging.getLogger(__name__)

_FULL = (errno.ENOSPC, errno.EDQUOT)


class _Cancelled(Exception):
    """Nobody waits for the copy any more."""


async def inherit(parent: Path, child: Path) -> None:
    """Copy the checkpoint folder `parent` to `child`, unless that exists or the parent has none.

    The copy is made beside the child and renamed when it is whole, so that a manager may die at any time. Raises
    FreeSpace when the disk is full. What cannot be read is no checkpoint: the trial starts without one.
    """
    cancelled = threading.Event()
    try:
        await asyncio.to_thread(_copy, parent, child, cancelled)
    except asyncio.CancelledError:
        cancelled.set()
        raise


def _copy(parent: Path, child: Path, cancelled: threading.Event) -> None:
    if child.exists() or not parent.is_dir():
        return

    def copy(source: str, target: str) -> None:
        if cancelled.is_set():
            raise _Cancelled
        try:
            if os.path.isfile(source):  # no sockets, no pipes
                shutil.copy2(source, target)
        except OSError as error:
            if error.errno in _FULL:
                raise _full(error) from error
            raise

    own = f"{child.name}.{os.getpid()}-"
    try:
        child.parent.mkdir(parents=True, exist_ok=True)
        for left in child.parent.glob(f"{child.name}.*-*"):  # by a manager that died
            if not left.name.startswith(own):
                shutil.rmtree(left, ignore_errors=True)
        place = tempfile.mkdtemp(prefix=own, dir=child.parent)
    except OSError as error:
        raise _full(error) from error
    try:
        shutil.copytree(parent, place, symlinks=True, copy_function=copy, dirs_exist_ok=True)
        os.rename(place, child)
    except OSError as error:
        if error.errno in _FULL:
            raise _full(error) from error
        if not child.exists():  # else somebody was faster
            log.warning("%s starts without the checkpoint of its parent %s: %s", child, parent, error)
    except _Cancelled:
        log.info("%s: the copy of its parent's checkpoint was given up", child)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _full(error: OSError) -> FreeSpace:
    return FreeSpace(f"the checkpoint of a trial's parent cannot be copied: {error}")
