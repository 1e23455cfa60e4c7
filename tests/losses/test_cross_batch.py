"""CrossBatchNegatives against a list of everything pushed, and in a small training loop."""

from __future__ import annotations

import copy
import itertools
import math

import pytest
import torch
from safetensors.torch import load_file, save_file

from graphvid.losses import CrossBatchNegatives, SampledSoftmaxLoss, own_item_mask
from graphvid.metrics import feature_drift


def batch(ids: list[int]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A batch in which id, vector and log q of an item tell the same."""
    items = torch.tensor(ids, dtype=torch.int64)
    return items, items[:, None] * torch.tensor([1.0, -1.0]), -items.float()


def push(memory: CrossBatchNegatives, ids: list[int]) -> None:
    memory.push(*batch(ids))


@pytest.mark.parametrize("capacity", [1, 3, 7, 8, 100])
@pytest.mark.parametrize("sizes", [[3] * 12, [1, 5, 2, 8, 9, 1, 1, 0, 20, 3, 7], [4, 4, 4, 1]])
def test_entries_are_the_last_ones_pushed_oldest_first(capacity, sizes):
    memory, pushed, number = CrossBatchNegatives(capacity, 2), [], itertools.count()
    for step, size in enumerate(sizes):
        ids = list(itertools.islice(number, size))
        push(memory, ids)
        pushed += [(i, step) for i in ids]
        last = pushed[-capacity:]
        entries = memory.read()
        assert len(memory) == len(last)
        for got, expected in zip(entries[:3], batch([i for i, _ in last]), strict=True):
            assert torch.equal(got, expected)
        assert entries.ages.tolist() == [step + 1 - then for _, then in last]


def test_a_batch_larger_than_the_capacity_keeps_its_last_rows():
    memory = CrossBatchNegatives(3, 2)
    push(memory, [1, 2])
    push(memory, [3, 4, 5, 6, 7])
    assert memory.read().ids.tolist() == [5, 6, 7]


def test_capacity_zero_is_no_memory():
    memory = CrossBatchNegatives(0, 2)
    push(memory, [1, 2, 3])
    entries = memory.read()
    assert len(memory) == 0
    assert [tuple(x.shape) for x in entries] == [(0,), (0, 2), (0,), (0,)]
    u, v = (torch.randn(3, 2, generator=torch.Generator().manual_seed(k)) for k in (0, 1))
    assert torch.equal(u @ torch.cat([v, entries.vectors]).T, u @ v.T)


def test_entries_are_detached_copies():
    memory = CrossBatchNegatives(4, 2)
    ids, log_q = torch.tensor([1, 2]), torch.zeros(2)
    vectors = torch.ones(2, 2, requires_grad=True)
    memory.push(ids, vectors * 1.0, log_q)
    memory.push(ids, vectors, log_q)
    with torch.no_grad():
        for source in (ids, vectors, log_q):
            source.zero_()
    entries = memory.read()
    assert not any(x.requires_grad for x in entries)
    assert entries.ids.tolist() == [1, 2, 1, 2]
    assert torch.equal(entries.vectors, torch.ones(4, 2))


def test_a_push_does_not_disturb_what_was_read_before_nor_its_backward_pass():
    memory = CrossBatchNegatives(3, 2)
    push(memory, [1, 2, 3])
    entries = memory.read()
    before = [x.clone() for x in entries]
    u = torch.ones(1, 2, requires_grad=True)
    loss = (u @ entries.vectors.T).square().sum()
    push(memory, [4, 5])
    loss.backward()
    assert all(torch.equal(x, y) for x, y in zip(entries, before, strict=True))
    assert torch.isfinite(u.grad).all()


def test_evaluation_mode_never_writes():
    memory = CrossBatchNegatives(3, 2)
    push(memory, [1, 2])
    before = {name: value.clone() for name, value in memory.state_dict().items()}
    memory.eval()
    push(memory, [3, 4])
    after = memory.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert memory.read().ids.tolist() == [1, 2]
    memory.train()
    push(memory, [5])
    assert memory.read().ids.tolist() == [1, 2, 5]


@pytest.mark.parametrize(("fill", "first"), [(False, []), (True, [1, 2])])
def test_warm_up_by_steps(fill, first):
    memory = CrossBatchNegatives(10, 2, warmup_steps=2, fill_during_warmup=fill)
    seen = []
    for step in range(4):
        seen.append((memory.active, memory.read().ids.tolist()))
        push(memory, [step + 1])
    assert seen == [(False, []), (False, []), (True, first), (True, [*first, 3])]


def test_warm_up_by_drift():
    memory = CrossBatchNegatives(10, 2, max_drift=0.05)
    push(memory, [1])
    memory.observe_drift(math.nextafter(0.05, 1))
    push(memory, [2])
    assert not memory.active
    assert len(memory) == 0
    memory.observe_drift(0.05)
    assert memory.active
    push(memory, [3])
    memory.observe_drift(0.9)  # a warm-up that is over stays over
    assert memory.active
    assert memory.read().ids.tolist() == [3]


def test_both_kinds_of_warm_up_must_be_over():
    memory = CrossBatchNegatives(10, 2, warmup_steps=1, max_drift=0.1, fill_during_warmup=True)
    memory.observe_drift(0.0)
    assert not memory.active
    push(memory, [1])
    assert memory.active
    other = CrossBatchNegatives(10, 2, warmup_steps=1, max_drift=0.1)
    push(other, [1])
    assert not other.active


def test_clear_forgets_the_entries_and_not_the_warm_up():
    memory = CrossBatchNegatives(3, 2, warmup_steps=1, max_drift=0.1)
    memory.observe_drift(0.0)
    for ids in ([1], [2, 3], [4]):
        push(memory, ids)
    memory.clear()
    assert memory.active
    assert len(memory) == 0
    assert memory.read().ids.tolist() == []
    push(memory, [5])
    entries = memory.read()
    assert (entries.ids.tolist(), entries.ages.tolist()) == ([5], [1])


@pytest.mark.parametrize("sizes", [[], [2], [3, 3, 3], [9]])
def test_state_goes_to_another_memory_with_the_same_shapes_however_full_it_is(sizes):
    def make() -> CrossBatchNegatives:
        return CrossBatchNegatives(5, 2, warmup_steps=1, max_drift=0.1, fill_during_warmup=True)

    memory = make()
    for k, size in enumerate(sizes):
        push(memory, list(range(10 * k, 10 * k + size)))
        memory.observe_drift(0.0)
    state = copy.deepcopy(memory.state_dict())
    shapes = {name: (value.shape, value.dtype) for name, value in state.items()}
    assert shapes == {name: (value.shape, value.dtype) for name, value in make().state_dict().items()}
    other = make()
    push(other, [77, 78])  # what is there is replaced
    other.load_state_dict(state)
    for ids in ([100, 101], [102], [103, 104, 105]):
        assert memory.active == other.active
        assert all(torch.equal(x, y) for x, y in zip(memory.read(), other.read(), strict=True))
        push(memory, ids)
        push(other, ids)


@pytest.mark.parametrize("capacity", [0, 3])
def test_state_goes_through_a_safetensors_file(tmp_path, capacity):
    memory, other = CrossBatchNegatives(capacity, 2), CrossBatchNegatives(capacity, 2)
    push(memory, [1, 2, 3, 4, 5])
    save_file(memory.state_dict(), tmp_path / "memory.safetensors")
    other.load_state_dict(load_file(tmp_path / "memory.safetensors"))
    assert other.read().ids.tolist() == [3, 4, 5][:capacity]
    assert all(torch.equal(x, y) for x, y in zip(memory.read(), other.read(), strict=True))


def test_a_state_of_another_capacity_or_kind_is_refused():
    memory = CrossBatchNegatives(5, 2)
    with pytest.raises(RuntimeError, match=r"size mismatch for vectors"):
        CrossBatchNegatives(4, 2).load_state_dict(memory.state_dict())
    for state in ([6, 0, 1], [-1, 0, 1], [0, -1, 1], [0, 0, 2], [0, 0]):
        with pytest.raises(ValueError, match=r"state must hold a number of entries in \[0, 5\]"):
            memory.load_state_dict({**memory.state_dict(), "_extra_state": torch.tensor(state)})


def test_vectors_are_stored_as_float32():
    memory = CrossBatchNegatives(2, 2)
    ids, vectors, log_q = batch([1, 2])
    memory.push(ids.int(), vectors.half(), log_q.double())
    entries = memory.read()
    assert [x.dtype for x in entries] == [torch.int64, torch.float32, torch.float32, torch.int64]
    assert torch.equal(entries.vectors, vectors)


def train(steps: int, capacity: int, resume_at: int | None = None) -> tuple[torch.Tensor, float]:
    """Two tables trained by in-batch and memory negatives; at ``resume_at`` all goes through state dicts."""

    def make() -> torch.nn.ModuleDict:
        torch.manual_seed(0)
        return torch.nn.ModuleDict(
            {
                "user": torch.nn.Embedding(6, 4),
                "item": torch.nn.Embedding(9, 4),
                "memory": CrossBatchNegatives(capacity, 4),
            }
        )

    model = make()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    before = model["item"].weight.detach().clone()
    for step in range(steps):
        if step == resume_at:
            states = copy.deepcopy(model.state_dict()), copy.deepcopy(optimizer.state_dict())
            model = make()
            optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
            model.load_state_dict(states[0])
            optimizer.load_state_dict(states[1])
        generator = torch.Generator().manual_seed(step)
        users, items = torch.randint(6, (4,), generator=generator), torch.randint(9, (4,), generator=generator)
        u, v, entries = model["user"](users), model["item"](items), model["memory"].read()
        scores = u @ torch.cat([v, entries.vectors]).T
        mask = ~own_item_mask(items, torch.cat([items, entries.ids]))
        loss = SampledSoftmaxLoss()(scores.diagonal(), scores, mask=mask)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        model["memory"].push(items, v, torch.zeros(4))
    after = model["item"].weight.detach()
    return after, feature_drift(after, before).relative


def test_a_resumed_run_with_a_filled_memory_equals_an_uninterrupted_one():
    whole, drift = train(12, capacity=10)
    assert torch.equal(train(12, capacity=10, resume_at=7)[0], whole)
    assert not torch.equal(train(12, capacity=0)[0], whole)
    assert drift > 0.1


def test_entries_push_users_and_not_items():
    torch.manual_seed(0)
    memory = CrossBatchNegatives(2, 2)
    memory.push(torch.tensor([8, 9]), torch.randn(2, 2), torch.zeros(2))
    u, v = torch.randn(3, 2, requires_grad=True), torch.randn(3, 2, requires_grad=True)
    columns = torch.cat([v, memory.read().vectors])
    scores = u @ columns.T / 0.5
    loss = SampledSoftmaxLoss(0.5)(scores.diagonal() * 0.5, scores * 0.5, mask=~torch.eye(3, 5, dtype=torch.bool))
    gradients = torch.autograd.grad(loss, (u, v))
    slope = (torch.softmax(scores.detach(), dim=1) - torch.eye(3, 5)) / 3  # (P - I) / B
    torch.testing.assert_close(gradients[0], slope @ columns.detach() / 0.5)
    torch.testing.assert_close(gradients[1], slope[:, :3].T @ u.detach() / 0.5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"capacity": -1}, "capacity must be an integer >= 0, got -1"),
        ({"capacity": 2.0}, "capacity must be an integer >= 0, got 2.0"),
        ({"dim": 0}, "dim must be an integer >= 1, got 0"),
        ({"warmup_steps": -1}, "warmup_steps must be an integer >= 0, got -1"),
        ({"max_drift": -0.1}, "max_drift must be None or a finite float >= 0, got -0.1"),
        ({"max_drift": math.nan}, "max_drift must be None or a finite float >= 0, got nan"),
    ],
)
def test_bad_settings(arguments, message):
    with pytest.raises(ValueError, match=message):
        CrossBatchNegatives(**({"capacity": 2, "dim": 3} | arguments))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"ids": torch.zeros(2, 1, dtype=torch.int64)}, ValueError, r"\(batch, 3\) and \(batch,\), got \(2, 1\)"),
        ({"vectors": torch.zeros(2, 4)}, ValueError, r"got \(2,\), \(2, 4\) and \(2,\)"),
        ({"vectors": torch.zeros(3, 3)}, ValueError, r"got \(2,\), \(3, 3\) and \(2,\)"),
        ({"log_q": torch.zeros(())}, ValueError, r"got \(2,\), \(2, 3\) and \(\)"),
        ({"ids": torch.zeros(2)}, TypeError, "ids must be an integer tensor, got dtype torch.float32"),
    ],
)
def test_bad_push(training, change, error, message):
    memory = CrossBatchNegatives(5, 3).train(training)
    arguments = {"ids": torch.tensor([0, 1]), "vectors": torch.zeros(2, 3), "log_q": torch.zeros(2)}
    with pytest.raises(error, match=message):
        memory.push(**(arguments | change))
    assert len(memory) == 0


@pytest.mark.parametrize("drift", [-1.0, math.nan, math.inf, None])
def test_bad_drift(drift):
    memory = CrossBatchNegatives(5, 3, max_drift=0.1)
    with pytest.raises(ValueError, match="relative must be a finite float >= 0, got"):
        memory.observe_drift(drift)


def test_drift_without_a_bound_is_refused():
    with pytest.raises(ValueError, match="observe_drift needs a memory with max_drift, got one with max_drift=None"):
        CrossBatchNegatives(5, 3).observe_drift(0.0)


def test_repr_names_the_settings():
    expected = "CrossBatchNegatives(capacity=5, dim=3, warmup_steps=0, max_drift=None, fill_during_warmup=False)"
    assert repr(CrossBatchNegatives(5, 3)) == expected
