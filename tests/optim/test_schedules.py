"""Schedules against PyTorch's own and by hand."""

from __future__ import annotations

import pytest
import torch

from graphvid.optim import constant, cosine, one_cycle, staircase


def test_the_staircase_is_that_of_pytorch() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.7)
    for step in range(10):
        assert staircase(step, decay=0.7, every=3) == pytest.approx(theirs.get_last_lr()[0])
        optimizer.step()
        theirs.step()


@pytest.mark.parametrize("num_steps", [1, 2, 7, 80, 1000])
def test_a_rise_then_a_fall_that_ends_near_0(num_steps) -> None:
    assert constant(num_steps) == 1.0
    for schedule, peak in ((cosine, num_steps // 40), (one_cycle, int(0.3 * num_steps))):
        rates = [schedule(step, num_steps=num_steps) for step in range(num_steps)]
        assert all(0 <= rate <= 1 for rate in rates)
        assert max(range(num_steps), key=rates.__getitem__) == pytest.approx(peak, abs=1)
        assert rates[peak + 1 :] == sorted(rates[peak + 1 :], reverse=True)
        if num_steps >= 80:
            assert rates[-1] < 0.01


def test_by_hand() -> None:
    assert cosine(0, num_steps=80) == pytest.approx(0.5)
    assert cosine(40, num_steps=80) == pytest.approx(0.5)
    assert one_cycle(0, num_steps=10) == pytest.approx(1 / 4)
    assert one_cycle(3, num_steps=10) == pytest.approx(1.0)
