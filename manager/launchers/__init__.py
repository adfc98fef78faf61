"""Where trials run: one interface, one file per launcher."""

from tunesmith.manager.launchers._classify import classify
from tunesmith.manager.launchers._launcher import Exit, Launch, Launcher
from tunesmith.manager.launchers._registry import LauncherContext, Lease, make_launcher, register

__all__ = ["Exit", "Launch", "Launcher", "LauncherContext", "Lease", "classify", "make_launcher", "register"]
