"""Batches of whole sessions: every row once an epoch, and a loader that goes on where another stopped."""

from __future__ import annotations

import numpy as np
import pytest

from graphvid.sampling import SessionBatches

ROWS, GROUP = np.arange(10, 37), np.repeat([5, 2, 9, 4, 7, 1], [4, 1, 9, 3, 6, 4])


def make(**options):
    return SessionBatches(ROWS, GROUP, **{"batch_size": 4, "num_epochs": 2, "seed": 0, **options})


def test_an_epoch_has_every_row_once_and_groups_together():
    batches = [batch.row.tolist() for batch in make()]
    assert len(batches) == len(make()) == 14
    epochs = [[row for batch in part for row in batch] for part in (batches[:7], batches[7:])]
    for epoch in epochs:
        assert sorted(epoch) == ROWS.tolist()
        groups = GROUP[np.array(epoch) - 10]
        assert (np.diff(groups) != 0).sum() == 5  # each group is one run
    assert epochs[0] != epochs[1]
    assert [b.row.tolist() for b in make(seed=1)] != batches


@pytest.mark.parametrize("step", [1, 6, 7, 13])
def test_a_loader_goes_on_at_a_step(step):
    whole = [batch.row.tolist() for batch in make()]
    first = make()
    for _ in zip(range(step), first):
        pass
    again = make()
    again.load_state_dict({"step": step})
    assert [batch.row.tolist() for batch in again] == whole[step:]
    assert again.state_dict() == {"step": 14}
    with pytest.raises(RuntimeError, match="all 14 steps are done"):
        next(iter(again))


def test_refusals():
    with pytest.raises(ValueError, match="rows and group must be of one length"):
        SessionBatches(ROWS, GROUP[:-1], 4, 1, 0)
