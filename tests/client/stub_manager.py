"""Stands for `python -m tunesmith.manager serve` where only its start counts: lock, socket, place, log.

Arguments: folder, and how it behaves: `well`, `dies`, `killed`, `mute` (killed, too), `hangs` or `slow`.
"""

import os
import signal
import socket
import sys
import time
from pathlib import Path

from tunesmith.services import local

folder, how = Path(sys.argv[1]), sys.argv[2]
with (folder / "starts").open("a") as file:
    file.write(f"{os.getpid()} {os.environ.get('TUNESMITH_DATABASE', '-')}\n")
if how == "dies":
    print("Traceback: the database says\x1b[31m no", flush=True)
    sys.exit(1)
if how in ("killed", "mute"):
    print("opening the database" * (how == "killed"), end="", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
lock = local.FileLock(folder / "manager.lock")
if not lock.acquire():
    print("Error: another manager serves this folder", flush=True)
    sys.exit(1)
if how == "slow":
    time.sleep(0.7)
if how != "hangs":
    path = local.socket_folder(folder) / "manager.sock"
    path.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()
    local.write_place(folder, local.this_place(f"unix:{path}"))
time.sleep(30)
