"""Figures of studies, as Plotly draws them: plain dicts of JSON values, made without Plotly.

`figure("history", StudyData.load(client, "digits"))` is a dict with `data` and `layout`. One file in `plots/` for each
kind. Nothing here sets the colours of paper and text: `template` has them, for pages that are dark or light.
"""

from tunesmith.client.figures._figure import CannotDraw, figure, kinds
from tunesmith.client.figures._kind import Kind
from tunesmith.client.figures._study_data import StudyData
from tunesmith.client.figures._style import template

__all__ = ["CannotDraw", "Kind", "StudyData", "figure", "kinds", "template"]
