"""Masks of known items against sets, for shared candidates and for those of each row."""

from __future__ import annotations

import pytest
import torch

from graphvid.losses import known_positive_mask, known_positives, own_item_mask
from graphvid.ops import NeighborTable


def table(lists: list[list[int]]) -> NeighborTable:
    lengths = torch.tensor([0, *map(len, lists)])
    return NeighborTable(
        lengths.cumsum(0), torch.tensor([item for row in lists for item in sorted(row)], dtype=torch.int64)
    )


def random_case(seed: int):
    generator = torch.Generator().manual_seed(seed)
    lists = [
        torch.randperm(30, generator=generator)[: int(torch.randint(0, 25, (), generator=generator))].tolist()
        for _ in range(12)
    ]
    return lists, torch.randint(12, (20,), generator=generator), generator


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
@pytest.mark.parametrize("marks", [1, 130, 2**22])  # one user at a time, a few, all
def test_known_items_against_sets(monkeypatch, seed, shared, dtype, marks):
    monkeypatch.setattr(known_positives, "_MARKS", marks)
    lists, users, generator = random_case(seed)
    candidates = torch.randint(40, (15,) if shared else (20, 15), generator=generator)  # ids beyond every list too
    mask = known_positive_mask(users.to(dtype), candidates.to(dtype), table(lists))
    rows = candidates.expand(20, 15).tolist()
    expected = [[item in set(lists[u]) for item in row] for u, row in zip(users.tolist(), rows, strict=True)]
    assert mask.dtype == torch.bool
    assert mask.tolist() == expected


@pytest.mark.parametrize("seed", range(5))
def test_both_ways_to_mark_shared_candidates(seed):
    """The kernel of the CPU, and the tensors of other devices."""
    lists, users, generator = random_case(seed)
    candidates = torch.randint(40, (15,), generator=generator)
    marks = []
    for mark in (known_positives._mark_fused, known_positives._mark_tensors):
        marks.append(torch.zeros(20, 15, dtype=torch.bool))
        mark(marks[-1], users, candidates, table(lists))
    assert torch.equal(*marks)
    assert marks[0].any()


@pytest.mark.parametrize("shared", [False, True])
def test_an_item_with_the_number_of_the_user_is_nothing_special(shared):
    candidates = torch.tensor([3, 1]) if shared else torch.tensor([[3, 1]])
    assert known_positive_mask(torch.tensor([3]), candidates, table([[], [], [], [1]])).tolist() == [[False, True]]


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("lists", [[[], []], [[0], [2]]])
@pytest.mark.parametrize(("rows", "width"), [(0, 3), (2, 0), (2, 3)])
def test_empty_lists_batches_and_candidates(shared, lists, rows, width):
    candidates = torch.ones((width,) if shared else (rows, width), dtype=torch.int64)
    mask = known_positive_mask(torch.arange(rows), candidates, table(lists))
    assert mask.shape == (rows, width)
    assert not mask.any()


@pytest.mark.parametrize("shared", [False, True])
def test_own_items_against_comparison(shared):
    generator = torch.Generator().manual_seed(0)
    items = torch.randint(6, (9,), generator=generator)
    candidates = torch.randint(6, (7,) if shared else (9, 7), generator=generator)
    expected = [
        [int(items[i]) == int(candidates[j] if shared else candidates[i, j]) for j in range(7)] for i in range(9)
    ]
    assert own_item_mask(items, candidates).tolist() == expected


BAD = [
    (
        (torch.zeros(2, 1, dtype=torch.int64), torch.tensor([0])),
        ValueError,
        r"must have shapes \(batch,\) and .* got \(2, 1\)",
    ),
    (
        (torch.tensor([0, 1]), torch.zeros(3, 4, dtype=torch.int64)),
        ValueError,
        r"must have shapes .* got \(2,\) and \(3, 4\)",
    ),
    ((torch.tensor([0, 1]), torch.tensor(0)), ValueError, r"must have shapes .* and \(\)"),
    ((torch.tensor([0, 1]), torch.tensor([0.0])), TypeError, "candidates must be an integer tensor"),
    ((torch.tensor([0, 1]), torch.tensor([2, -1])), ValueError, "candidates must be >= 0, got -1"),
]


@pytest.mark.parametrize(("arguments", "error", "message"), BAD)
def test_bad_input(arguments, error, message):
    with pytest.raises(error, match=message):
        known_positive_mask(*arguments, table([[0], [1]]))
    with pytest.raises(error, match=message):
        own_item_mask(*arguments)


def test_bad_rows():
    with pytest.raises(ValueError, match=r"users must lie in \[0, 2\), got 0 to 2"):
        known_positive_mask(torch.tensor([0, 2]), torch.tensor([0]), table([[0], [1]]))
    with pytest.raises(TypeError, match="users must be an integer tensor"):
        known_positive_mask(torch.tensor([0.0]), torch.tensor([0]), table([[0], [1]]))
    with pytest.raises(ValueError, match="items must be >= 0, got -1"):
        own_item_mask(torch.tensor([-1]), torch.tensor([0]))
