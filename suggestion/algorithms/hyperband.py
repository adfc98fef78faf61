"""Hyperband: successive halving with several trade-offs between many configurations and much resource."""

from collections.abc import Sequence

from tunesmith.services.settings import SettingDescription, Settings, SettingType
from tunesmith.study import CategoricalDomain, Mistake, Parameter, StudySpec
from tunesmith.suggestion._algorithm import Answer, Explanation, StudyView, Suggestion
from tunesmith.suggestion._brackets import Plan, levels
from tunesmith.suggestion._description import AlgorithmDescription, Capabilities
from tunesmith.suggestion._halving import Turn
from tunesmith.suggestion._points import Points
from tunesmith.suggestion._registry import register
from tunesmith.suggestion._settings import PATH

RESOURCE, MOST, ETA = "resource_name", "r_l", "eta"


@register
class Hyperband:
    """Gives many configurations little of a resource, and the best of them more."""

    description = AlgorithmDescription(
        name="hyperband",
        summary="Many configurations with little of a resource (epochs, data), the best of them again with more.",
        description=(
            "For trials that can be cut short: `resource_name` names a parameter, such as epochs, whose value decides "
            "how long a trial takes. A bracket begins with many random configurations at a small resource; of each "
            "rung, the best 1/eta go on with eta times the resource, up to the largest. Brackets differ in how small "
            "they begin, and begin again with new configurations until `limits.trials`. A promotion is a new trial "
            "whose parent is the promoted one: it starts from a copy of its checkpoint. A rung is complete when its "
            "trials have ended; failed and stopped ones are not promoted, and never block it. Meanwhile the next "
            "bracket begins, so that parallel trials keep running."
        ),
        source="L. Li, K. Jamieson, G. DeSalvo, A. Rostamizadeh, A. Talwalkar, JMLR 18 (2018).",
        settings=(
            SettingDescription(
                RESOURCE,
                SettingType.STRING,
                "Needed: the parameter (int, double or discrete, above 0, without `when`) with the resource.",
                aliases=("resource",),
            ),
            SettingDescription(MOST, SettingType.DOUBLE, "Largest resource; absent: the largest of the parameter."),
            SettingDescription(ETA, SettingType.INT, "Of each rung, the best 1/eta are promoted.", 3, min=2, max=1000),
        ),
        capabilities=Capabilities(multi_fidelity=True, uses_values=True),
    )

    def check(self, spec: StudySpec, settings: Settings) -> list[Mistake]:
        """Refuse a resource that is no parameter which always has a positive number."""
        name = settings[RESOURCE]
        if name is None:
            return [Mistake(f"{PATH}.{RESOURCE}", "must name the parameter that carries the resource, but is absent")]
        found = [parameter for parameter in spec.space.parameters if parameter.name == name]
        if not found:
            names = ", ".join(spec.space.names)[:200]
            return [
                Mistake(f"{PATH}.{RESOURCE}", f"must be one of the parameters ({names}), but got {str(name)[:80]!r}")
            ]
        problem = _unfit(found[0], spec)
        if problem:
            return [Mistake(f"{PATH}.{RESOURCE}", problem)]
        least, most = found[0].domain.choices(2)[0], found[0].domain.choices(2)[-1]
        given = settings[MOST]
        if given is not None and not float(least) <= float(given) <= float(most):
            bounds = f"(r_l={given}, min={least}, max={most})"
            return [Mistake(f"{PATH}.{MOST}", f"`min <= r_l <= max` of {str(name)[:80]!r} must hold, but got {bounds}")]
        return []

    def remarks(self, spec: StudySpec, settings: Settings) -> list[str]:
        """Say when the trials do not suffice for one run of all brackets."""
        plan = plan_of(spec, settings)
        trials, whole = spec.limits.trials, sum(rung.size for one in plan.brackets for rung in one.rungs)
        if trials is None or trials >= whole:
            return []
        first = sum(rung.size for rung in plan.brackets[0].rungs)
        return [
            f"one run of all brackets of `hyperband` takes {whole} trials, its first bracket {first}, and "
            f"`limits.trials` is {trials}"
        ]

    def suggest(self, study: StudyView, names: Sequence[tuple[str, int]]) -> Answer:
        """Promote what can be promoted; begin with new configurations for the other trials."""
        turn = Turn(study, plan_of(study.spec, study.settings), Points(study))
        suggestions: list[Suggestion] = []
        moves = turn.moves()
        for name, number in names:
            turn.number, turn.before = number, len(study.history) + len(suggestions)
            suggestion = next(moves, None)
            if suggestion is None:
                return Answer(tuple(suggestions), turn.status, turn.message)
            assignment, explanation, place, parent = suggestion
            labels = turn.plan.labels(place)
            suggestions.append(Suggestion(name, assignment, Explanation("hyperband", explanation), labels, parent))
        return Answer(tuple(suggestions))


def _unfit(parameter: Parameter, spec: StudySpec) -> str | None:
    """Why a parameter cannot carry the resource; None: it can."""
    if isinstance(parameter.domain, CategoricalDomain):
        return "must be an int, a double or a discrete parameter, but got a categorical one"
    if parameter.when:
        return "must always be active, but the parameter has `when`"
    if (least := float(parameter.domain.choices(2)[0])) <= 0:
        return f"`min > 0` of the parameter must hold, but got (min={least:g})"
    dependent = [
        other.name for other in spec.space.parameters for when in other.when if when.parameter == parameter.name
    ]
    if dependent:
        return f"must not be a condition of another parameter, but {dependent[0][:80]!r} depends on it"
    return None


def plan_of(spec: StudySpec, settings: Settings) -> Plan:
    """The schedule of a study whose settings were checked."""
    name, eta = str(settings[RESOURCE]), settings.integer(ETA)
    (domain,) = [parameter.domain for parameter in spec.space.parameters if parameter.name == name]
    most = None if settings[MOST] is None else settings.number(MOST)
    return Plan(name, eta, levels(domain, eta, most))
