"""What an algorithm says of itself: for people who choose one, and for the manager that must know what it can do."""

from dataclasses import dataclass

from tunesmith.services.settings import SettingDescription


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an algorithm can work with. A study that needs more is refused before it exists.

    `max_useful_trials`: more trials than this bring nothing; 0: no such number. `uses_values`: a proposal depends on
    values of finished trials, so that none may be asked for ahead of time. `uses_steps`: in studies that stop trials
    early, the algorithm wants values at resource steps.
    """

    conditional: bool = True
    constraints: bool = True
    multi_objective: bool = False
    multi_fidelity: bool = False
    max_useful_trials: int = 0
    uses_values: bool = False
    uses_steps: bool = False


@dataclass(frozen=True, slots=True)
class AlgorithmDescription:
    """One algorithm. `summary` is one line, `description` a paragraph, `source` the paper or origin of the method.

    `heavy`: a call takes more than a fraction of a second of computing, so that it must not hold up the quick ones.
    `any_settings`: whatever is given as a setting is somebody else's to check.
    """

    name: str
    summary: str
    description: str
    source: str
    settings: tuple[SettingDescription, ...] = ()
    aliases: tuple[str, ...] = ()
    capabilities: Capabilities = Capabilities()
    heavy: bool = False
    any_settings: bool = False
