"""Trials in any order, filtered, a page at a time. A page costs one look at the study's trials and reads its own."""

from typing import Any

from sqlalchemy import Select, and_, bindparam, func, or_, select

from tunesmith.manager.storage import _tables as t
from tunesmith.manager.storage import _trial_rows as rows
from tunesmith.manager.storage._head import Head
from tunesmith.manager.storage._keys import LAST_NUMBER, number_of, trial_id
from tunesmith.manager.storage._rows import TrialCursor, TrialPage, TrialQuery, TrialRow
from tunesmith.manager.storage._text import clean
from tunesmith.manager.storage._trial_keys import Expression, Key, contains, key_of, within
from tunesmith.manager.storage._trials import Trials
from tunesmith.services.errors import FixRequest
from tunesmith.study import SearchSpace

_c = t.trials.c
_BY_IDS = rows.SELECT.where(_c.id.in_(bindparam("ids", expanding=True)))


class TrialPages(Trials):
    """The part of a transaction that finds trials."""

    def find_trials(
        self, uid: str, query: TrialQuery, after: TrialCursor | None = None, skip: int = 0, limit: int = 1000
    ) -> TrialPage:
        """A page of the trials that are chosen.

        Args:
            uid: The study.
            query: Which trials, in which order.
            after: Where the page before ended; None: from the beginning. It holds also when trials were added or
                changed meanwhile: whatever kept its place is seen once.
            skip: How many more are left out before the page.
            limit: How many there are on the page.

        Raises:
            NotFound: No such study.
            FixRequest: No such field.
        """
        head = self._head(uid)
        space = self._job(head).spec.space
        chosen = self._conditions(query, space)
        if query.order == "number":
            page = _by_number(head.id, chosen, query.descending, after)
        else:
            key = key_of(query.order, self._dialect, space, "order_by")
            page = _by_key(key, [_of(head.id), *chosen], query.descending, after)
        found = self._all(page.offset(skip).limit(limit + 1))
        trials = self._trials_by_id([row[0] for row in found[:limit]], uid)
        last = found[limit - 1] if len(found) > limit else None
        end = None if last is None else TrialCursor(last[1], number_of(last[0]))
        return TrialPage(tuple(trials), end, self._total(head, query, chosen))

    def _conditions(self, query: TrialQuery, space: SearchSpace) -> list[Expression]:
        found: list[Expression] = [_c.state.in_([state.value for state in query.states])] if query.states else []
        found += [contains(word, self._dialect) for word in query.search.split()]
        for index, wanted in enumerate(query.ranges):
            found.append(within(wanted, self._dialect, space, f"ranges[{index}]"))
        return found

    def _trials_by_id(self, ids: list[int], uid: str) -> list[TrialRow]:
        found = {row[0]: rows.read_trial(row, uid) for row in self._all(_BY_IDS, {"ids": ids})} if ids else {}
        return [found[id] for id in ids]

    def _total(self, head: Head, query: TrialQuery, chosen: list[Expression]) -> int:
        """How many there are; the study's row knows it where only states were asked for."""
        if query.search.split() or query.ranges:
            return int(self._scalar(select(func.count()).select_from(t.trials).where(_of(head.id), *chosen), {}))
        return sum(count for state, count in head.counts.items() if not query.states or state in query.states)


def _of(study_id: int, first: int = 0, last: int = LAST_NUMBER) -> Expression:
    """The trials of a study, from number `first` to number `last`; they lie together."""
    return _c.id.between(trial_id(study_id, first), trial_id(study_id, last))


def _by_number(
    study_id: int, chosen: list[Expression], descending: bool, after: TrialCursor | None
) -> Select[tuple[int, int]]:
    """Ids and numbers as the trials lie: nothing is sorted, and no trial before the page is read."""
    found = select(_c.id, _c.number).where(*chosen).order_by(_c.id.desc() if descending else _c.id)
    if after is None:
        return found.where(_of(study_id))
    number = min(after.number, LAST_NUMBER)
    if descending:
        return found.where(_of(study_id, 0, number), _c.number < number)
    return found.where(_of(study_id, number), _c.number > number)


def _by_key(
    key: Key, conditions: list[Expression], descending: bool, after: TrialCursor | None
) -> Select[tuple[int, Any]]:
    """Ids and keys in order, after a cursor. Raises FixRequest for a cursor of another order."""
    inner = select(_c.id, _c.number, key.expression.label("key")).where(*conditions).subquery()
    place, number = inner.c.key, inner.c.number
    found = select(inner.c.id, place).order_by(place.is_(None), place.desc() if descending else place, number)
    if after is None:
        return found
    if after.key is None:
        return found.where(place.is_(None), number > after.number)
    if isinstance(after.key, str) is not key.text:
        raise FixRequest(f"a page must begin in the order that is asked for, but got {after.key!r:.80}")
    mark = clean(after.key) if isinstance(after.key, str) else after.key
    beyond = place < mark if descending else place > mark
    return found.where(or_(beyond, and_(place == mark, number > after.number), place.is_(None)))
