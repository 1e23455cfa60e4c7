"""Losses on clips, against loops over views."""

from __future__ import annotations

import math

import pytest
import torch

from graphvid._random import seeded
from graphvid.losses import clip_order_loss, completion_loss, cross_view_loss, observed_clip_loss

NUM_CLIPS = 4


@pytest.fixture
def views():
    with seeded(0):
        scores = torch.randn(25, NUM_CLIPS, dtype=torch.float64) * 3
    return scores, torch.arange(25) % (NUM_CLIPS + 1)


def softplus(x):
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def labels(stop):
    """Clips that were seen, with 1 for passed and 0 for left."""
    passed = [(clip, 1) for clip in range(stop)]
    return passed if stop == NUM_CLIPS else [*passed, (stop, 0)]


def test_completion_equals_a_loop(views):
    scores, stop = views
    log_complete, log_skip = scores[:, 0], scores[:, 1]
    total = sum(
        -(a if s == NUM_CLIPS else b) for a, b, s in zip(log_complete.tolist(), log_skip.tolist(), stop.tolist())
    )
    loss = completion_loss(log_complete, log_skip, stop == NUM_CLIPS)
    assert loss.item() == pytest.approx(total / len(stop))


@pytest.mark.parametrize("positive_weight", [0.0, 0.3, 2.0])
def test_observed_clips_equal_a_loop(views, positive_weight):
    scores, stop = views
    total, seen = 0.0, 0
    for row, end in zip(scores.tolist(), stop.tolist()):
        for clip, label in labels(end):
            seen += 1
            weight = positive_weight * end / NUM_CLIPS if label else 1.0
            total += weight * softplus(-row[clip] if label else row[clip])
    assert observed_clip_loss(scores, stop, positive_weight=positive_weight).item() == pytest.approx(total / seen)
    if positive_weight == 0.3:
        assert observed_clip_loss(scores, stop).item() == pytest.approx(total / seen)


def test_clip_order_equals_a_loop(views):
    scores, stop = views
    terms = [
        softplus(row[end] - row[clip])
        for row, end in zip(scores.tolist(), stop.tolist())
        if end < NUM_CLIPS
        for clip in range(end)
    ]
    assert clip_order_loss(scores, stop).item() == pytest.approx(sum(terms) / len(terms))


@pytest.mark.parametrize("limit", [1, 3, 200])
def test_cross_view_equals_a_loop(views, limit):
    scores, stop = views
    found = {0: [], 1: []}
    for row, end in zip(scores.tolist(), stop.tolist()):
        for clip, label in labels(end):
            found[label].append(1 / (1 + math.exp(-row[clip])))
    terms = [softplus(n - p) for p in found[1][:limit] for n in found[0][:limit]]
    assert cross_view_loss(scores, stop, limit=limit).item() == pytest.approx(sum(terms) / len(terms))
    if limit == 200:
        assert cross_view_loss(scores, stop).item() == pytest.approx(sum(terms) / len(terms))


def complete_of(scores, stop):
    return completion_loss(scores[:, 0], scores[:, 1], stop == scores.shape[1])


LOSSES = [complete_of, observed_clip_loss, clip_order_loss, cross_view_loss]


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients(loss, views):
    scores, stop = views
    assert torch.autograd.gradcheck(lambda x: loss(x, stop), scores.requires_grad_())


@pytest.mark.parametrize(
    ("loss", "stop"),
    [
        *((loss, []) for loss in LOSSES),
        (clip_order_loss, [NUM_CLIPS, 0]),  # nothing passed and left in one view
        (cross_view_loss, [NUM_CLIPS, NUM_CLIPS]),  # no negative
        (cross_view_loss, [0, 0]),  # no positive
    ],
)
def test_nothing_to_learn_from_is_a_connected_zero(loss, stop):
    scores = torch.randn(len(stop), NUM_CLIPS, requires_grad=True)
    value = loss(scores, torch.tensor(stop, dtype=torch.int64))
    assert value.item() == 0
    value.backward()
    assert scores.grad.shape == scores.shape
    assert not scores.grad.any()


@pytest.mark.parametrize("loss", [observed_clip_loss, clip_order_loss, cross_view_loss])
def test_scores_of_clips_that_were_not_reached_do_not_matter(loss, views):
    scores, _ = views
    stop = torch.arange(len(scores)) % 3
    changed = scores + 7.0 * (torch.arange(NUM_CLIPS) > stop[:, None])
    assert torch.equal(loss(scores, stop), loss(changed, stop))
    assert not torch.equal(loss(scores, stop), loss(scores * 0.5, stop))


@pytest.mark.parametrize("loss", [observed_clip_loss, clip_order_loss, cross_view_loss])
def test_extreme_scores_are_finite(loss):
    scores = torch.tensor([[-1e4, 1e4, 0.0, 0.0], [1e4, -1e4, 0.0, 0.0]], requires_grad=True)
    value = loss(scores, torch.tensor([1, 1]))
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(scores.grad).all()
