"""Bayesian optimisation with the models and acquisition functions of scikit-optimize."""

import importlib.util
import json
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from tunesmith.services.settings import SettingDescription, Settings, SettingType
from tunesmith.study import Assignment, Mistake, SearchSpace, StudySpec
from tunesmith.suggestion._algorithm import Answer, Explanation, Status, StudyView, Suggestion
from tunesmith.suggestion._description import AlgorithmDescription, Capabilities
from tunesmith.suggestion._points import EXACT_UP_TO, Drawn, Points
from tunesmith.suggestion._registry import register
from tunesmith.suggestion._settings import PATH
from tunesmith.suggestion._told import Told, told
from tunesmith.suggestion.algorithms.random import EXHAUSTED

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tunesmith.suggestion._skopt import Fitted

    Floats = NDArray[np.float64]

LEARNS_FROM: Final = {"GP": 200, "GBRT": 500, "RF": 1000, "ET": 1000}
"""Trials that a model is fitted to, at most: a Gaussian process takes seconds beyond, and its time grows as n^3."""
HEDGE_LABEL: Final = "bayesian.hedge"
_NEEDS: Final = ("skopt", "sklearn")


@register
class Bayesian:
    """Fits a model to what is known, and proposes where it promises most."""

    description = AlgorithmDescription(
        name="bayesian",
        aliases=("bayesianoptimization",),
        summary="A model of the objective (Gaussian process or trees) proposes where most is to be gained.",
        description=(
            "For expensive trials, up to some hundreds of them: a proposal of the Gaussian process takes up to some "
            "seconds of computing. Begins with random points. Trials that run count as having the mean of the values "
            "known, failed ones the worst, and those stopped early that of a forecast of their ends. A model learns "
            "from the best and the latest trials, "
            f"{LEARNS_FROM['GP']} in all for GP, {LEARNS_FROM['GBRT']} for GBRT and {LEARNS_FROM['RF']:,} for RF and "
            "ET. Needs `pip install 'tunesmith[bayesian]'`."
        ),
        source=(
            "scikit-optimize; J. Mockus, Bayesian Approach to Global Optimization (1989); D. Jones, M. Schonlau and W. "
            "Welch, Efficient Global Optimization of Expensive Black-Box Functions, J. Global Optimization 13 (1998)."
        ),
        settings=(
            SettingDescription(
                "base_estimator",
                SettingType.STRING,
                "The model: Gaussian process, random forest, extra trees, or gradient boosted quantile trees.",
                "GP",
                choices=("GP", "RF", "ET", "GBRT"),
            ),
            SettingDescription(
                "n_initial_points", SettingType.INT, "Trials that end before a model is asked.", 10, min=0, max=10**6
            ),
            SettingDescription(
                "acq_func",
                SettingType.STRING,
                "Acquisition function: expected improvement, lower confidence bound, probability of improvement, or a "
                "choice among the three by what each has gained (gp_hedge).",
                "gp_hedge",
                choices=("gp_hedge", "LCB", "EI", "PI"),
            ),
            SettingDescription(
                "acq_optimizer",
                SettingType.STRING,
                "How the acquisition function is searched; lbfgs is for GP only, and what auto takes there.",
                "auto",
                choices=("auto", "sampling", "lbfgs"),
            ),
            SettingDescription(
                "n_points",
                SettingType.INT,
                "Random points at which the acquisition function is computed for each trial; fewer are quicker.",
                10_000,
                min=10,
                max=10**6,
            ),
        ),
        capabilities=Capabilities(uses_values=True, uses_steps=True),
        heavy=True,
    )

    def check(self, spec: StudySpec, settings: Settings) -> list[Mistake]:
        """Refuse what scikit-optimize cannot do, and everything when it is not installed."""
        if missing := [name for name in _NEEDS if importlib.util.find_spec(name) is None]:
            needs = f"needs scikit-optimize: `pip install 'tunesmith[bayesian]'` (missing: {', '.join(missing)})"
            return [Mistake("spec.algorithm.name", needs)]
        if settings["acq_optimizer"] == "lbfgs" and settings["base_estimator"] != "GP":
            rule = "`lbfgs` needs gradients, which only base_estimator GP has, but got"
            return [Mistake(f"{PATH}.acq_optimizer", f"{rule} (base_estimator={settings['base_estimator']})")]
        return []

    def suggest(self, study: StudyView, names: Sequence[tuple[str, int]]) -> Answer:
        """Propose for each trial as if those before it were running."""
        points, suggestions = Points(study), list[Suggestion]()
        pending = list[list[float]]()
        hedge = study.latest_label(HEDGE_LABEL)
        for name, number in names:
            known = told(study, pending, LEARNS_FROM[str(study.settings["base_estimator"])])
            if known is None or known.finished < study.settings.integer("n_initial_points"):
                suggestion = _made(name, "startup", points.draw(number), {})
            else:
                suggestion = _propose(study, points, name, number, known, hedge)
            if suggestion is None:
                return Answer(tuple(suggestions), Status.EXHAUSTED, EXHAUSTED)
            suggestions.append(suggestion)
            pending.append(study.spec.space.encode(suggestion.assignment))
            hedge = suggestion.labels.get(HEDGE_LABEL, hedge)
        return Answer(tuple(suggestions))


def _propose(study: StudyView, points: Points, name: str, number: int, known: Told, hedge: str) -> Suggestion | None:
    """Fit the model, and take its proposal or the best of what else can be taken; None: no point is left."""
    import numpy as np

    from tunesmith.suggestion import _skopt

    space, settings = study.spec.space, study.settings
    places = [i for i, parameter in enumerate(space.parameters) if parameter.domain.count() != 1]
    if (count := space.count(EXACT_UP_TO)) is not None and count <= len(study.tried):
        return _suggestion(name, points, [], number, "", {})
    axes = [_skopt.Axis.of(space.parameters[i].domain) for i in places]
    rng = np.random.default_rng([study.seed, number])
    fitted = _skopt.fit(
        axes,
        known.units[:, places],
        known.losses,
        estimator=str(settings["base_estimator"]),
        acquisition=str(settings["acq_func"]),
        method=str(settings["acq_optimizer"]),
        looks=settings.integer("n_points"),
        seed=int(rng.integers(2**31)),
        before=_read_hedge(hedge, len(places)),
    )
    text = f"{settings['base_estimator']} fitted to {len(known.losses)} trials, {settings['acq_func']}"
    return _suggestion(name, points, _candidates(fitted, space, places, rng), number, text, _hedge_label(fitted))


def _suggestion(
    name: str,
    points: Points,
    candidates: "Iterator[Assignment] | Sequence[Assignment]",
    number: int,
    text: str,
    labels: dict[str, str],
) -> Suggestion | None:
    return _made(name, "bayesian", points.pick(candidates, number, text), labels)


def _made(name: str, model: str, drawn: Drawn | None, labels: dict[str, str]) -> Suggestion | None:
    if drawn is None:
        return None
    return Suggestion(name, drawn.assignment, Explanation(model, drawn.text), labels)


def _candidates(
    fitted: "Fitted", space: SearchSpace, places: Sequence[int], rng: "np.random.Generator"
) -> Iterator[Assignment]:
    """The proposal, what the other acquisition functions nominated, then random points by expected improvement."""
    from tunesmith.suggestion._skopt import SPARE

    def whole(unit: Sequence[float]) -> Assignment:
        everywhere = [0.5] * len(space.parameters)
        for place, coordinate in zip(places, unit, strict=True):
            everywhere[place] = coordinate
        return space.decode(everywhere)

    yield whole(fitted.proposal)
    yield from map(whole, fitted.nominees.tolist())
    yield from map(whole, fitted.ranked(rng.random((SPARE, len(places)))))


def _hedge_label(fitted: "Fitted") -> dict[str, str]:
    if not len(fitted.gains):
        return {}
    text = json.dumps([fitted.nominees.round(6).tolist(), fitted.gains.tolist()], separators=(",", ":"))
    return {HEDGE_LABEL: text}


def _read_hedge(label: str, dimensions: int) -> "tuple[Floats, Floats] | None":
    """Nominees and gains of a label, which anybody may have written; None: it holds none that fit."""
    import numpy as np

    try:
        nominees, gains = (np.array(part, dtype=float) for part in json.loads(label))
    except (ValueError, TypeError):
        return None
    fits = nominees.shape == (3, dimensions) and gains.shape == (3,)
    sane = fits and np.isfinite(gains).all() and ((nominees >= 0) & (nominees <= 1)).all()
    return (nominees, gains) if sane and math.isfinite(float(np.abs(gains).sum())) else None
