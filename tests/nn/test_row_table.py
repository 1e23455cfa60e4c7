"""A table read by rows."""

from __future__ import annotations

import pytest
import torch

from graphvid.nn.row_table import RowTable
from graphvid.optim import DeferredAdam


def test_rows_and_their_gradients() -> None:
    table = RowTable(5, 2, std=1.0)
    rows = torch.tensor([3, 0, 3])
    torch.testing.assert_close(table.of(rows), table.weight[rows])
    table.of(rows).sum().backward()
    assert table.weight.grad.sum(dim=1).tolist() == [2.0, 0.0, 0.0, 4.0, 0.0]


def test_deferred_rows_are_brought_up_to_date_when_they_are_read_in_training() -> None:
    table = RowTable(5, 2, std=1.0)
    optimizer = DeferredAdam(table.parameters(), lr=0.1)
    table.defer(optimizer)
    for rows in ([0], [1], [1]):
        optimizer.zero_grad()
        table(torch.tensor(rows)).sum().backward()
        assert table.weight.grad.is_sparse
        optimizer.step()
    stale = table.weight[0].clone()
    torch.testing.assert_close(table.eval()(torch.tensor([0]))[0], stale)
    assert (table.train()(torch.tensor([0]))[0] < stale - 0.05).all()


def test_start_and_bad_sizes() -> None:
    torch.manual_seed(0)
    assert float(RowTable(1000, 8, std=0.5).weight.detach().std()) == pytest.approx(0.5, rel=0.05)
    with pytest.raises(ValueError, match="num_rows must be an integer >= 1, got 0"):
        RowTable(0, 2)
    with pytest.raises(ValueError, match=r"dim must be an integer >= 1, got 2.0"):
        RowTable(3, 2.0)
