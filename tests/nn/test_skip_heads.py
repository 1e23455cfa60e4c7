"""Heads, against products and loops over every way a view can end."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from scipy.special import expit

from graphvid._random import seeded
from graphvid.nn import CompletionHead, SurvivalHead

NUM_CLIPS, BUCKETS = 4, 3


@pytest.fixture(autouse=True)
def _fixed_draws():
    with seeded(0):
        yield


def draw(num_pairs=6, dtype=torch.float64):
    return torch.randn(num_pairs, NUM_CLIPS, dtype=dtype) * 2


def survival(num_buckets=BUCKETS):
    head = SurvivalHead(NUM_CLIPS, num_buckets=num_buckets).double()
    with torch.no_grad():
        head.baseline.normal_()
    return head


class TestCompletionHead:
    @pytest.mark.parametrize(
        ("aggregate", "formula"),
        [
            ("mean_prob", lambda z: expit(z).mean(1)),
            ("sigmoid_mean_logit", lambda z: expit(z.mean(1))),
            ("official_sum_logit", lambda z: expit(z.sum(1))),
        ],
    )
    def test_equals_its_formula(self, aggregate, formula):
        scores, head = draw(), CompletionHead(aggregate)
        log_complete, log_skip = head(scores)
        expected = formula(scores.numpy())
        np.testing.assert_allclose(log_complete.exp(), expected, rtol=1e-10)
        np.testing.assert_allclose(log_skip.exp(), 1 - expected, rtol=1e-9)
        assert torch.equal(head.log_probability(scores), log_complete)

    @pytest.mark.parametrize("aggregate", ["mean_prob", "sigmoid_mean_logit", "official_sum_logit"])
    def test_finite_at_extreme_scores(self, aggregate):
        scores = torch.tensor([[1e4] * 3, [-1e4] * 3], requires_grad=True)
        log_complete, log_skip = CompletionHead(aggregate)(scores)
        assert torch.isfinite(torch.cat([log_complete, log_skip])).all()
        (log_complete.sum() + log_skip.sum()).backward()
        assert torch.isfinite(scores.grad).all()
        least = np.log(1e-6) if aggregate == "mean_prob" else log_skip[0].item()
        assert log_skip[0].item() == pytest.approx(least, rel=0.01)  # in float32 1 - 1e-6 is 17 steps below 1

    @pytest.mark.parametrize("aggregate", ["mean_prob", "sigmoid_mean_logit", "official_sum_logit"])
    def test_gradients(self, aggregate):
        assert torch.autograd.gradcheck(CompletionHead(aggregate), draw().requires_grad_())

    def test_unknown_aggregate(self):
        accepted = "['mean_prob', 'sigmoid_mean_logit', 'official_sum_logit']"
        with pytest.raises(ValueError, match=re.escape(f"aggregate must be one of {accepted}, got 'survival'")):
            CompletionHead("survival")


class TestSurvivalHead:
    def test_hazards_and_likelihood_equal_loops(self):
        head, scores = survival(), draw(60)
        bucket, stop = torch.randint(BUCKETS, (60,)), torch.arange(60) % (NUM_CLIPS + 1)
        hazards = head.hazards(scores, bucket)
        likelihood = head.log_likelihood(scores, stop, bucket).exp()
        for i in range(60):
            alive, curve = 1.0, [1.0]
            for clip in range(NUM_CLIPS):
                hazard = expit(-scores[i, clip].item() - head.baseline[bucket[i], clip].item())
                assert hazards[i, clip].item() == pytest.approx(hazard)
                if stop[i] == clip:
                    assert likelihood[i].item() == pytest.approx(alive * hazard)
                alive *= 1 - hazard
                curve.append(alive)
            if stop[i] == NUM_CLIPS:
                assert likelihood[i].item() == pytest.approx(alive)
            assert head.log_probability(scores, bucket)[i].exp().item() == pytest.approx(alive)
            np.testing.assert_allclose(head.drop_off(scores, bucket)[i].detach(), curve)

    def test_all_outcomes_have_probability_one_and_give_the_expected_watch_ratio(self):
        head, scores = survival(), draw()
        bucket = torch.randint(BUCKETS, (len(scores),))
        outcomes = torch.stack(
            [
                head.log_likelihood(scores, torch.full((len(scores),), stop), bucket).exp()
                for stop in range(NUM_CLIPS + 1)
            ]
        )
        torch.testing.assert_close(outcomes.sum(0), torch.ones(len(scores), dtype=torch.float64))
        watched = torch.tensor([0.125, 0.375, 0.625, 0.875, 1.0], dtype=torch.float64)
        torch.testing.assert_close(head.expected_watch_ratio(scores, bucket), watched @ outcomes)

    def test_without_buckets_the_first_baseline_counts(self):
        head, scores = survival(), draw()
        first = torch.zeros(len(scores), dtype=torch.int64)
        assert torch.equal(head.hazards(scores), head.hazards(scores, first))
        assert not torch.equal(head.hazards(scores), head.hazards(scores, first + 1))
        assert SurvivalHead(NUM_CLIPS).baseline.shape == (1, NUM_CLIPS)
        assert not SurvivalHead(NUM_CLIPS).baseline.any()

    def test_what_comes_after_a_skip_does_not_matter(self):
        head, scores = survival(), draw()
        stop = torch.full((len(scores),), 1)
        changed = scores.clone()
        changed[:, 2:] += 5.0
        assert torch.equal(head.log_likelihood(scores, stop), head.log_likelihood(changed, stop))
        changed[:, 1] += 5.0
        assert (head.log_likelihood(scores, stop) > head.log_likelihood(changed, stop)).all()

    def test_extreme_scores_stay_in_log_space(self):
        head = SurvivalHead(NUM_CLIPS)
        scores = torch.tensor([[-200.0] * NUM_CLIPS, [200.0] * NUM_CLIPS], requires_grad=True)
        end, skip = torch.full((2,), NUM_CLIPS), torch.full((2,), 3)
        assert head.log_likelihood(scores, end).tolist() == [-800.0, 0.0]  # exp of the first is 0 in float32
        assert head.log_likelihood(scores, skip).tolist() == [-600.0, -200.0]
        assert head.expected_watch_ratio(scores).tolist() == [0.125, 1.0]
        (head.log_likelihood(scores, end) + head.log_likelihood(scores, skip)).sum().backward()
        assert torch.isfinite(scores.grad).all()

    def test_gradients(self):
        head, scores = survival(), draw().requires_grad_()
        stop, bucket = torch.tensor([0, 1, 2, 3, 4, 4]), torch.tensor([0, 1, 2, 0, 1, 2])

        def run(scores):
            return head.log_likelihood(scores, stop, bucket), head.expected_watch_ratio(scores, bucket)

        assert torch.autograd.gradcheck(run, scores)
        assert torch.autograd.gradcheck(
            lambda b: torch.func.functional_call(
                _Likelihood(head), {"head.baseline": b}, (scores.detach(), stop, bucket)
            ),
            head.baseline.detach().clone().requires_grad_(),
        )

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"num_clips": 0}, "num_clips must be .*, got 0"),
            ({"num_buckets": 0}, "num_buckets must be .*, got 0"),
        ],
    )
    def test_bad_options(self, options, message):
        with pytest.raises(ValueError, match=message):
            SurvivalHead(**{"num_clips": NUM_CLIPS, **options})


class _Likelihood(torch.nn.Module):
    def __init__(self, head):
        super().__init__()
        self.head = head

    def forward(self, scores, stop, bucket):
        return self.head.log_likelihood(scores, stop, bucket)
