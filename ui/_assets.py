"""Our own scripts and styles, and Plotly's script from its Python package: each under a path that names its content.

What a path holds never changes, so browsers keep it for ever.
"""

import gzip
import importlib.metadata
import mimetypes
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from tunesmith.services.errors import NotFound

FOLDER = Path(__file__).parent / "static"
_FOR_EVER = {"cache-control": "public, max-age=31536000, immutable", "vary": "accept-encoding"}


@dataclass(frozen=True)
class Asset:
    """One file."""

    name: str
    data: bytes

    @cached_property
    def packed(self) -> bytes:
        """The same, compressed."""
        return gzip.compress(self.data, 9 if len(self.data) < 100_000 else 6, mtime=0)

    def answer(self, request: Request) -> Response:
        """The file, compressed for whom understands that."""
        kind = mimetypes.guess_type(self.name)[0] or "application/octet-stream"
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(self.packed, headers={**_FOR_EVER, "content-encoding": "gzip"}, media_type=kind)
        return Response(self.data, headers=_FOR_EVER, media_type=kind)


@cache
def own() -> dict[str, Asset]:
    """Our files by name."""
    found = sorted(path for path in FOLDER.iterdir() if path.is_file())
    return {path.name: Asset(path.name, path.read_bytes()) for path in found}


@cache
def version() -> str:
    """Names the content of all our files, which refer to one another."""
    content = sha256()
    for asset in own().values():
        content.update(asset.name.encode() + b"\0" + asset.data)
    return content.hexdigest()[:12]


@cache
def plotly_version() -> str | None:
    """Of the Plotly that is installed; None: none is."""
    try:
        return importlib.metadata.version("plotly")
    except importlib.metadata.PackageNotFoundError:
        return None


@cache
def plotly() -> Asset:
    """Plotly's script. Raises NotFound."""
    # As a file of the package: importing it costs half a second, and we need nothing of it.
    try:
        data = files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()
    except (ModuleNotFoundError, FileNotFoundError):
        raise NotFound("charts need the package plotly, which `pip install 'tunesmith[ui]'` brings") from None
    return Asset("plotly.min.js", data)


def find(folder: str, name: str) -> Asset:
    """The file at `/static/FOLDER/NAME`. Raises NotFound, for other versions too."""
    if folder == f"plotly-{plotly_version()}" and name == "plotly.min.js":
        return plotly()
    if folder != version() or name not in own():
        raise NotFound(f"there is no file {name} of that version")
    return own()[name]
