"""The runner: the long-lived parent of all local trials.

A small process in a session of its own, started by path with `python -I -S`, so it imports nothing but the standard
library and this package, all of it at once: it outlives the manager, and an upgrade of the package under its feet. It
is found again by a Unix socket and speaks one JSON object a line; `_server` lists the messages. What it is for: whoever
started a process is the only one that learns its exit status, and the manager may be killed at any instant.

Why so: a shell around each trial would outlive the manager too, and survive more, but costs 1.3 to 2 ms of CPU a
trial, a tenth of a start; one parent for all costs nothing but its own 0.5 ms, it can keep the time between TERM and
KILL, and as their subreaper it finds what trials leave behind. When the runner itself is killed, by a trial's `kill -9
$PPID` perhaps, its trials run on, and on Linux they become the children of its guard (`_guard`), which records how they
end; the manager starts another runner at once, and watches them. Only when both were killed, or the machine was, does
nobody learn the exit status of a trial.

The manager imports `_files` and `_processes` from here too, and nothing else.
"""
