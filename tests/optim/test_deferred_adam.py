"""Deferred Adam: a row that is read now and then ends where Adam, which moves all rows in every step, puts it."""

from __future__ import annotations

import copy

import pytest
import torch
from torch.nn.functional import embedding

from graphvid.optim import DeferredAdam, deferred_adam

ROWS, DIM = 40, 3


@pytest.fixture(params=["kernels", "tensors"])
def path(request, monkeypatch):
    monkeypatch.setattr(deferred_adam, "_has_kernels", lambda parameter: request.param == "kernels")


def _train(optimizer, table, steps, *, sparse, first=0, rates=(), other=None):
    """Fit some rows a step to targets; return the losses, which depend on what was read."""
    losses = []
    for step in range(first, first + steps):
        generator = torch.Generator().manual_seed(step)
        rows = torch.randint(ROWS, (2 + step % 3,), generator=generator).unique()
        if step % 50 == 49:
            rows = rows[:0]  # a step that reads nothing
        for group in optimizer.param_groups:
            group["lr"] = dict(rates).get(step, group["lr"])
        if sparse:
            optimizer.catch_up(table, rows)
        read = embedding(rows, table, sparse=sparse)
        scale = 1.0 if other is None else other.sum()
        loss = (scale * read - torch.rand(len(rows), DIM, generator=generator)).square().sum()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


def _table():
    return torch.nn.Parameter(torch.randn(ROWS, DIM, generator=torch.Generator().manual_seed(7)))


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.5, 0.9), (0.9, 0.9)])
def test_rows_move_as_adam_moves_them(betas) -> None:
    dense, deferred = _table(), _table()
    expected = _train(torch.optim.Adam([dense], lr=0.02, betas=betas), dense, 400, sparse=False)
    optimizer = DeferredAdam([deferred], lr=0.02, betas=betas)
    losses = _train(optimizer, deferred, 400, sparse=True)
    assert losses == pytest.approx(expected, rel=2e-4, abs=1e-6)  # what was read was up to date
    assert not torch.allclose(deferred, dense, atol=1e-4)  # rows that wait
    optimizer.catch_up_all()
    torch.testing.assert_close(deferred, dense, atol=2e-6, rtol=2e-5)


@pytest.mark.usefixtures("path")
def test_missed_steps_keep_the_learning_rate_of_their_time() -> None:
    dense, deferred = _table(), _table()
    rates = {100: 0.002, 250: 0.01}
    expected = _train(torch.optim.Adam([dense], lr=0.02), dense, 400, sparse=False, rates=rates)
    optimizer = DeferredAdam([deferred], lr=0.02)
    losses = _train(optimizer, deferred, 400, sparse=True, rates=rates)
    optimizer.catch_up_all()
    assert losses == pytest.approx(expected, rel=2e-4, abs=1e-6)
    torch.testing.assert_close(deferred, dense, atol=2e-6, rtol=2e-5)


def _penalised(kind, num_steps, every):
    table = _table()
    optimizer = kind([table], lr=0.01, weight_decay=0.1)
    for step in range(num_steps):
        rows = torch.arange(step % every, ROWS, every)
        if kind is DeferredAdam:
            optimizer.catch_up(table, rows)
        optimizer.zero_grad()
        (embedding(rows, table, sparse=kind is DeferredAdam) - 0.5).square().sum().backward()
        optimizer.step()
    if kind is DeferredAdam:
        optimizer.catch_up_all()
    return table.detach()


@pytest.mark.usefixtures("path")
def test_penalties_are_those_of_adam_where_every_row_is_read_and_end_there_elsewhere() -> None:
    adam, deferred = (_penalised(kind, 200, 1) for kind in (torch.optim.Adam, DeferredAdam))
    torch.testing.assert_close(deferred, adam, atol=1e-5, rtol=0)
    for kind in (torch.optim.Adam, DeferredAdam):  # 2 (w - .5) every fourth step and .1 w in each is 0 at 1 / 2.4
        torch.testing.assert_close(_penalised(kind, 2400, 4), torch.full((ROWS, DIM), 1 / 2.4), atol=0.01, rtol=0)


def test_other_parameters_take_adams_steps() -> None:
    results = []
    for kind in (torch.optim.Adam, DeferredAdam):
        table, other = _table(), torch.nn.Parameter(torch.tensor([0.6, 0.3]))
        groups = [{"params": [table]}, {"params": [other], "weight_decay": 1e-2}]
        optimizer = kind(groups, lr=0.02)
        _train(optimizer, table, 60, sparse=kind is DeferredAdam, other=other)
        results.append(other.detach())
    torch.testing.assert_close(results[1], results[0], atol=1e-4, rtol=0)


def test_first_missed_step_by_hand() -> None:
    """After one step m = .1 g and v = .001 g^2; the second step moves by lr * .9 m^ / (1 - .9^2) / its root."""
    table = torch.nn.Parameter(torch.zeros(2, 1))
    optimizer = DeferredAdam([table], lr=1.0)
    for rows in ([0], [1]):
        index = torch.tensor(rows)
        optimizer.catch_up(table, index)
        optimizer.zero_grad()
        (3 * embedding(index, table, sparse=True)).sum().backward()
        optimizer.step()
    assert table[0, 0].item() == pytest.approx(-1.0)
    optimizer.catch_up(table, torch.tensor([0]))
    second = (0.09 * 3 / 0.19) / (0.000999 * 9 / 0.001999) ** 0.5
    assert table[0, 0].item() == pytest.approx(-1.0 - second, rel=1e-6)


def test_a_resumed_training_equals_an_uninterrupted_one() -> None:
    whole, halves = _table(), _table()
    _train(DeferredAdam([whole], lr=0.02, weight_decay=1e-3), whole, 100, sparse=True)
    first = DeferredAdam([halves], lr=0.02, weight_decay=1e-3)
    _train(first, halves, 50, sparse=True)
    stored = copy.deepcopy(first.state_dict())
    resumed = torch.nn.Parameter(halves.detach().clone())
    second = DeferredAdam([resumed], lr=0.5)
    second.load_state_dict(stored)
    _train(second, resumed, 50, sparse=True, first=50)
    assert second.state[resumed]["caught_up"].dtype == torch.int64
    assert torch.equal(resumed, whole)


def test_reading_without_catching_up_is_an_error() -> None:
    table = _table()
    optimizer = DeferredAdam([table])
    for rows in ([0, 1], [1]):
        index = torch.tensor(rows)
        optimizer.catch_up(table, index)
        optimizer.zero_grad()
        embedding(index, table, sparse=True).sum().backward()
        optimizer.step()
    optimizer.zero_grad()
    embedding(torch.tensor([0]), table, sparse=True).sum().backward()
    with pytest.raises(RuntimeError, match="row 0 was read without catch_up"):
        optimizer.step()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lr": 0.0}, "lr must be a finite number > 0, got 0.0"),
        ({"betas": (0.999, 0.9)}, "betas must be in"),
        ({"betas": (0.9, 1.0)}, "betas must be in"),
        ({"eps": 0.0}, "eps must be"),
        ({"weight_decay": -1.0}, "weight_decay must be"),
    ],
)
def test_bad_options(options, message) -> None:
    with pytest.raises(ValueError, match=message):
        DeferredAdam([_table()], **options)


def test_parameters_of_another_kind_are_errors() -> None:
    with pytest.raises(KeyError, match=r"parameter of shape \(40, 3\) is not one of the optimiser's"):
        DeferredAdam([_table()]).catch_up(_table(), torch.tensor([0]))
    table = torch.nn.Parameter(torch.zeros(3, 2, dtype=torch.float64))
    embedding(torch.tensor([0]), table, sparse=True).sum().backward()
    with pytest.raises(TypeError, match="2-D and float32, got 2-D"):
        DeferredAdam([table]).step()


def test_coalescing_adds_rows_that_come_twice_and_copies_no_others() -> None:
    values = torch.arange(6.0).reshape(3, 2)
    once = torch.sparse_coo_tensor(torch.tensor([[0, 2, 5]]), values, (7, 2), check_invariants=True)
    found = deferred_adam.coalesce(once)
    assert found.values().data_ptr() == values.data_ptr()
    assert torch.equal(found.to_dense(), once.to_dense())
    for rows in ([2, 2, 5], [5, 0, 2]):
        gradient = torch.sparse_coo_tensor(torch.tensor([rows]), values, (7, 2), check_invariants=True)
        dense = torch.zeros(7, 2).index_add(0, torch.tensor(rows), values)
        found = deferred_adam.coalesce(gradient)
        assert found.indices()[0].tolist() == sorted(set(rows))
        assert torch.equal(found.to_dense(), dense)
