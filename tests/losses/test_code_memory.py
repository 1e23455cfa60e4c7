"""CodeMemory against a list of everything pushed, rebuilt with the codebooks of the moment."""

from __future__ import annotations

import copy

import pytest
import torch
from safetensors.torch import load_file, save_file

from graphvid._random import seeded
from graphvid.losses import CodeMemory


@pytest.fixture(autouse=True)
def _fixed_draws():
    with seeded(0):
        yield


def codes(number: int) -> torch.Tensor:
    return torch.softmax(3 * torch.randn(number, 2, 5), dim=-1)


@pytest.mark.parametrize("capacity", [0, 1, 4, 7, 50])
@pytest.mark.parametrize("num_kept", [None, 2, 5])
def test_entries_are_the_last_ones_pushed_with_todays_codebooks(capacity, num_kept):
    memory, pushed, ids = CodeMemory(capacity, 2, 5, num_kept=num_kept), [], []
    for step, size in enumerate((3, 1, 0, 9, 2, 2)):
        batch = codes(size)
        memory.push(torch.arange(size) + 10 * step, batch)
        pushed += list(batch)
        ids += [10 * step + i for i in range(size)]
        books = torch.randn(2, 5, 3)
        kept = pushed[max(len(pushed) - capacity, 0) :]
        expected = []
        for one in kept:
            top = one if num_kept is None else torch.where(one >= one.topk(num_kept).values[:, -1:], one, 0)
            top = top / top.sum(-1, keepdim=True)
            expected.append(torch.cat([top[m] @ books[m] for m in range(2)]))
        found = memory.rebuild(books)
        assert found.shape == (len(kept), 6)
        if kept:
            torch.testing.assert_close(found, torch.stack(expected))
        entries = memory.read()
        assert entries.ids.tolist() == ids[max(len(ids) - capacity, 0) :]
        torch.testing.assert_close(entries.weights.sum(-1), torch.ones(len(kept), 2))
        assert (entries.ages >= 1).all()
    assert len(memory) == min(capacity, 17)


def test_codebooks_get_a_gradient_and_codes_do_not():
    memory, batch = CodeMemory(4, 2, 5), codes(3).requires_grad_()
    memory.push(torch.arange(3), batch)
    books = torch.randn(2, 5, 3, requires_grad=True)
    memory.rebuild(books).sum().backward()
    assert books.grad.abs().sum() > 0
    assert batch.grad is None


def test_it_is_filled_and_not_used_during_the_warm_up_and_not_written_in_evaluation():
    memory = CodeMemory(4, 2, 5, warmup_steps=2)
    for step in range(2):
        assert len(memory.rebuild(torch.randn(2, 5, 1))) == 0
        memory.push(torch.tensor([step]), codes(1))
    assert memory.read().ids.tolist() == [0, 1]
    memory.eval()
    memory.push(torch.tensor([9]), codes(1))
    assert memory.read().ids.tolist() == [0, 1]


@pytest.mark.parametrize("num_kept", [None, 3])
def test_state_goes_through_a_file(tmp_path, num_kept):
    memory, other = (CodeMemory(5, 2, 5, num_kept=num_kept, warmup_steps=1) for _ in range(2))
    empty = {name: value.shape for name, value in other.state_dict().items()}
    for step in range(3):
        memory.push(torch.arange(3) + step, codes(3))
    assert {name: value.shape for name, value in memory.state_dict().items()} == empty
    save_file(memory.state_dict(), tmp_path / "memory.safetensors")
    other.load_state_dict(load_file(tmp_path / "memory.safetensors"))
    books = torch.randn(2, 5, 3)
    for _ in range(3):
        assert torch.equal(memory.rebuild(books), other.rebuild(books))
        batch = codes(2)
        memory.push(torch.tensor([50, 51]), batch)
        other.push(torch.tensor([50, 51]), batch)


def test_a_push_does_not_disturb_a_backward_pass():
    memory, books = CodeMemory(3, 2, 5), torch.randn(2, 5, 2, requires_grad=True)
    memory.push(torch.arange(3), codes(3))
    loss = memory.rebuild(books).square().sum()
    expected = torch.autograd.grad(memory.rebuild(books).square().sum(), books)[0]
    before = copy.deepcopy(memory.read())
    read = memory.read()
    memory.push(torch.arange(2), codes(2))
    assert torch.equal(torch.autograd.grad(loss, books)[0], expected)
    assert all(torch.equal(a, b) for a, b in zip(read, before, strict=True))


def test_bad_input():
    with pytest.raises(ValueError, match="num_kept must be None or at most num_codewords=5, got 6"):
        CodeMemory(4, 2, 5, num_kept=6)
    with pytest.raises(ValueError, match="capacity must be an integer >= 0, got -1"):
        CodeMemory(-1, 2, 5)
    memory = CodeMemory(4, 2, 5)
    with pytest.raises(ValueError, match=r"\(batch,\) and \(batch, 2, 5\), got \(3,\) and \(2, 2, 5\)"):
        memory.push(torch.arange(3), codes(2))
    with pytest.raises(TypeError, match="ids must be an integer tensor"):
        memory.push(torch.ones(2), codes(2))
    with pytest.raises(ValueError, match=r"codebooks must have shape \(2, 5, dim\)"):
        memory.rebuild(torch.randn(2, 4, 3))
