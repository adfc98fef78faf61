"""The manager's process: what it starts, in which order, and how it leaves."""

import asyncio
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from tunesmith.manager._leaving import Ground, until_leaving
from tunesmith.services._platform import check_platform
from tunesmith.services.errors import NotNow
from tunesmith.services.local import (
    FileLock,
    Place,
    read_place,
    remove_place,
    socket_folder,
    state_folder,
    this_place,
    write_place,
)
from tunesmith.services.own_service import own_earlystop, own_suggestion
from tunesmith.services.supervise import Supervisor

if TYPE_CHECKING:
    from tunesmith.manager._engine import Engine
    from tunesmith.manager.api import Presence

log = logging.getLogger(__name__)

TAKE_OVER = 15.0
"""Seconds that an idle local manager gets to leave."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line says.

    `idle` None: stay until told to leave; `token_text` None: the folder's token stays, or one is made; `suggestion`:
    as the Suggester takes them; `suggestion` empty, `earlystop` None: a child of ours; `tls`: as `TlsFiles`; `secrets`:
    as LauncherContext; `upgrade`: bring the database to our tables first.
    """

    folder: Path
    database: str | None = None
    upgrade: bool = False
    listen: tuple[str, ...] = ()
    token: bool = True
    token_text: str | None = None
    tls: tuple[Path, Path, Path | None] | None = None
    insecure_bind: bool = False
    idle: float | None = None
    suggestion: tuple[str, ...] = ()
    earlystop: str | None = None
    secrets: frozenset[str] = frozenset()
    warm: bool = False


async def run(
    settings: Settings, *, say: Callable[[str], None], fault_point: Callable[[str], None] | None = None
) -> None:
    """Serve until told to leave, or idle for long enough. `fault_point`: see `Context`; for tests only."""
    check_platform()
    folder = state_folder(settings.folder.absolute().parent, settings.folder.name)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    lock = FileLock(folder / "manager.lock")
    if not lock.acquire():
        await _take_over(settings, folder, lock, say)
    try:
        await _serve(settings, folder, lock, stop, say, fault_point)
    finally:
        lock.release()


async def _take_over(settings: Settings, folder: Path, lock: FileLock, say: Callable[[str], None]) -> None:
    """Take the place of the folder's local manager when it is idle; raises NotNow when it is busy, or no local one."""
    place = read_place(folder)
    if settings.idle is not None or place is None or not _leaves_when_idle(place):
        raise NotNow(f"another manager serves {folder}" + (f" (process {place.pid})" if place else ""))
    if await _busy(place):
        raise NotNow(f"the manager of {folder} (process {place.pid}) is running studies: stop them, or wait for them")
    say(f"taking over from the idle local manager (process {place.pid})")
    os.kill(place.pid, signal.SIGTERM)
    for _ in range(int(TAKE_OVER / 0.1)):
        if lock.acquire():
            return
        await asyncio.sleep(0.1)
    raise NotNow(f"the manager of {folder} (process {place.pid}) did not leave within {TAKE_OVER:g} s")


def _leaves_when_idle(place: Place) -> bool:
    """Whether a command started it for itself: one in the foreground is somebody's wish, and stays."""
    try:
        return "--idle" in psutil.Process(place.pid).cmdline()
    except psutil.NoSuchProcess:
        return False


async def _busy(place: Place) -> bool:
    from tunesmith.services.channel import open_channel
    from tunesmith.v1 import manager_pb2 as pb
    from tunesmith.v1 import manager_pb2_grpc as rpc
    from tunesmith.v1 import types_pb2 as types

    live = [types.STUDY_STATE_CREATED, types.STUDY_STATE_RUNNING, types.STUDY_STATE_ENDING]
    async with open_channel(place.address) as channel:
        stub = rpc.ManagerServiceStub(channel)
        return bool((await stub.ListStudies(pb.ListStudiesRequest(states=live), timeout=10)).studies)


async def _serve(
    settings: Settings,
    folder: Path,
    lock: FileLock,
    stop: asyncio.Event,
    say: Callable[[str], None],
    fault_point: Callable[[str], None] | None,
) -> None:
    from tunesmith.services.sockets import Sockets, remove_unused  # here, as Windows has no such locks

    sockets = Sockets.of(folder)
    supervisor = Supervisor(folder)
    suggestion, earlystop = own_suggestion(supervisor, sockets.path), own_earlystop(supervisor, sockets.path)

    async def suggestion_address() -> str:
        return settings.suggestion[0] if settings.suggestion else await suggestion.address()

    async def earlystop_address() -> str:
        return settings.earlystop or await earlystop.address()

    try:
        if settings.warm and not settings.suggestion:
            await suggestion.start()  # its imports take as long as ours: let it begin first
        addresses = (suggestion_address, earlystop_address)
        async with _engine(settings, folder, *addresses, stop, fault_point) as (engine, presence):
            await _answer(settings, folder, lock, sockets.path, engine, presence, stop, say)
    finally:
        await supervisor.stop()
        sockets.leave()
        remove_unused()


@asynccontextmanager
async def _engine(
    settings: Settings,
    folder: Path,
    suggestion_address: Callable[[], Awaitable[str]],
    earlystop_address: Callable[[], Awaitable[str]],
    stop: asyncio.Event,
    fault_point: Callable[[str], None] | None,
) -> AsyncIterator[tuple["Engine", "Presence"]]:
    """The engine over its database and launcher; both are closed at the end."""
    from tunesmith.manager._context import Context, Database, no_fault
    from tunesmith.manager._decider import Decider
    from tunesmith.manager._engine import Engine, News
    from tunesmith.manager._opening import open_patiently, opened
    from tunesmith.manager._suggester import Suggester
    from tunesmith.manager._workers import lease_of
    from tunesmith.manager.api import Presence
    from tunesmith.manager.launchers import LauncherContext, make_launcher
    from tunesmith.manager.launchers.workers import WorkersLauncher

    url = database_url(settings.database, folder)
    open_it = partial(asyncio.to_thread, opened, url, upgrade=settings.upgrade)
    # Who started us for a command of theirs wants to know what is wrong.
    database = Database(await (open_patiently(open_it, stop) if settings.idle is None else open_it()))
    try:
        news, place = News(), socket_folder(folder)
        context = Context(
            database=database,
            launcher=make_launcher("local", LauncherContext(place, settings.secrets, logs=folder)),
            workers=WorkersLauncher(LauncherContext(place, lease_of=partial(lease_of, database))),
            suggester=Suggester(
                suggestion_address,
                database.history,
                database.digest_at,
                database.sample,
                settings.suggestion[1:],
            ),
            decider=Decider(earlystop_address, database.course, database.observations),
            state=folder,
            changed=news.changed,
            clock=time.time,
            fault_point=fault_point or no_fault,
        )
        engine = Engine(context, news, owner=_owner(url, folder))
        await engine.start()
        try:
            yield engine, Presence(time.monotonic, last=time.monotonic())
        finally:
            await engine.close()
    finally:
        database.close()


def _owner(url: str, folder: Path) -> str:
    """Who holds the leases: the folder, whose lock only one manager has at a time, so that each is the last one's heir.

    SQLite has one manager wherever its folder was moved to.
    """
    return "local" if url.startswith("sqlite") else f"{socket.gethostname()}:{folder}"


def database_url(given: str | None, folder: Path) -> str:
    """The SQLAlchemy URL of what `--database` says; None: SQLite in the folder."""
    if given is None:
        return f"sqlite:///{folder / 'tunesmith.db'}"
    scheme, _, rest = given.partition("://")
    return f"postgresql+psycopg://{rest}" if scheme in ("postgresql", "postgres") else given


async def _answer(
    settings: Settings,
    folder: Path,
    lock: FileLock,
    sockets: Path,
    engine: "Engine",
    presence: "Presence",
    stop: asyncio.Event,
    say: Callable[[str], None],
) -> None:
    """Answer clients until `stop` is set, or nobody has any use for us."""
    from tunesmith.manager._token import token_check
    from tunesmith.manager.api import ManagerServicer, add_to
    from tunesmith.services.server import TlsFiles, serving

    ground = Ground.of(lock, database_url(settings.database, folder))
    servicer = ManagerServicer(engine, presence, allow_endpoints=not settings.listen)
    address = f"unix:{sockets / 'manager.sock'}"
    tls = TlsFiles(*settings.tls) if settings.tls else None
    asks = settings.listen and settings.token
    check = await token_check(engine.context.database, folder, settings.token_text, say) if asks else None
    async with serving(
        lambda server: add_to(server, servicer),
        listen=[address, *settings.listen],
        token_check=check,
        tls=tls,
        insecure_bind=settings.insecure_bind,
    ) as addresses:
        write_place(folder, this_place(address))
        try:
            say(f"serving at {', '.join(addresses)}")
            sys.stdout.flush()
            await until_leaving(settings.idle, engine, presence, stop, ground.trouble)
        finally:
            remove_place(folder)
