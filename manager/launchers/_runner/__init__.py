"""The runner: the long-lived parent of all local trials.

A small process in a session of its own, started by path with `python -I -S`, so it imports nothing but the standard
library and this package, all of it at once: it outlives the manager, and an upgrade of the package under its feet. It
is found again by a Unix socket and speaks one JSON object a line; `_server` lists the messages. What it is for: whoever
started a process is the only one that learns its exit status, and the manager may be killed at any instant.

The manager imports `_files` and `_processes` from here too, and nothing else.
"""
