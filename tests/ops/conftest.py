from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from graphvid import ops
from graphvid.ops.backends import _NAMES


class Edges(NamedTuple):
    """A bipartite graph."""

    src: Tensor
    dst: Tensor
    num_src: int
    num_dst: int

    def adjacency(self, **options: object) -> ops.Adjacency:
        return ops.Adjacency.from_coo(self.src, self.dst, num_src=self.num_src, num_dst=self.num_dst, **options)


def _random(num_edges: int, num_src: int, num_dst: int, seed: int) -> Edges:
    random = torch.Generator().manual_seed(seed)
    ends = (torch.randint(size, (num_edges,), generator=random) for size in (num_src, num_dst))
    return Edges(*ends, num_src, num_dst)


def _hub() -> Edges:
    """A destination with 300 edges, a source with 280, others with few or none."""
    few = _random(20, 40, 30, 1)
    src = torch.cat([torch.arange(300) % 40, torch.full((280,), 3), few.src])
    dst = torch.cat([torch.zeros(300, dtype=torch.int64), torch.arange(280) % 25, few.dst])
    order = torch.randperm(len(src), generator=torch.Generator().manual_seed(2))
    return Edges(src[order], dst[order], 40, 30)


GRAPHS = {
    "random": _random(60, 9, 7, 0),
    "sorted": Edges(torch.tensor([2, 0, 1, 1]), torch.tensor([0, 0, 1, 3]), 3, 5),
    "empty rows": _random(15, 30, 40, 3),
    "hub": _hub(),
    "duplicates": Edges(torch.tensor([1, 0, 1, 1, 0]), torch.tensor([2, 2, 2, 0, 2]), 2, 3),
    "one node": Edges(torch.tensor([0]), torch.tensor([0]), 1, 1),
    "no edge": Edges(torch.empty(0, dtype=torch.int64), torch.empty(0, dtype=torch.int64), 3, 2),
    "no node": Edges(torch.empty(0, dtype=torch.int64), torch.empty(0, dtype=torch.int64), 0, 0),
}


@pytest.fixture(params=GRAPHS)
def edges(request: pytest.FixtureRequest) -> Edges:
    return GRAPHS[request.param]


@pytest.fixture(params=[name for name in _NAMES if name != "auto"])
def backend(request: pytest.FixtureRequest) -> Callable[[], object]:
    """Use each backend that works on the CPU in turn, Triton by its interpreter."""
    if request.param == "triton":
        pytest.importorskip("triton", reason="Triton is not installed: pip install triton")
    with ops.use_backend(request.param):
        yield request.param
