"""Likelihoods of skips and complete views against products of probabilities."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphvid.metrics import log_loss, skip_clip_scores, survival_log_likelihood


def loop(hazards, clip=1e-7):
    """Return the probability of each stop, the complete view last, from products."""
    reached, probs = 1.0, []
    for hazard in hazards:
        hazard = min(max(hazard, clip), 1 - clip)
        probs.append(reached * hazard)
        reached *= 1 - hazard
    return [*probs, reached]


@settings(deadline=None, max_examples=100)
@given(num_clips=st.integers(1, 6), data=st.data())
def test_against_loops(num_clips, data):
    row = st.tuples(
        st.lists(st.sampled_from([0.0, 0.01, 0.2, 0.5, 0.97, 1.0]), min_size=num_clips, max_size=num_clips),
        st.integers(0, num_clips),
    )
    rows = data.draw(st.lists(row, min_size=1, max_size=8))
    hazard, stop = [row[0] for row in rows], [row[1] for row in rows]
    expected = [math.log(loop(h)[k]) for h, k in rows]
    assert survival_log_likelihood(hazard, stop).tolist() == pytest.approx(expected, rel=1e-6)

    skipped = [(loop(h), k) for h, k in rows if k < num_clips]
    if not skipped:
        with pytest.raises(ValueError, match=f"stop must be below num_clips, {num_clips}, in at least one row"):
            skip_clip_scores(hazard, stop)
        return
    found = skip_clip_scores(hazard, stop)
    of_clip = [math.log(probs[k] / sum(probs[:-1])) for probs, k in skipped]
    assert found.log_likelihood == pytest.approx(np.mean(of_clip), rel=1e-6, abs=1e-6)
    assert (found.num_skipped, found.num_complete) == (len(skipped), len(rows) - len(skipped))


def test_stops_have_probabilities_that_sum_to_one():
    hazards = np.random.default_rng(0).random((50, 7))
    total = sum(np.exp(survival_log_likelihood(hazards, np.full(50, stop))) for stop in range(8))
    assert total == pytest.approx(np.ones(50))


def test_one_clip_is_the_log_loss_of_completing():
    rng = np.random.default_rng(1)
    complete, prob = rng.integers(0, 2, 200), rng.random(200)
    loglik = survival_log_likelihood((1 - prob)[:, None], complete)
    assert -loglik.mean() == pytest.approx(log_loss(complete, prob))
    assert skip_clip_scores((1 - prob)[:, None], complete).log_likelihood == pytest.approx(0)


def test_by_hand():
    found = skip_clip_scores([[0.5, 0.5, 0.5]] * 3, [0, 2, 3])
    assert found.log_likelihood == pytest.approx((math.log(4 / 7) + math.log(1 / 7)) / 2)
    assert found[1:] == (0.5, 2, 1)
    assert survival_log_likelihood([[0.5, 0.5, 0.5]], [3]).tolist() == pytest.approx([3 * math.log(0.5)])


def test_accuracy_is_of_the_clip_left_at_and_not_of_the_largest_hazard():
    hazards = [[0.6, 0.9], [0.4, 0.9]]  # left at: 0.6 and 0.36, 0.4 and 0.54
    assert skip_clip_scores(hazards, [0, 0]).accuracy == 0.5
    assert skip_clip_scores(hazards, [1, 1]).accuracy == 0.5


def test_equally_probable_clips_give_the_first():
    hazards = [[0.2, 0.2 / 0.8]] * 2  # 0.2 each
    assert skip_clip_scores(hazards, [0, 0]).accuracy == 1
    assert skip_clip_scores(hazards, [1, 1]).accuracy == 0


def test_equal_probabilities_of_all_clips_are_a_guess():
    assert skip_clip_scores([[0.25, 1 / 3, 0.5]] * 3, [0, 1, 2]).log_likelihood == pytest.approx(-math.log(3))


def test_the_place_of_skips_is_judged_and_not_their_number():
    """Hazards with the same shape of P(k) / P(0) and another number of skips get the same score."""
    few, many = [0.1, 0.1 / 0.9], [0.4, 0.4 / 0.6]
    for stop in (0, 1):
        scores = [skip_clip_scores([hazards], [stop]).log_likelihood for hazards in (few, many)]
        assert scores == pytest.approx([-math.log(2)] * 2)


def test_clips_after_the_stop_do_not_count():
    a, b = np.full((1, 4), 0.3), np.full((1, 4), 0.3)
    b[0, 2:] = 0.9
    assert survival_log_likelihood(a, [1]) == survival_log_likelihood(b, [1])
    assert survival_log_likelihood(a, [2]) != survival_log_likelihood(b, [2])


def test_sure_hazards_are_clipped_where_it_says():
    assert survival_log_likelihood([[0.0, 1.0]], [0]).item() == pytest.approx(math.log(1e-7))
    assert survival_log_likelihood([[1.0]], [1]).item() == pytest.approx(math.log(1e-7))
    assert survival_log_likelihood([[1.0]], [1], clip=0.25).item() == pytest.approx(math.log(0.25))
    assert skip_clip_scores([[0.0, 0.0]], [1]).log_likelihood == pytest.approx(-math.log(2), abs=1e-6)


def test_many_clips_do_not_underflow():
    found = survival_log_likelihood(np.full((1, 5000), 0.9), [5000])
    assert found.item() == pytest.approx(5000 * math.log(0.1))
    assert np.isfinite(skip_clip_scores(np.full((1, 5000), 0.9), [4999]).log_likelihood)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"hazard": [0.1, 0.2]}, ValueError, r"hazard must have shape \(num_rows, num_clips\), .* got \(2,\)"),
        ({"hazard": np.empty((0, 3))}, ValueError, r"neither of them 0, got \(0, 3\)"),
        ({"hazard": np.empty((2, 0))}, ValueError, r"neither of them 0, got \(2, 0\)"),
        ({"hazard": [["a"], ["b"]]}, TypeError, "hazard must hold real numbers, got dtype <U1"),
        (
            {"hazard": [[0.1, 0.2], [0.3, 1.5]]},
            ValueError,
            r"hazard must be a finite number in \[0, 1\] in every row, got 1\.5 in row 1, clip 1",
        ),
        ({"hazard": [[0.1, np.nan], [0.3, 0.5]]}, ValueError, "got nan in row 0, clip 1"),
        ({"stop": [0.0, 1.0]}, TypeError, "stop must hold integers, got dtype float64"),
        ({"stop": [0]}, ValueError, r"stop must have shape \(2,\), one value a row, got \(1,\)"),
        ({"stop": [0, 3]}, ValueError, r"stop must be .* in \[0, 2\] in every row, got 3 in row 1"),
        ({"stop": [-1, 0]}, ValueError, r"stop must be .* in \[0, 2\] in every row, got -1 in row 0"),
        ({"clip": 0.0}, ValueError, r"clip must be in \(0, 0\.5\), got 0\.0"),
        ({"clip": 0.5}, ValueError, r"clip must be in \(0, 0\.5\), got 0\.5"),
    ],
)
def test_errors(arguments, error, message):
    for metric in (skip_clip_scores, survival_log_likelihood):
        with pytest.raises(error, match=message):
            metric(**{"hazard": [[0.1, 0.2], [0.3, 0.4]], "stop": [0, 1], **arguments})
