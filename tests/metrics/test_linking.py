import math

import numpy as np
import pytest

from graphvid.metrics import choose, linking_scores, type_error_share

INDPTR, ENTITY = [0, 2, 3, 3, 5], [4, 7, 1, 2, 9]


def test_a_gold_that_is_no_candidate_is_an_error():
    found = linking_scores([7, 5, 3, -1], [7, 1, -1, 9], INDPTR, ENTITY)
    assert found == (1 / 3, 1, 3, 1, 1)
    assert linking_scores([7, 5, 3, -1], [7, 5, 3, 9], INDPTR, ENTITY).right == 1  # also where it is "chosen"
    assert math.isnan(linking_scores([-1] * 4, [-1] * 4, INDPTR, ENTITY).accuracy)


def test_order_of_mentions_does_not_matter():
    rng = np.random.default_rng(0)
    gold, chosen = rng.integers(-1, 4, 50), rng.integers(0, 4, 50)
    indptr, entity = np.arange(51) * 4, np.tile(np.arange(4), 50)
    order = rng.permutation(50)
    first = linking_scores(gold, chosen, indptr, entity)
    assert linking_scores(gold[order], chosen[order], indptr, entity) == first
    assert first.accuracy == ((gold == chosen) & (gold >= 0)).sum() / (gold >= 0).sum()


def test_type_errors():
    kinds = ["person", "place", "person"]
    assert type_error_share([0, 1, 2, 0], [0, 2, 0, -1], kinds) == pytest.approx(1 / 3)
    assert type_error_share([-2, 1], [0, 0], kinds) == 0.5  # the first error has no type of its gold
    assert math.isnan(type_error_share([0], [0], kinds))


def test_choose_takes_the_first_of_equals():
    np.testing.assert_array_equal(choose([1.0, 1.0, -np.inf, 0.5, 2.0], INDPTR), [0, 2, -1, 4])
    with pytest.raises(ValueError, match="scores must not be NaN"):
        choose([np.nan] * 5, INDPTR)
