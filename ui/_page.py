"""Pages, made of templates in which everything is escaped."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from tunesmith import __version__
from tunesmith.client import _format
from tunesmith.client._progress import Progress
from tunesmith.ui import _assets, _words
from tunesmith.ui._links import link, study_path

TEMPLATES = Path(__file__).parent / "templates"


@cache
def _environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {
        "number": _format.number,
        "duration": _format.duration,
        "iso": _format.iso,
        "plural": _format.plural,
        "prose": _words.prose,
        "words": _words.words,
        "value": _words.value,
    }
    found.globals |= {"study_path": study_path, "progress": Progress, "dashboard_version": __version__}
    return found


def page(request: Request, template: str, *, status_code: int = 200, **values: Any) -> HTMLResponse:
    """A page, or a part of one."""
    text = _environment().get_template(template).render(**_common(request), **values)
    return HTMLResponse(text, status_code)


def _common(request: Request) -> Mapping[str, Any]:
    guest = getattr(request.state, "guest", None)
    plotly = _assets.plotly_version()
    return {
        "url": lambda path, **query: link(request, path, **query),
        "asset": lambda name: link(request, f"/static/{_assets.version()}/{name}"),
        "plotly_url": link(request, f"/static/plotly-{plotly}/plotly.min.js") if plotly else "",
        "csrf": guest.csrf if guest else "",
        "signed_in": bool(guest and guest.session),
        "here": request.url.path,
    }
