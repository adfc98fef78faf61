"""What must hold of a study before a rule sees it, whichever rule that is."""

from tunesmith.earlystop._rule import Remarking, Rule
from tunesmith.earlystop._settings import read_settings
from tunesmith.services.settings import Settings
from tunesmith.study import Mistake, ParameterValue, StudySpec


def read_study(rule: Rule, spec: StudySpec) -> tuple[Settings, list[Mistake]]:
    """Read the settings of a study, and list what the rule cannot work with."""
    called, given = rule.description, dict[str, ParameterValue]()
    if spec.early_stopping is not None:
        called, given = called.called(spec.early_stopping.name), dict(spec.early_stopping.settings)
    settings, mistakes = read_settings(called, given)
    if len(spec.objectives) > 1:
        message = f"rule {rule.description.name!r} works with one objective, but got {len(spec.objectives)}"
        mistakes.append(Mistake("spec.objectives", message))
    return settings, mistakes or rule.check(spec, settings)


def warnings(rule: Rule, spec: StudySpec, settings: Settings) -> list[str]:
    """List remarks that do not prevent a study."""
    return list(rule.remarks(spec, settings)) if isinstance(rule, Remarking) else []
