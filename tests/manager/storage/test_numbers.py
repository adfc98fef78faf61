"""What the store computes without a database: summaries in bulk, runs of sequences, texts, keys."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.store_samples import NOW, make_job

from tunesmith.manager.storage import ObservationRow
from tunesmith.manager.storage._keys import LAST_NUMBER, number_of, study_of, trial_id
from tunesmith.manager.storage._ledger import Ledger, Source
from tunesmith.manager.storage._numbers import add_all, evenly, kind_of, spans, value_of
from tunesmith.manager.storage._text import MESSAGE, clean, clean_message, from_json, to_json
from tunesmith.study import MetricSummary

finite = st.floats(allow_nan=False, allow_infinity=False)
rows = st.lists(
    st.builds(
        ObservationRow,
        st.sampled_from(["acc", "loss"]),
        st.floats(),
        st.none() | st.integers(-(2**70), 2**70),
        st.just(NOW),
        st.sampled_from(["a", "b"]),
        st.integers(-5, 5),
    )
)


@given(st.lists(st.lists(finite | st.sampled_from([1.7e308, -1.7e308]))), st.integers(0, 3))
def test_many_values_at_once_are_the_same_as_one_after_another(batches: list[list[float]], others: int) -> None:
    expected = found = MetricSummary("m")
    for batch in batches:
        found = add_all(found, batch, others)
        for value in [*batch, *[math.nan] * others]:
            expected = expected.add(value)
    assert found == expected


@given(st.lists(rows), st.booleans())
def test_a_ledger_says_what_a_recomputation_says(batches: list[list[ObservationRow]], anew: bool) -> None:
    """Any batches, with duplicates within and between them; with `anew` the ledger is made from what was stored."""
    spec = make_job().spec
    ledger = Ledger(spec, (), ())
    stored: dict[tuple[int, int, int], float] = {}
    names, order = [], 0
    first: dict[tuple[str, str, int], float] = {}
    for batch in batches:
        entries = ledger.resolve(batch)
        doubtful = ledger.doubtful(entries)
        known = {key for key in stored if key[1] in doubtful.get(key[0], ())}
        for position, metric, source, sequence, _, _, kind, value in ledger.enter(entries, known):
            order += 1
            assert position == order
            assert (source, sequence, metric) not in stored
            stored[source, sequence, metric] = value_of(kind, value)
        for row in batch:
            first.setdefault((row.source, row.metric, row.sequence), row.value)
            names += [row.metric] if row.metric not in names else []
        ledger.settle_summaries()
        sources = ledger.settle_sources()
        assert not ledger.settle_sources()
        if anew:
            kept = {source.name: source for source in [*ledger._sources.values(), *sources]}
            ledger = Ledger(spec, ledger.summaries(), [Source(s.slot, s.name, s.highest) for s in kept.values()])
    expected = {name: MetricSummary(name) for name in names}
    for (_, name, _), number in first.items():
        expected[name] = expected[name].add(number)
    assert {s.metric: s for s in ledger.summaries()} == expected
    assert sorted(map(repr, stored.values())) == sorted(map(repr, first.values()))


@given(st.floats())
def test_values_come_back_from_their_kinds(value: float) -> None:
    kind = kind_of(value)
    again = value_of(kind, value if kind == 0 else None)
    assert again == value or (math.isnan(again) and math.isnan(value))
    assert (kind == 0) == math.isfinite(value)


@given(st.sets(st.integers(-(2**63), 2**63 - 1)))
def test_spans_hold_every_sequence(sequences: set[int]) -> None:
    found = spans(sequences)
    assert all(any(first <= sequence <= last for first, last in found) for sequence in sequences)
    assert all(before < after for (_, before), (after, _) in pairwise(found))


def test_spans_are_cut_at_wide_gaps_only() -> None:
    assert spans(set()) == []
    assert spans({5, 1, 3}) == [(1, 5)]
    assert spans({1, 2, 10**6, 10**6 + 60_000}) == [(1, 2), (10**6, 10**6 + 60_000)]


@given(st.text() | st.text(st.characters(categories=["Cs"])))
def test_clean_texts_are_storable(text: str) -> None:
    found = clean(text)
    found.encode()
    assert "\0" not in found
    assert clean(found) == found


@pytest.mark.parametrize("character", ["a", "ü", "語", "🎵"])
def test_messages_are_cut_between_characters(character: str) -> None:
    for count in (MESSAGE // 4, MESSAGE // len(character.encode()), MESSAGE, 3 * MESSAGE):
        text = character * count
        found = clean_message(text)
        assert len(found.encode()) <= MESSAGE
        assert found == text or (found.endswith("…") and set(found[:-1]) == {character})
        assert (found == text) == (len(text.encode()) <= MESSAGE)


def test_json_has_one_spelling() -> None:
    assert to_json({"b": 1.0, "a": "ä\0\ud800"}) == r'{"a":"\u00e4\u0000\ud800","b":1.0}'
    assert from_json(to_json({"a": 0.1 + 0.2, "b": 1e308})) == {"a": 0.1 + 0.2, "b": 1e308}
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json(math.nan)


@given(st.integers(1, 2**31 - 1), st.integers(0, LAST_NUMBER))
def test_keys_hold_study_and_number(study: int, number: int) -> None:
    key = trial_id(study, number)
    assert (study_of(key), number_of(key)) == (study, number)
    assert key < 1 << 63


@given(st.integers(0, 10**9), st.integers(2, 50))
def test_places_lie_evenly(count: int, most: int) -> None:
    found = evenly(count, most)
    assert len(found) == min(count, most)
    if count:
        assert (found[0], found[-1]) == (0, count - 1)
    gaps = [after - before for before, after in pairwise(found)]
    assert all(gap >= 1 for gap in gaps)
    assert max(gaps, default=0) - min(gaps, default=0) <= 1
