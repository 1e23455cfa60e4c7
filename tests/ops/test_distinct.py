"""Distinct ids against PyTorch, by marks and by its sort."""

from __future__ import annotations

import pytest
import torch

from graphvid.ops import distinct as module
from graphvid.ops.distinct import distinct

CASES = {
    "dense": torch.randint(50, (300,), generator=torch.Generator().manual_seed(0)),
    "all of them": torch.randperm(40, generator=torch.Generator().manual_seed(0)),
    "one": torch.tensor([0]),
    "the same": torch.full((5,), 7),
    "sparse": torch.tensor([10**12, 3, 10**12]),
    "negative": torch.tensor([-1, 2, -1, 5]),
    "none": torch.tensor([], dtype=torch.int64),
    "int32": torch.tensor([4, 1, 4], dtype=torch.int32),
}


@pytest.mark.parametrize("wide", [0, 32])
@pytest.mark.parametrize("case", CASES)
def test_distinct_ids(monkeypatch, wide, case) -> None:
    monkeypatch.setattr(module, "_WIDE", wide)
    found, place = distinct(CASES[case])
    expected = torch.unique(CASES[case], return_inverse=True)
    assert torch.equal(found, expected[0])
    assert found.dtype == expected[0].dtype
    assert torch.equal(place, expected[1])
