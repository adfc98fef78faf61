"""Figures as an HTML file that needs nothing else: Plotly's script is in it, taken from its Python package."""

import html
import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from tunesmith.client.figures._kind import Figure
from tunesmith.client.figures._style import template
from tunesmith.services.errors import NotOffered

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
:root {{ --paper: {light_paper}; --text: {light_text}; }}
@media (prefers-color-scheme: dark) {{ :root {{ --paper: {dark_paper}; --text: {dark_text}; }} }}
body {{ margin: 0 auto; max-width: 1200px; padding: 1rem; background: var(--paper); color: var(--text);
  font-family: {family}; }}
h1 {{ font-size: 1.25rem; margin: 0.5rem 0; }}
h2 {{ font-size: 1rem; margin: 2rem 0 0.25rem; }}
p {{ margin: 0.25rem 0; opacity: 0.75; font-size: 0.85rem; }}
.figure {{ min-height: 420px; }}
</style>
{plotly}
</head>
<body>
<h1>{title}</h1>
{sections}
<script type="application/json" id="figures">{figures}</script>
<script>
const templates = {templates};
const figures = JSON.parse(document.getElementById("figures").textContent);
const dark = matchMedia("(prefers-color-scheme: dark)");
function draw() {{
  figures.forEach((figure, place) => {{
    const layout = {{...figure.layout, template: templates[dark.matches ? 1 : 0]}};
    Plotly.react("figure-" + place, figure.data, layout, {{responsive: true, displaylogo: false}});
  }});
}}
draw();
dark.addEventListener("change", draw);
</script>
</body>
</html>
"""

_SECTION = """\
<section><h2>{title}</h2>{note}<div class="figure" id="figure-{place}"></div></section>"""


@cache
def plotly_script() -> str:
    """Plotly for a browser. Raises NotOffered when it is not installed."""
    try:
        return files("plotly").joinpath("package_data", "plotly.min.js").read_text(encoding="utf-8")
    except ModuleNotFoundError:
        raise NotOffered("an HTML file needs Plotly: pip install 'tunesmith[plot]'") from None


def page(title: str, figures: Sequence[Figure], *, script: str | None = None) -> str:
    """An HTML page with figures, dark or light as its reader likes it.

    Args:
        title: What is shown above them.
        figures: The figures.
        script: Name of a file beside the page that holds `plotly_script()`. None: the page holds it itself.
    """
    colours = {name: template(dark)["layout"] for name, dark in (("light", False), ("dark", True))}
    return _PAGE.format(
        title=html.escape(title),
        sections="\n".join(_section(place, figure) for place, figure in enumerate(figures)),
        figures=_in_script(figures),
        templates=_in_script([template(False), template(True)]),
        plotly=f"<script>{plotly_script()}</script>" if script is None else f'<script src="{script}"></script>',
        family=colours["light"]["font"]["family"],
        light_paper=colours["light"]["paper_bgcolor"],
        light_text=colours["light"]["font"]["color"],
        dark_paper=colours["dark"]["paper_bgcolor"],
        dark_text=colours["dark"]["font"]["color"],
    )


def left_out(figure: Figure) -> str:
    """What is left out of a figure, in a sentence; empty: nothing."""
    meta = figure["layout"]["meta"]
    drawn, of = meta.get("drawn", 0), meta.get("of", 0)
    left = meta["kind"] != "timeline" and drawn < of
    return f"{drawn:,} of {of:,} trials are drawn: the best, and an even share of the others." if left else ""


def _section(place: int, figure: Figure) -> str:
    text = left_out(figure)
    shown = f"<p>{html.escape(text)}</p>" if text else ""
    return _SECTION.format(title=html.escape(figure["layout"]["meta"]["title"]), note=shown, place=place)


def _in_script(value: object) -> str:
    """JSON that cannot end the script that it stands in."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
