"""Constraints: CEL expressions over the values of parameters, that hold or do not.

Expressions are strings in a YAML document: quote one that begins with `!`, `[`, `{`, a quote or `&`, or that holds `: `
or ` #`. `params.NAME` is a parameter's value, and `params["NAME"]` where the name has a '-' or '.'. Every number is a
double, so a literal that is computed with needs a point (`2.0 * params.x`); comparing with `2` is fine. An expression
that names an inactive parameter holds, so none has to ask for it, by `has(params.x)` or otherwise.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

from tunesmith.study._cel import compiled, context, syntax_error
from tunesmith.study._cel_text import Token, bound_names, parameter_names, tokens
from tunesmith.study._domains import Domain
from tunesmith.study._listed import ListedDomain
from tunesmith.study._quick import Kind, Point, quick
from tunesmith.study._tryout import describe, first_sentence, mistyped
from tunesmith.study._values import is_number

MAX_LENGTH = 4096
_TYPE_NAMES = frozenset(["bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type", "type"])


@dataclass(frozen=True, slots=True)
class Constraint:
    """An expression and the parameters it names, with the one kind of value that each has, or None for several."""

    text: str
    names: tuple[str, ...]
    kinds: tuple[Kind | None, ...]

    def judge(self) -> Callable[[Point], bool]:
        """A function that says whether an assignment satisfies the constraint.

        It does where a parameter is inactive, that is, not in the assignment; not where nothing can be computed.
        """
        return _judge(self)

    def broken(self, assignment: Point) -> str | None:
        """What to say of an assignment that does not satisfy the constraint; None when it does."""
        if self.judge()(assignment):
            return None
        point = {name: assignment[name] for name in self.names}
        try:
            compiled(self.text).execute(context(point))
        except Exception as error:
            return f"`{self.text}` must hold, but cannot be computed: {first_sentence(error)}; {describe(point)}"
        return f"`{self.text}` must hold, but got {describe(point)}"


@lru_cache(maxsize=1024)
def _judge(constraint: Constraint) -> Callable[[Point], bool]:
    names = constraint.names
    plain = quick(constraint.text, dict(zip(names, constraint.kinds, strict=True)))

    def holds(point: Point) -> bool:
        for name in names:
            if name not in point:
                return True
        if plain:
            try:
                return plain(point)
            except Exception:  # not plain at this point, or not even a point of the space
                pass
        return _ask_cel(constraint, point)

    return holds


def _ask_cel(constraint: Constraint, point: Point) -> bool:
    values = {name: point[name] for name in constraint.names}
    try:
        return compiled(constraint.text).execute(context(values)) is True
    except Exception:  # whatever the interpreter raises, there is no value
        return False


def read_constraints(
    texts: Sequence[str], domains: Mapping[str, Domain | None]
) -> tuple[tuple[Constraint, ...], list[tuple[str, str]]]:
    """The constraints that `texts` state, and (path, message) pairs for those that are wrong."""
    read = [read_constraint(text, domains) for text in texts]
    wrong = [(f"constraints[{index}]", rule) for index, (_, rule) in enumerate(read) if rule]
    return tuple(constraint for constraint, _ in read if constraint), wrong


def read_constraint(text: str, domains: Mapping[str, Domain | None]) -> tuple[Constraint | None, str | None]:
    """The constraint that `text` states, or None and what is wrong with it.

    `domains` has the parameters; those with mistakes of their own have None, and nothing is computed with them.
    """
    if len(text) > MAX_LENGTH:
        return None, f"must have at most {MAX_LENGTH} characters, but got {len(text)}"
    try:
        variables = compiled(text).variables()
    except ValueError as error:
        return None, f"`{text}` must be a CEL expression: {syntax_error(error)}"
    pieces = tokens(text)
    names, strange = parameter_names(pieces)
    free = set(variables) - _TYPE_NAMES - bound_names(pieces) - {"params"}
    wrong = _misnamed(names, strange, sorted(free), domains)
    known = [(name, domain) for name in names if (domain := domains.get(name))]
    if wrong is None and len(known) == len(names):
        wrong = mistyped(text, tuple(known))
    if wrong:
        return None, f"`{text}` {wrong}"
    return Constraint(text, tuple(names), tuple(map(_kind, map(domains.get, names)))), None


def _kind(domain: Domain | None) -> Kind | None:
    """The one kind that all values of a domain have."""
    values = domain.values if isinstance(domain, ListedDomain) else (0.0,)
    kinds = {float if is_number(value) else type(value) for value in values}
    return kinds.pop() if len(kinds) == 1 else None


def _misnamed(
    names: Sequence[str], strange: Sequence[Token], free: Sequence[str], known: Mapping[str, object]
) -> str | None:
    """What is wrong with the names that an expression uses, the first thing only."""
    if strange:
        return 'must use `params` only as params.NAME or params["NAME"] of one parameter'
    for name in names:
        if name not in known:
            return f"names an unknown parameter `{name}`{_hint(name, known)}"
    for name in free:
        return f"uses an unknown name `{name}`" + (f": write params.{name}" if name in known else "")
    return None if names else "must name at least one parameter"


def _hint(name: str, known: Mapping[str, object]) -> str:
    """What may be meant by a parameter's name that does not exist."""
    for whole in known:
        if re.match(rf"{re.escape(name)}[.-]", whole):
            return f": write params[\"{whole}\"] for a name with a '-' or '.'"
    close = get_close_matches(name, known, n=1)
    return f": did you mean `{close[0]}`?" if close else ""
