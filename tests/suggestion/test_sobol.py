"""The Sobol sequence against SciPy's, and what scrambling keeps of it."""

import warnings

import numpy as np
import pytest
from scipy.stats import qmc

from tunesmith.suggestion._joe_kuo import DIMENSIONS
from tunesmith.suggestion._sobol import SobolSequence


@pytest.mark.parametrize("dimensions", [1, 2, 3, 7, 10, 32, 100, 200, DIMENSIONS])
def test_plain_sequence_is_scipys(dimensions: int) -> None:
    ours = SobolSequence(dimensions).points(0, 512)
    theirs = qmc.Sobol(dimensions, scramble=False, bits=32).random(512)
    np.testing.assert_array_equal(ours, theirs)


def test_any_part_is_the_part_of_the_whole() -> None:
    sequence = SobolSequence(5, np.random.default_rng([3]))
    whole = sequence.points(0, 300)
    for start, count in [(0, 1), (17, 8), (255, 2), (256, 44)]:
        np.testing.assert_array_equal(sequence.points(start, count), whole[start : start + count])


def test_late_numbers_are_scipys() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # SciPy's advice on balance
        theirs = qmc.Sobol(4, scramble=False, bits=32).fast_forward(1_000_003).random(5)
    np.testing.assert_array_equal(SobolSequence(4).points(1_000_003, 5), theirs)


@pytest.mark.parametrize("dimensions", [1, 6, 60])
@pytest.mark.parametrize("seed", [0, 1, 2**64 - 1])
def test_scrambled_sequence_fills_each_dimension_evenly(dimensions: int, seed: int) -> None:
    points = SobolSequence(dimensions, np.random.default_rng([seed])).points(0, 256)
    assert ((points >= 0) & (points < 1)).all()
    for column in points.T:  # the first 2^k points have one in each of 2^k cells
        assert sorted((column * 256).astype(int)) == list(range(256))


def test_scrambled_sequence_fills_the_plane_evenly() -> None:
    points = SobolSequence(2, np.random.default_rng([5])).points(0, 256)  # a (0, 8, 2)-net in base 2
    for rows in (1, 2, 4, 8, 16, 32, 64, 128, 256):
        cells = {(int(x * rows), int(y * (256 // rows))) for x, y in points}
        assert len(cells) == 256


def test_scrambling_depends_on_the_seed() -> None:
    one, other = (SobolSequence(3, np.random.default_rng([seed])).points(0, 8) for seed in (1, 2))
    assert not np.isclose(one, other).any()


def test_discrepancy_is_that_of_a_good_sequence() -> None:
    ours = SobolSequence(6, np.random.default_rng([1])).points(0, 1024)
    theirs = qmc.Sobol(6, scramble=True, bits=32, rng=np.random.default_rng(1)).random(1024)
    random = np.random.default_rng(1).random((1024, 6))
    assert qmc.discrepancy(ours) < 1.5 * qmc.discrepancy(theirs) < 0.5 * qmc.discrepancy(random)


def test_no_dimension_beyond_the_table() -> None:
    with pytest.raises(ValueError, match=r"`dimensions <= 256` must hold, but got \(dimensions=257\)"):
        SobolSequence(DIMENSIONS + 1)
