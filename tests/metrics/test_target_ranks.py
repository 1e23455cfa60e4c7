"""Expected ranks against all orders of the ties, and scores against the definitions."""

from __future__ import annotations

import math
from itertools import permutations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphvid.metrics import expected_ranks, target_scores


@given(st.lists(st.integers(0, 2), min_size=1, max_size=6), st.data())
def test_ranks_are_means_over_all_ways_to_break_ties(scores, data):
    target = data.draw(st.integers(0, len(scores) - 1))
    ranks = []
    for tie in permutations(range(len(scores))):
        order = sorted(range(len(scores)), key=lambda i, tie=tie: (-scores[i], tie[i]))
        ranks.append(1 + order.index(target))
    found = expected_ranks(torch.tensor([scores], dtype=torch.float32), torch.tensor([target]))
    assert found.item() == pytest.approx(sum(ranks) / len(ranks))


def test_scores_by_hand():
    found = target_scores(torch.tensor([1.0, 2.5, 3.0, 3.5, math.inf]), k=3)
    assert found.recall == pytest.approx(3 / 5)
    assert found.ndcg == pytest.approx((1 + 1 / math.log2(3.5) + 1 / 2) / 5)
    assert found.map == pytest.approx((1 + 1 / 2.5 + 1 / 3) / 5)
    assert (found.k, found.num_requests) == (3, 5)


def test_refusals():
    scores = torch.tensor([[0.0, 1.0], [0.0, math.nan]])
    with pytest.raises(ValueError, match="scores must not be NaN, got one in row 1"):
        expected_ranks(scores, torch.tensor([0, 0]))
    with pytest.raises(ValueError, match=r"target must be in \[0, 2\)"):
        expected_ranks(scores[:1], torch.tensor([2]))
    with pytest.raises(ValueError, match="scores must have shape"):
        expected_ranks(scores, torch.tensor([0]))
    for ranks in (torch.tensor([]), torch.tensor([0.5]), torch.tensor([math.nan])):
        with pytest.raises(ValueError, match="ranks must be at least one number >= 1"):
            target_scores(ranks)
    with pytest.raises(ValueError, match="k must be"):
        target_scores(torch.tensor([1.0]), k=0)
