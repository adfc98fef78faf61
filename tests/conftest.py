"""Fixtures that tests of every room can use."""

import signal

from tests.postgres import postgres_server, postgres_url

from tunesmith.services.workers import limit_library_threads

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell starts what runs in its background so
    signal.signal(signal.SIGINT, signal.default_int_handler)
limit_library_threads()  # as the suggestion service does; and before anything imports numpy

__all__ = ["postgres_server", "postgres_url"]
