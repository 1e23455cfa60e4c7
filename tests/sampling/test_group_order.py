"""Rows group by group: every row once, groups in one piece, and another order for another seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphvid.sampling import group_order


@given(st.lists(st.integers(-3, 3), max_size=30), st.integers(0, 99))
def test_groups_stay_together_and_their_rows_in_order(group, seed):
    group = np.array(group, dtype=np.int64)
    order = group_order(group, seed=seed)
    assert sorted(order) == list(range(len(group)))
    assert (np.diff(group[order]) != 0).sum() == max(0, len(np.unique(group)) - 1)  # each group is one run
    for one in np.unique(group):
        np.testing.assert_array_equal(order[group[order] == one], np.flatnonzero(group == one))
    np.testing.assert_array_equal(order, group_order(7 * group - 2, seed=np.random.default_rng(seed)))


def test_groups_come_at_random():
    first = {int(group_order(np.arange(4), seed=seed)[0]) for seed in range(50)}
    assert first == {0, 1, 2, 3}


def test_refusals():
    for group in ([0.5], [[1, 2]]):
        with pytest.raises(ValueError, match="group must be integers of shape"):
            group_order(group)
