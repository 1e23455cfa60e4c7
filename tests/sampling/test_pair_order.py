"""The local order of pairs: each pair once, and few videos in a batch."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphvid.sampling import local_pair_order


def distinct(query, candidate, order, size):
    return [
        len(np.unique([query[order[i : i + size]], candidate[order[i : i + size]]])) for i in range(0, len(order), size)
    ]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=25), st.integers(1, 8), st.integers(0, 99))
def test_every_pair_once(pairs, size, seed):
    query, candidate = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    order = local_pair_order(query, candidate, size, seed=seed)
    assert sorted(order) == list(range(len(pairs)))
    np.testing.assert_array_equal(order, local_pair_order(query + 1000, candidate + 1000, size, seed=seed))


def test_cliques_are_found():
    """Ten cliques of five videos: a batch of ten pairs holds one whole, which no other order could better."""
    ends = np.array([pair for k in range(10) for pair in itertools.combinations(range(5 * k, 5 * k + 5), 2)])
    shuffled = np.random.default_rng(0).permutation(ends)
    order = local_pair_order(*shuffled.T, 10, seed=1)
    assert distinct(*shuffled.T, order, 10) == [5] * 10


def test_a_random_graph_gives_fewer_videos_than_a_random_order():
    rng = np.random.default_rng(0)
    query, candidate = rng.integers(0, 500, (2, 2000))
    local, at_random = (
        np.mean(distinct(query, candidate, order, 64))
        for order in (local_pair_order(query, candidate, 64), rng.permutation(2000))
    )
    assert local < at_random / 1.7


def test_refusals():
    with pytest.raises(ValueError, match="equal lengths, got 1 and 2"):
        local_pair_order([0], [1, 2], 4)
    with pytest.raises(ValueError, match="patch_size must be an integer >= 1, got 0"):
        local_pair_order([0], [1], 0)
