"""Names of studies and trials."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunesmith.study.naming import MAX_STUDY_NAME, check_name, trial_name, trial_seed

labels = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,48}[a-z0-9])?", fullmatch=True)


@given(labels, st.text("0123456789abcdef", min_size=32, max_size=32), st.integers(0, 999_999))
def test_a_trials_name_is_a_name_for_whatever_runs_it(study: str, uid: str, number: int) -> None:
    name = trial_name(study, uid, number)

    assert check_name("study", study) is None
    assert check_name("trial", name) is None
    assert name == trial_name(study, uid, number)
    assert name.startswith(f"{study}-{number}-")
    assert name.rsplit("-", 1)[1].isalnum()
    assert len(name.rsplit("-", 1)[1]) == 5


def test_a_trials_name_never_changes() -> None:
    assert trial_name("digits", "0123456789abcdef0123456789abcdef", 7) == "digits-7-wt4zv"


def test_studies_of_the_same_name_have_other_trials() -> None:
    assert trial_name("digits", "a" * 32, 7) != trial_name("digits", "b" * 32, 7)


@pytest.mark.parametrize("text", ["a", "a-b", "0", "digits-svc", "a" * MAX_STUDY_NAME])
def test_names_that_are_allowed(text: str) -> None:
    assert check_name("study", text) is None


@pytest.mark.parametrize("text", ["", "-a", "a-", "A", "a_b", "a.b", "a b", "ä", "a\n", "a/../b"])
def test_names_that_are_refused(text: str) -> None:
    assert check_name("study", text) == (
        "the name of a study must consist of lower case letters, digits and '-', and begin and end with a letter or "
        f"digit, but got {text!r}"
    )


def test_long_names_are_refused() -> None:
    assert check_name("namespace", "a" * 63) is None
    assert check_name("namespace", "a" * 64) == (
        f"the name of a namespace must have at most 63 characters, but got 64: '{'a' * 63}'..."
    )
    assert check_name("study", "a" * 51) == (
        f"the name of a study must have at most 50 characters, but got 51: '{'a' * 50}'..."
    )


@given(st.integers(0, 2**63 - 1), st.integers(0, 999_999))
def test_a_trials_seed_is_one_for_every_library(seed: int, number: int) -> None:
    assert 0 <= trial_seed(seed, number) < 2**31
    assert trial_seed(seed, number) == trial_seed(seed, number)


def test_a_trials_seed_never_changes() -> None:
    assert (trial_seed(7, 0), trial_seed(7, 1), trial_seed(None, 0)) == (2063577323, 1808820083, 1446583109)
