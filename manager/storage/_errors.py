"""What a database can fail with, as the errors that the whole platform knows."""

from tunesmith.services.errors import NotNow


class DatabaseUnusable(NotNow):
    """The database cannot be used as it is: damaged, foreign, made by another version, or waiting for `db upgrade`."""
