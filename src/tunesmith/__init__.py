"""Tunesmith: hyperparameter tuning as a set of small services.

Inside a trial: `params`, `report`, `should_stop`, `checkpoint_dir`. Everywhere else: `Client`, which does what the
command does. All are imported when they are first used, so that `import tunesmith` costs nothing.
"""

TYPE_CHECKING = False  # type checkers take it for typing's, and `typing` costs more than this whole file
if TYPE_CHECKING:
    from tunesmith.client._client import Client
    from tunesmith.client._trial import checkpoint_dir, params, report, should_stop

__all__ = ["Client", "__version__", "checkpoint_dir", "params", "report", "should_stop"]

__version__ = "0.1.0"

_HOMES = {
    "Client": "tunesmith.client._client",
    **dict.fromkeys(("checkpoint_dir", "params", "report", "should_stop"), "tunesmith.client._trial"),
}


if not TYPE_CHECKING:  # who sees this takes every name for one of ours

    def __getattr__(name: str) -> object:
        """Import a public name on first use (PEP 562)."""
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = globals()[name] = getattr(import_module(home), name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
