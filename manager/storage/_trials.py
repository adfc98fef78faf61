"""Trials: added, found, listed."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import bindparam, select

from tunesmith.manager.storage import _tables as t
from tunesmith.manager.storage import _trial_rows as rows
from tunesmith.manager.storage._base import Base
from tunesmith.manager.storage._head import Head
from tunesmith.manager.storage._keys import LAST_NUMBER, number_of, trial_id, unsigned
from tunesmith.manager.storage._rows import NewTrial, TrialRow
from tunesmith.manager.storage._text import clean, to_json
from tunesmith.services.errors import NotFound
from tunesmith.study import TrialState
from tunesmith.study.naming import trial_name

_BY_ID = rows.SELECT.where(t.trials.c.id == bindparam("id"))
_LIVE = rows.SELECT.where(t.trials.c.study_id == bindparam("study"), t.LIVE_TRIALS).order_by(t.trials.c.number)
_LIST = (
    rows.SELECT.where(t.trials.c.id > bindparam("after"), t.trials.c.id <= bindparam("last"))
    .order_by(t.trials.c.id)
    .limit(bindparam("most"))
)
_IN_STATES = _LIST.where(t.trials.c.state.in_(bindparam("states", expanding=True)))
_SINCE = (
    rows.SELECT.where(t.trials.c.study_id == bindparam("study"), t.trials.c.revision > bindparam("revision"))
    .order_by(t.trials.c.revision)
    .limit(bindparam("most"))
)
_DIGEST = select(t.events.c.digest).where(
    t.events.c.study_id == bindparam("study"), t.events.c.revision == bindparam("revision")
)
_STUDY_ID = select(t.studies.c.id).where(t.studies.c.uid == bindparam("uid"))

_MAX_DIGITS: Final = len(str(LAST_NUMBER))


class Trials(Base):
    """The part of a transaction that adds and reads trials."""

    def add_trials(self, uid: str, trials: Sequence[NewTrial], now: float) -> list[TrialRow]:
        """Add trials in state Pending with the next numbers, and an event for each. Raises NotFound."""
        self._check_writable()
        head = self._head(uid)
        added = [self._add_trial(head, trial, now) for trial in trials]
        for trial in added:
            self._later.add(trial)
            self._live.put_trial(trial)
        return added

    def live_trials(self, uid: str) -> list[TrialRow]:
        """Pending and Running trials by number. Raises NotFound."""
        study_id = self._study_id(uid)
        if (known := self._live.live_trials(study_id)) is not None:
            return known
        found = [rows.read_trial(row, uid) for row in self._all(_LIVE, {"study": study_id})]
        if self._writable:
            self._live.put_live_trials(study_id, found)
        return found

    def trial(self, uid: str, number: int) -> TrialRow:
        """The trial. Raises NotFound."""
        found = self._trial_of(self._study_id(uid), uid, number)
        if found is None:
            raise NotFound(f"there is no trial {number} in the study with uid {uid!r}")
        return found

    def trial_by_id(self, trial_id: int) -> TrialRow:
        """The trial. Raises NotFound."""
        return self._trial(self._head_of_trial(trial_id), trial_id)

    def find_trial(self, uid: str, name_or_number: str) -> TrialRow:
        """The trial by its name, or by its number in decimal digits. Raises NotFound."""
        study_id = self._study_id(uid)
        found = self._trial_of(study_id, uid, _number_in(name_or_number))
        if found is None or name_or_number not in (found.name, str(found.number)):
            raise NotFound(f"there is no trial {name_or_number[:80]!r} in the study with uid {uid!r}")
        return found

    def list_trials(
        self, uid: str, states: Sequence[TrialState] = (), after: int = -1, limit: int = 1000
    ) -> list[TrialRow]:
        """Trials by number, after number `after`; empty `states`: all. Raises NotFound without the study."""
        study_id = self._study_id(uid)
        first, last = trial_id(study_id, 0), trial_id(study_id, LAST_NUMBER)
        page = {"after": first + min(max(after, -1), LAST_NUMBER), "last": last, "most": limit}
        if states:
            found = self._all(_IN_STATES, {**page, "states": [state.value for state in states]})
        else:
            found = self._all(_LIST, page)
        return [rows.read_trial(row, uid) for row in found]

    def trials_since(self, uid: str, revision: int, limit: int = 1000) -> list[TrialRow]:
        """Trials that changed after `revision`, in the order of their revisions. Raises NotFound without the study."""
        found = self._all(_SINCE, {"study": self._study_id(uid), "revision": revision, "most": limit})
        return [rows.read_trial(row, uid) for row in found]

    def digest_at(self, uid: str, revision: int) -> int | None:
        """The study's digest at a revision it had, unsigned; None: it never had that revision. Raises NotFound."""
        study_id = self._study_id(uid)
        if revision == 0:
            return 0
        stored = self._scalar(_DIGEST, {"study": study_id, "revision": revision})
        return None if stored is None else unsigned(stored)

    def _study_id(self, uid: str) -> int:
        if (head := self._live.head_of(uid)) is not None:
            return head.id
        if self._writable:
            return self._head(uid).id  # locks the study: what is read now holds until the transaction ends
        study_id: int | None = self._scalar(_STUDY_ID, {"uid": uid})
        if study_id is None:
            raise NotFound(f"there is no study with uid {uid!r}")
        return study_id

    def _trial(self, head: Head, trial_id: int) -> TrialRow:
        found = self._trial_of(head.id, head.uid, number_of(trial_id))
        if found is None:
            raise NotFound(f"there is no trial with id {trial_id}")
        return found

    def _trial_of(self, study_id: int, uid: str, number: int) -> TrialRow | None:
        if not 0 <= number <= LAST_NUMBER:
            return None
        key = trial_id(study_id, number)
        trial = self._live.trials.get(key)
        if trial is None and (row := self._one(_BY_ID, {"id": key})) is not None:
            trial = rows.read_trial(row, uid)
            if self._writable:
                self._live.put_trial(trial)
        return trial

    def _add_trial(self, head: Head, new: NewTrial, now: float) -> TrialRow:
        """Count one trial more, and note it."""
        number, assignment = head.next_number, dict(new.assignment)
        head.next_number += 1
        head.initial_used += new.from_initial
        head.counts[TrialState.PENDING] += 1
        head.advance(number, TrialState.PENDING, None, to_json(assignment))
        self._note(head, number, TrialState.PENDING.value, "created", "", now, revised=True)
        return TrialRow(
            id=trial_id(head.id, number),
            uid=head.uid,
            number=number,
            name=trial_name(head.name, head.uid, number),
            state=TrialState.PENDING,
            reason="",
            message="",
            assignment=assignment,
            value=None,
            labels=rows.clean_labels(new.labels),
            parent=new.parent,
            group=clean(new.group),
            explanation=new.explanation,
            completion_rank=0,
            revision=head.revision,
            digest=head.digest,
            attempt=0,
            attempt_open=False,
            failures=0,
            not_before=None,
            stop_kind=None,
            stop_reason=None,
            stop_time=None,
            created=now,
            started=None,
            finished=None,
            attempt_started=None,
        )


def _number_in(name_or_number: str) -> int:
    """The number in a trial's name, `<study>-<number>-<5 chars>`; -1 without one."""
    parts = name_or_number.rsplit("-", 2)
    digits = parts[1] if len(parts) == 3 else name_or_number
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS else -1
