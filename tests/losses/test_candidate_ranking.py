from itertools import pairwise

import pytest
import torch
from torch.nn.functional import cross_entropy, multi_margin_loss

from graphvid.losses import CandidateRankingLoss

INDPTR, GOLD = torch.tensor([0, 3, 4, 9]), torch.tensor([1, 3, 8])


def _lists(scores):
    return [(scores[a:b][None], GOLD[m : m + 1] - a) for m, (a, b) in enumerate(pairwise(INDPTR))]


def test_equals_pytorch_on_each_list():
    scores = torch.randn(9, dtype=torch.float64)
    hinge = sum(multi_margin_loss(x, y, margin=0.3) * x.shape[1] for x, y in _lists(scores)) / 3
    torch.testing.assert_close(CandidateRankingLoss(margin=0.3)(scores, INDPTR, GOLD), hinge)
    softmax = sum(cross_entropy(x, y) for x, y in _lists(scores)) / 3
    torch.testing.assert_close(CandidateRankingLoss("softmax")(scores, INDPTR, GOLD), softmax)


@pytest.mark.parametrize("kind", ["ranking", "softmax"])
def test_gradient_and_nothing(kind):
    loss = CandidateRankingLoss(kind, margin=0.3)
    scores = torch.randn(9, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: loss(x, INDPTR, GOLD), scores)
    nothing = loss(torch.zeros(0, requires_grad=True), torch.tensor([0]), torch.zeros(0, dtype=torch.int64))
    nothing.backward()
    assert float(nothing.detach()) == 0


def test_refused():
    loss = CandidateRankingLoss()
    for gold in ([1, 3, -1], [1, 4, 8], [1, 3]):
        with pytest.raises(ValueError, match="gold must be a position among the candidates of each mention"):
            loss(torch.zeros(9), INDPTR, torch.tensor(gold))
    with pytest.raises(ValueError, match="kind must be one of"):
        CandidateRankingLoss("hinge")
    with pytest.raises(ValueError, match="margin must be a finite float >= 0"):
        CandidateRankingLoss(margin=-1.0)
