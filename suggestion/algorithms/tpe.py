"""Tree-structured Parzen estimators: new trials where good ones are dense and others are not."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunesmith.services.settings import SettingDescription, Settings, SettingType
from tunesmith.study import Assignment, Mistake, StudySpec
from tunesmith.suggestion._algorithm import Answer, Explanation, Status, StudyView, Suggestion
from tunesmith.suggestion._description import AlgorithmDescription, Capabilities
from tunesmith.suggestion._ends import Ends
from tunesmith.suggestion._points import Points
from tunesmith.suggestion._registry import register
from tunesmith.suggestion._settings import PATH
from tunesmith.suggestion._start import space_filling
from tunesmith.suggestion._table import Standing, table_of
from tunesmith.suggestion._tpe_candidates import Candidate, Candidates
from tunesmith.suggestion._tpe_groups import Evidence, Group, groups_of
from tunesmith.suggestion._tpe_trials import MOST_GOOD, Trials
from tunesmith.suggestion.algorithms.random import EXHAUSTED

_SETTINGS = (
    SettingDescription(
        "n_startup_trials",
        SettingType.INT,
        "Trials that must have a value before the model is asked; until then they follow a Sobol sequence.",
        default=10,
        min=0,
        max=10**6,
    ),
    SettingDescription(
        "n_ei_candidates",
        SettingType.INT,
        "Candidates for each trial, of which the best is proposed.",
        default=24,
        min=1,
        max=10**4,
        aliases=("n_EI_candidates",),
    ),
    SettingDescription(
        "gamma",
        SettingType.DOUBLE,
        f"Share of the trials with a value that count as good, {MOST_GOOD} at most; between 0 and 1, both excluded.",
        default=0.1,
        min=0,
        max=1,
    ),
    SettingDescription(
        "prior_weight",
        SettingType.DOUBLE,
        "Weight of the search space's own distribution beside the trials, each of which has 1 at most; above 0.",
        default=1.0,
        min=0,
        max=1e6,
    ),
)
_MULTIVARIATE = SettingDescription(
    "multivariate",
    SettingType.BOOL,
    "Whether parameters are chosen together, as they went together in good trials, rather than each for itself.",
    default=True,
)
_SOURCE = (
    "J. Bergstra et al., Algorithms for Hyper-Parameter Optimization, NIPS 2011; S. Falkner et al., BOHB, ICML 2018 "
    "(multivariate kernels); S. Watanabe, Tree-Structured Parzen Estimator, arXiv 2304.11127 (2023). Weights and "
    "widths of kernels are those of Optuna 5, but that good trials may have narrower ones in a continuum."
)
_HOW = (
    "Divides the trials into good ones and others, estimates a density of each, and proposes what is likely among the "
    "good and unlikely among the others. Takes every kind of parameter, conditions and constraints, any number of "
    "pending trials (which count as others, so that trials at once are spread), and stays fast with ten thousand "
    "trials. Failed trials count as others, too. Of trials that were stopped early it forecasts where they would have "
    "ended, by their parameters and by how others went on."
)


class _Tpe:
    """What `tpe` and `multivariate-tpe` have in common."""

    def check(self, spec: StudySpec, settings: Settings) -> list[Mistake]:
        """Refuse the bounds that are excluded."""
        rules = {"gamma": ("0 < gamma < 1", 1.0), "prior_weight": ("prior_weight > 0", np.inf)}
        return [
            Mistake(f"{PATH}.{name}", f"`{rule}` must hold, but got {settings.number(name)!r}")
            for name, (rule, high) in rules.items()
            if not 0 < settings.number(name) < high
        ]

    def suggest(self, study: StudyView, names: Sequence[tuple[str, int]]) -> Answer:
        """Choose one trial after the other, each with those before it pending."""
        table = table_of(study)
        trials = Trials.of(table, ends := Ends.of(study))
        if trials.finished < (wanted := study.settings.integer("n_startup_trials")):
            return space_filling(study, names, f"the model is asked when {wanted} trials have a value")
        joint = study.settings.get("multivariate") is not False
        asked = _Asked(study, Points(study), groups_of(study.spec.space, joint), int(ends.forecast.sum()))
        suggestions: list[Suggestion] = []
        for name, number in names:
            if (suggestion := asked.choose(name, number, trials)) is None:
                return Answer(tuple(suggestions), Status.EXHAUSTED, EXHAUSTED)
            suggestions.append(suggestion)
            if len(suggestions) < len(names):
                trials = trials.with_pending(number, study.spec.space.encode(suggestion.assignment, inactive=np.nan))
        return Answer(tuple(suggestions))


@dataclass(frozen=True, slots=True)
class _Asked:
    """An answer that is being made."""

    study: StudyView
    points: Points
    groups: Sequence[Group]
    forecast: int
    """How many trials count by a forecast of their ends."""

    def choose(self, name: str, number: int, trials: Trials) -> Suggestion | None:
        """Choose a trial; None when no point is left."""
        settings, good = self.study.settings, trials.good(self.study.settings.number("gamma"))
        candidates = Candidates(
            self.study.spec.space,
            self.groups,
            Evidence(trials.units, good, settings.number("prior_weight")),
            settings.integer("n_ei_candidates"),
            np.random.default_rng([self.study.seed, number]),
        )
        offered: list[Candidate] = []
        drawn = self.points.pick(_assignments(candidates, offered), number, "")
        if drawn is None:
            return None
        if offered and drawn.assignment is offered[-1].assignment:
            explanation = self._explained(trials, good, offered[-1].score, len(offered))
        else:
            explanation = Explanation("random", f"none of the candidates was allowed and new, so {drawn.text}")
        return Suggestion(name, drawn.assignment, explanation)

    def _explained(self, trials: Trials, good: NDArray[np.bool_], score: float, place: int) -> Explanation:
        """Say what a chosen candidate was learned from."""
        best = int(np.count_nonzero(good))
        pending, failed = (
            int(np.count_nonzero(trials.standings == one)) for one in (Standing.PENDING, Standing.FAILED)
        )
        forecast = f"; of {self.forecast} that were stopped the ends are forecast" if self.forecast else ""
        text = (
            f"e^{score:.2f} times as dense in the {best} good trials as in the {len(good) - best} others "
            f"({pending} of them pending, {failed} failed){forecast}; candidate {place}, best first"
        )
        return Explanation("tpe", text, score)


def _assignments(candidates: Iterable[Candidate], offered: list[Candidate]) -> Iterator[Assignment]:
    """Give the candidates' assignments, and note what was asked for."""
    for candidate in candidates:
        offered.append(candidate)
        yield candidate.assignment


@register
class Tpe(_Tpe):
    """Parzen estimators, over all parameters together unless told otherwise."""

    description = AlgorithmDescription(
        name="tpe",
        summary="Learns from good and bad trials where to look next; any space, any number of trials at once.",
        description=f"{_HOW} This is the method of Optuna 5's default, with a Sobol sequence to begin with.",
        source=_SOURCE,
        settings=(*_SETTINGS, _MULTIVARIATE),
        capabilities=Capabilities(uses_values=True, uses_steps=True),
    )


@register
class MultivariateTpe(_Tpe):
    """Parzen estimators over all parameters together."""

    description = AlgorithmDescription(
        name="multivariate-tpe",
        summary="As tpe, by the name under which Katib and older Optuna have it.",
        description=(
            f"{_HOW} The same as `tpe`, which chooses parameters together by default too; here it cannot be turned off."
        ),
        source=_SOURCE,
        settings=_SETTINGS,
        capabilities=Capabilities(uses_values=True, uses_steps=True),
    )
