"""Figures of studies, made by `tunesmith.client.figures` beside the event loop, and kept while nothing changes."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from tunesmith.client._trial_values import Observation, Trial
from tunesmith.client._values import Study
from tunesmith.services.errors import NotFound
from tunesmith.ui._manager import Manager, trial_key
from tunesmith.ui._shelf import Shelf

Figure = dict[str, Any]

_KEPT: OrderedDict[object, Figure] = OrderedDict()
_MOST = 64
_AT_ONCE = 8
"""Trials whose reports are asked for at the same time."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be drawn. `trial`: number of one that is brought out; None: all are alike."""

    kind: str
    metric: str | None = None
    parameters: tuple[str, ...] = ()
    evaluator: str = "ped-anova"
    trial: int | None = None

    def other_metric(self, studies: Sequence[Study]) -> bool:
        """Whether its metric, by default the objective of the first study, is not that of each."""
        metric = self.metric or studies[0].spec.objective.metric
        return any(metric != study.spec.objective.metric for study in studies)


async def draw(shelf: Shelf, manager: Manager, studies: Sequence[Study], wish: Wish) -> Figure:
    """The figure. Raises NotFound for a kind that is none, and NotNow where there is nothing to draw yet."""
    kind = await asyncio.to_thread(_kind, wish.kind)  # the first one imports NumPy
    drawn = studies[: None if kind.several else 1]
    whole = kind.whole or wish.other_metric(drawn)
    loaded = [(study, await shelf.trials(manager, study, whole=whole)) for study in drawn]
    final = all(study.state.final for study in studies)
    key = (wish, tuple((study.uid, study.generation, study.revision, study.state) for study in studies))
    if final and key in _KEPT:
        _KEPT.move_to_end(key)
        return _KEPT[key]
    figures = import_module("tunesmith.client.figures")
    data = [await _data(manager, study, trials, wish, observed=kind.observations) for study, trials in loaded]
    options = {"metric": wish.metric, "parameters": wish.parameters, "evaluator": wish.evaluator}
    made: Figure = await asyncio.to_thread(lambda: figures.figure(wish.kind, *data, **options))
    if wish.trial is not None:
        made = await _brought_out(manager, studies[0], wish, made)
    if final:
        _KEPT[key] = made
        while len(_KEPT) > _MOST:
            _KEPT.popitem(last=False)
    return made


def _kind(name: str) -> Any:
    try:
        found = import_module("tunesmith.client.figures._figure").kinds()
    except ImportError as error:
        raise NotFound(f"this kind of figure is not available here: {error}") from None
    for kind in found:
        if kind.name == name:
            return kind
    raise NotFound(f"there is no figure {name!r}; there are {', '.join(kind.name for kind in found)}")


async def _data(manager: Manager, study: Study, trials: list[Trial], wish: Wish, *, observed: bool) -> Any:
    """What figures are made of; the reports of those trials only whose curves are drawn."""
    figures = import_module("tunesmith.client.figures")
    rows: dict[int, tuple[Observation, ...]] = {}
    if observed:
        chosen = import_module("tunesmith.client.figures._choice").curves_drawn(study, tuple(trials))
        names, turn = [wish.metric or study.spec.objective.metric], asyncio.Semaphore(_AT_ONCE)

        async def read(trial: Trial) -> None:
            async with turn:
                key = trial_key(study.namespace, study.name, str(trial.number))
                rows[trial.number] = tuple(await manager.observations(key, names))

        await asyncio.gather(*(read(trial) for trial in chosen))
    return figures.StudyData(study, tuple(trials), rows, None if study.state.final else datetime.now(UTC))


async def _brought_out(manager: Manager, study: Study, wish: Wish, figure: Figure) -> Figure:
    """The figure with one trial's curve drawn thick over the others, which become faint."""
    metric = wish.metric or study.spec.objective.metric
    key = trial_key(study.namespace, study.name, str(wish.trial))
    rows = [row for row in await manager.observations(key, [metric]) if row.value == row.value]
    others = [{**trace, "opacity": 0.25, "showlegend": False, "hoverinfo": "skip"} for trace in figure["data"]]
    one = {
        "type": "scatter",
        "mode": "lines+markers" if len(rows) <= 60 else "lines",
        "x": [row.step for row in rows],
        "y": [row.value if abs(row.value) != float("inf") else None for row in rows],
        "name": f"trial {wish.trial}",
        "line": {"width": 3, "color": "#dd6b12"},
        "marker": {"size": 6},
    }
    return {**figure, "data": [*others, one]}
