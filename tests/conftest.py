"""Fixtures that tests of every room can use."""

from tests.postgres import postgres_server, postgres_url

from tunesmith.services.workers import limit_library_threads

limit_library_threads()  # as the suggestion service does; and before anything imports numpy

__all__ = ["postgres_server", "postgres_url"]
