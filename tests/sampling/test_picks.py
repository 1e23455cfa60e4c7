from __future__ import annotations

import itertools

import pytest
import torch
from scipy import stats
from torch.utils._python_dispatch import TorchDispatchMode

from graphvid.ops import Adjacency
from graphvid.sampling import _picks


class Largest(TorchDispatchMode):
    """Remember the number of entries of the largest tensor that an operation makes."""

    entries = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for x in out if isinstance(out, (tuple, list)) else [out]:
            if isinstance(x, torch.Tensor):
                self.entries = max(self.entries, x.numel())
        return out


@pytest.mark.parametrize(("replace", "weighted"), [(False, False), (True, False), (True, True)])
def test_a_hub_takes_memory_by_the_fanout_alone(replace, weighted):
    degree, batch = 100_000, torch.tensor([1, 0, 1])
    dst = torch.cat([torch.zeros(degree, dtype=torch.int64), torch.tensor([1])])
    adjacency = Adjacency.from_coo(
        torch.arange(degree + 1), dst, num_src=degree + 1, num_dst=2, weight=torch.ones(degree + 1)
    )
    table = _picks.in_edges(adjacency, weighted, replace)
    with Largest() as largest:
        picks = _picks.pick(table, batch, 10, replace, 7)
    assert largest.entries <= 2 * 3 * 10  # row and column of each pick
    assert picks.counts.tolist() == ([10, 10, 10] if replace else [1, 10, 1])
    hub = picks.src[picks.dst_index == 1]
    assert len(hub.unique()) == 10
    many = _picks.pick(table, torch.zeros(400, dtype=torch.int64), 10, replace, 8)
    assert stats.kstest(many.src.numpy() / degree, "uniform").pvalue > 1e-3


def test_prefix_sums_are_those_of_a_loop():
    values, indptr = torch.rand(200, dtype=torch.float64), torch.tensor([0, 0, 1, 3, 3, 100, 199, 200, 200])
    sums = _picks.prefix_sums(values, indptr)
    expected = torch.cat([values[a:b].cumsum(0) for a, b in itertools.pairwise(indptr.tolist())])
    torch.testing.assert_close(sums, expected, rtol=1e-14, atol=0)


@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("replace", [False, True])
def test_weighted_in_edges_are_those_above_zero(zeros, ordered, replace):
    src, dst = torch.randint(9, (2, 60), generator=torch.Generator().manual_seed(0))
    dst = dst.sort().values if ordered else dst
    weight = torch.rand(60, generator=torch.Generator().manual_seed(1), dtype=torch.float64) + 0.1
    weight[:20:2] *= not zeros
    adjacency = Adjacency.from_coo(src, dst, num_src=9, num_dst=9, weight=weight)
    table = _picks.in_edges(adjacency, True, replace)
    ids = torch.arange(len(table.src)) if table.edge_ids is None else table.edge_ids.long()
    expected = [[e for e in range(60) if dst[e] == v and weight[e] > 0] for v in range(9)]
    assert [ids[a:b].tolist() for a, b in itertools.pairwise(table.indptr.tolist())] == expected
    assert torch.equal(table.src.long(), src[ids])
    shown = [weight[x].cumsum(0) if replace else weight[x].log() for x in expected]
    torch.testing.assert_close(table.weight, torch.cat(shown))


def test_ordered_bits_have_the_order_of_floats():
    tiny = 5e-324
    x = torch.tensor(
        [-torch.inf, -1e300, -1.5, -1.0, -tiny, 0.0, tiny, 1.0, 1.0 + 2**-52, torch.inf], dtype=torch.float64
    )
    bits = _picks._ordered_bits(x)
    assert (bits[1:] > bits[:-1]).all()
    noise = torch.randn(1000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert torch.equal(_picks._ordered_bits(noise).argsort(), noise.argsort())


def test_degrees_too_large_for_the_random_places_are_refused():
    _picks.check_degrees(torch.tensor([0, 2**31 - 1, 2**32 - 2]))
    _picks.check_degrees(torch.tensor([0]))
    with pytest.raises(ValueError, match=r"in-degrees below 2\*\*31, got 2147483648"):
        _picks.check_degrees(torch.tensor([0, 1, 2**31 + 1]))
