"""Figures as files: a page, a picture or JSON, by the end of the file's name."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tunesmith.client.figures._kind import Figure
from tunesmith.client.figures._page import left_out, page, plotly_script
from tunesmith.client.figures._style import template
from tunesmith.services.errors import FixRequest, NotOffered

__all__ = ["FORMATS", "as_json", "left_out", "write_all", "write_one"]

FORMATS: Final = ("html", "json", "png")
_WIDTH, _HEIGHT, _SCALE = 1000, 560, 2
"""Of a picture; a figure with panels below one another says its own height."""
_SCRIPT: Final = "plotly.min.js"
_BROWSER: Final = (
    "a PNG needs Kaleido and a browser, Chromium or Chrome: pip install 'tunesmith[plot]', and install chromium"
    " (BROWSER_PATH names one that is not on PATH); HTML and JSON need no browser"
)


def write_one(path: Path, title: str, figures: Sequence[Figure], *, dark: bool = False) -> None:
    """Write figures into one file. Raises FixRequest for a name that ends otherwise, and NotOffered, and OSError.

    Args:
        path: A name that ends with .html, .json or .png; a picture holds one figure only.
        title: What is shown above them, in a page.
        figures: The figures.
        dark: Whether a picture is dark. A page is as its reader likes it.
    """
    ending = path.suffix.lower().removeprefix(".")
    if ending not in FORMATS:
        raise FixRequest(f"--output must name a file that ends with {_listed()}, but got {str(path)!r}")
    if ending == "png" and len(figures) != 1:
        raise FixRequest(f"a PNG holds 1 figure, but there are {len(figures)}: give a folder, or an .html file")
    if ending == "html":
        path.write_text(page(title, figures), encoding="utf-8")
    elif ending == "json":
        path.write_text(as_json(figures[0] if len(figures) == 1 else figures) + "\n", encoding="utf-8")
    else:
        _pictures({path: figures[0]}, dark)


def write_all(
    folder: Path, title: str, figures: Mapping[str, Figure], form: str, *, dark: bool = False
) -> Mapping[str, Path]:
    """Write a file for each figure into a folder, which is made; pages share one Plotly script. Gives their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {kind: folder / f"{kind}.{form}" for kind in figures}
    if form == "png":
        _pictures({paths[kind]: figure for kind, figure in figures.items()}, dark)
        return paths
    if form == "html":
        (folder / _SCRIPT).write_text(plotly_script(), encoding="utf-8")
    for kind, figure in figures.items():
        text = as_json(figure) + "\n" if form == "json" else page(title, [figure], script=_SCRIPT)
        paths[kind].write_text(text, encoding="utf-8")
    return paths


def as_json(figure: object) -> str:
    """Compact JSON; text that is not ASCII is escaped, so that it is safe to show."""
    return json.dumps(figure, allow_nan=False, separators=(",", ":"))


def _pictures(figures: Mapping[Path, Figure], dark: bool) -> None:
    """Draw pictures, all with one browser."""
    try:
        import kaleido  # noqa: F401 - what Plotly draws with
        from plotly.io import write_images
    except ImportError:
        raise NotOffered(_BROWSER) from None
    themed = [_themed(figure, dark) for figure in figures.values()]
    heights = [figure["layout"].get("height", _HEIGHT) for figure in themed]
    with TemporaryDirectory(prefix="tunesmith-") as folder:  # that it cannot write, Kaleido tells nobody
        drawn = [Path(folder, f"{place}.png") for place in range(len(themed))]
        try:
            write_images(fig=themed, file=drawn, width=_WIDTH, height=heights, scale=_SCALE, validate=False)
        except RuntimeError as error:  # of Plotly, when there is no browser; of the browser, when it does not start
            raise NotOffered(f"{_BROWSER}; {str(error).strip().splitlines()[0]}") from None
        for path, picture in zip(figures, drawn, strict=True):
            path.write_bytes(picture.read_bytes())


def _themed(figure: Figure, dark: bool) -> Figure:
    title = {"text": figure["layout"]["meta"]["title"], "x": 0.02, "xanchor": "left", "font": {"size": 15}}
    margin = figure["layout"]["margin"]
    tall = {"title": title, "margin": margin | {"t": margin["t"] + 45}, "template": template(dark)}
    return {"data": figure["data"], "layout": figure["layout"] | tall}


def _listed() -> str:
    *first, last = (f".{name}" for name in FORMATS)
    return f"{', '.join(first)} or {last}"
