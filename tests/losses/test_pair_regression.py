"""Losses of pairs and tags against NumPy, SciPy and plain loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import expit, softmax
from scipy.stats import entropy, rankdata
from torch.nn.functional import binary_cross_entropy_with_logits

from graphvid.losses import AsymmetricTagLoss, PairRegressionLoss, TagBCELoss


@pytest.fixture
def pairs():
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, 30), np.round(rng.random(30) * 20) / 20


@pytest.mark.parametrize("target", ["sigmoid", "rank", "score"])
def test_against_scipy(pairs, target):
    cosine, score = pairs
    y = {"sigmoid": expit(5 * score), "rank": (rankdata(score) - 1) / 29, "score": score}[target]
    expected = 2 * np.square(cosine - y).mean() + 0.2 * np.abs(cosine - y).mean()
    expected += 0.5 * entropy(softmax(score), softmax(cosine))
    loss = PairRegressionLoss(mse_weight=2, mae_weight=0.2, kl_weight=0.5, target=target, alpha=5)
    found = loss(torch.from_numpy(cosine), torch.from_numpy(score))
    assert found.item() == pytest.approx(expected, rel=1e-12)


def test_gradients_and_empty(pairs):
    loss = PairRegressionLoss(mae_weight=0.3, kl_weight=0.5)
    cosine = torch.tensor(pairs[0], requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: loss(x, torch.from_numpy(pairs[1])), cosine)
    none = torch.empty(0, requires_grad=True)
    loss(none, torch.empty(0)).backward()
    assert PairRegressionLoss(target="rank").targets(torch.tensor([0.7])).tolist() == [0.5]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mse_weight": -1.0}, "mse_weight must be a finite float >= 0, got -1.0"),
        ({"mse_weight": 0.0}, "must be above 0, got 0 for all"),
        ({"target": "log"}, "target must be one of"),
        ({"alpha": 0.0}, "alpha must be a finite float > 0"),
    ],
)
def test_refused_options(options, message):
    with pytest.raises(ValueError, match=message):
        PairRegressionLoss(**options)


def test_tag_losses():
    torch.manual_seed(0)
    logits, labels = torch.randn(4, 6, dtype=torch.float64), (torch.rand(4, 6) < 0.3).double()
    expected = binary_cross_entropy_with_logits(logits, labels)
    torch.testing.assert_close(TagBCELoss()(logits, labels), expected)
    plain = AsymmetricTagLoss(negative_focus=0, margin=0)
    torch.testing.assert_close(plain(logits, labels), expected)

    total = 0.0
    for z, y in zip(logits.flatten().tolist(), labels.flatten().tolist()):
        p = expit(z)
        shifted = max(p - 0.1, 0)
        total -= (1 - p) ** 1 * np.log(p) if y else shifted**3 * np.log(1 - shifted)
    loss = AsymmetricTagLoss(positive_focus=1, negative_focus=3, margin=0.1)
    assert loss(logits, labels).item() == pytest.approx(total / 24, rel=1e-12)
    assert torch.autograd.gradcheck(lambda x: loss(x, labels), logits.requires_grad_())
    assert torch.isfinite(loss(torch.tensor([[90.0, -90.0]]), torch.tensor([[0.0, 1.0]])))
    for empty in (TagBCELoss(), loss):
        empty(torch.empty(0, 3, requires_grad=True), torch.empty(0, 3)).backward()


def test_refused_tags():
    with pytest.raises(ValueError, match=r"negative_focus must be 0 or a finite float >= 1, got 0\.5"):
        AsymmetricTagLoss(negative_focus=0.5)
    with pytest.raises(ValueError, match=r"margin must be in \[0, 1\)"):
        AsymmetricTagLoss(margin=1.0)
    with pytest.raises(ValueError, match="one shape"):
        TagBCELoss()(torch.zeros(2, 3), torch.zeros(3, 2))
