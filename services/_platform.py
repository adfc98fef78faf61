"""The platforms that Tunesmith runs on."""

import sys

from tunesmith.services.errors import NotOffered


def check_platform() -> None:
    """Refuse Windows, by the sentence that says what to do there."""
    if sys.platform == "win32":
        raise NotOffered(
            "Tunesmith runs on Linux and macOS; on Windows, install and run it inside WSL (`wsl --install`)"
        )
