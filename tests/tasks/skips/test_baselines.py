"""Baselines that know nothing of both user and content, against counting by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from graphvid.nn import SurvivalHead
from graphvid.tasks.skips.baselines import completion_rate, drop_off, expected_watch_ratio, position_prior


def test_position_prior_without_views_is_one_half():
    assert position_prior(np.zeros(0, np.int64), 3).tolist() == [0.5, 0.5, 0.5]
    assert position_prior([3], 3).tolist() == [0.25, 0.25, 0.25]  # half a view of two


def test_rates_of_groups_with_and_without_views():
    rates = completion_rate([2, 2, 2, 0], [1, 1, 0, 0], 4, strength=1.0)
    assert rates == pytest.approx([0.5 / 2, 0.5, 2.5 / 4, 0.5])


def test_curves_are_those_of_the_survival_head():
    scores = torch.randn(4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    head = SurvivalHead(5)
    hazard = head.hazards(scores).numpy(force=True)
    assert drop_off(hazard) == pytest.approx(head.drop_off(scores).numpy(force=True))
    assert expected_watch_ratio(hazard) == pytest.approx(head.expected_watch_ratio(scores).numpy(force=True))
