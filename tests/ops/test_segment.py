from __future__ import annotations

import itertools

import pytest
import torch

from graphvid.ops import segment_reduce


@pytest.mark.parametrize("reduce", ["sum", "mean", "max"])
def test_it_is_a_loop_over_slices(backend, reduce) -> None:
    indptr = torch.tensor([0, 0, 3, 4, 4, 9])
    values = torch.randn(9, 2, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    results = []
    for function in (
        lambda x: segment_reduce(x, indptr, reduce=reduce),
        lambda x: torch.stack(
            [
                getattr(x[a:b], {"max": "amax"}.get(reduce, reduce))(0) if b > a else x[:0].sum(0)
                for a, b in itertools.pairwise(indptr.tolist())
            ]
        ),
    ):
        leaf = values.clone().requires_grad_()
        out = function(leaf)
        (out * torch.arange(out.numel()).view_as(out)).sum().backward()
        results.append((out, leaf.grad))
    torch.testing.assert_close(*results)


@pytest.mark.parametrize("indptr", [torch.tensor([0]), torch.tensor([0, 0, 0])])
def test_nothing_to_reduce(backend, indptr) -> None:
    assert segment_reduce(torch.empty(0, 2), indptr).tolist() == [[0.0, 0.0]] * (len(indptr) - 1)


@pytest.mark.parametrize(
    ("indptr", "error", "message"),
    [
        (torch.tensor([0, 2]), ValueError, "indptr must run from 0 to 3, got 0 to 2"),
        (torch.tensor([1, 3]), ValueError, "indptr must run from 0 to 3, got 1"),
        (torch.tensor([], dtype=torch.int64), ValueError, "indptr must be 1-D with at least one value"),
        (torch.tensor([0, 2, 1, 3]), ValueError, "indptr must not fall"),
        (torch.tensor([0.0, 3.0]), TypeError, "indptr must be an integer tensor"),
    ],
)
def test_bad_indptr(indptr, error, message) -> None:
    with pytest.raises(error, match=message):
        segment_reduce(torch.ones(3, 1), indptr)
