"""Batches of rows: every row once an epoch, in an order that seed and step decide."""

from __future__ import annotations

from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from graphvid.sampling import ShuffledBatches


class Edges(NamedTuple):
    src: Tensor
    dst: Tensor


EDGES = Edges(torch.arange(7), torch.arange(7) + 10)


def test_every_row_once_an_epoch_in_another_order() -> None:
    batches = list(ShuffledBatches(EDGES, 3, 2, seed=1))
    assert [len(batch.src) for batch in batches] == [3, 3, 1] * 2
    epochs = [torch.cat([batch.src for batch in part]).tolist() for part in (batches[:3], batches[3:])]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(7))
    assert epochs[0] != epochs[1]
    assert all(torch.equal(batch.dst, batch.src + 10) for batch in batches)


@pytest.mark.parametrize("step", [1, 3, 5])
def test_it_goes_on_from_any_step(step) -> None:
    whole = list(ShuffledBatches(EDGES, 3, 2, seed=1))
    rest = list(ShuffledBatches(EDGES, 3, 2, seed=1, step=step))
    assert [batch.src.tolist() for batch in rest] == [batch.src.tolist() for batch in whole[step:]]


def test_nothing_left_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="all 6 steps are done; set num_epochs higher, or step back"):
        next(iter(ShuffledBatches(EDGES, 3, 2, seed=1, step=6)))
