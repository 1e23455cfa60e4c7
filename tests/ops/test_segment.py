from __future__ import annotations

import itertools

import pytest
import torch

from graphvid.ops import available_backends, segment_mean_max, segment_reduce, use_backend


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


@pytest.mark.parametrize("backend", available_backends())
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_mean_and_maximum_at_once_are_those_of_two_passes(backend, dtype):
    generator = torch.Generator().manual_seed(0)
    values = torch.randint(-3, 4, (40, 5), generator=generator).to(dtype).requires_grad_()  # many equal maxima
    indptr = torch.tensor([0, 7, 7, 8, 31, 40, 40])
    with use_backend(backend):
        found = segment_mean_max(values, indptr)
        expected = [segment_reduce(values, indptr, reduce=reduce) for reduce in ("mean", "max")]
        pulls = [torch.randn(6, 5, generator=generator).to(dtype) for _ in range(2)]
        torch.testing.assert_close(list(found), expected)
        if backend != "dgl":  # which sends the gradient of a maximum to any row that reaches it
            gradients = [torch.autograd.grad(pair, values, pulls)[0] for pair in (found, expected)]
            torch.testing.assert_close(*gradients)
        with torch.no_grad():
            torch.testing.assert_close(list(segment_mean_max(values, indptr)), expected)


def test_mean_and_maximum_of_many_rows_do_not_depend_on_threads():
    values, indptr = torch.randn(30_000, 8, requires_grad=True), torch.arange(0, 30_001, 10)
    threads, found = torch.get_num_threads(), []
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            both = segment_mean_max(values, indptr)
            found.append((*both, *torch.autograd.grad(both.mean.sum() + both.max.square().sum(), values)))
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))
    torch.testing.assert_close(found[0][1], values.detach().view(-1, 10, 8).amax(1))


def test_nan_wins_a_maximum_and_bad_segments_are_refused():
    values = torch.tensor([[1.0], [torch.nan], [3.0]])
    assert segment_mean_max(values, torch.tensor([0, 3])).max.isnan().all()
    with pytest.raises(ValueError, match="values must have shape"):
        segment_mean_max(torch.ones(3, 2, 2), torch.tensor([0, 3]))
    with pytest.raises(ValueError, match="indptr"):
        segment_mean_max(values, torch.tensor([0, 2]))
