from __future__ import annotations

import pytest
import torch

from graphvid.ops import Adjacency, Relations


def _relations(weighted: bool = False, other_sources: bool = False) -> Relations:
    """Two relations into 30 nodes: a hub of 300 edges at node 0, and 40 edges elsewhere; nodes 20 to 29 have none."""
    random = torch.Generator().manual_seed(0)
    hub = torch.randint(20, (300,), generator=random), torch.zeros(300, dtype=torch.int64)
    src, dst = torch.randint(20, (2, 40), generator=random)
    weight = torch.rand(300, generator=random, dtype=torch.float64).requires_grad_() if weighted else None
    first = Adjacency.from_coo(*hub, num_src=20, num_dst=30, norm="both", weight=weight)
    return Relations([first, Adjacency.from_coo(src, dst, num_src=25 if other_sources else 20, num_dst=30)])


def _features(relations: Relations) -> list[torch.Tensor]:
    random = torch.Generator().manual_seed(1)
    return [
        torch.randn(a.num_src, 3, generator=random, dtype=torch.float64).requires_grad_() for a in relations.adjacencies
    ]


def _one_by_one(relations: Relations, features: list[torch.Tensor], combine: str, activation: str | None):
    parts = []
    for adjacency, x in zip(relations.adjacencies, features):
        matrix = torch.zeros(adjacency.num_dst, adjacency.num_src, dtype=torch.float64)
        values = torch.ones(adjacency.num_edges, dtype=torch.float64) if adjacency.weight is None else adjacency.weight
        left, right = adjacency.scales(torch.float64, mean=False)
        ends = adjacency.ends("dst").long(), adjacency.ends("src").long()
        matrix = matrix.index_put(ends, values, accumulate=True)
        matrix = matrix if left is None else right[:, None] * matrix * left
        parts.append((matrix @ x).relu() if activation else matrix @ x)
    stacked = torch.stack(parts)
    return {"sum": lambda: stacked.sum(0), "mean": lambda: stacked.mean(0), "stack": lambda: stacked}[combine]()


@pytest.mark.parametrize(
    ("kind", "combine", "activation"),
    [
        ("plain", "sum", None),
        ("plain", "mean", "relu"),
        ("plain", "stack", "relu"),
        ("weighted", "sum", "relu"),
        ("weighted", "mean", None),
        ("weighted", "stack", None),
        ("other sources", "stack", "relu"),
    ],
)
def test_it_is_the_relations_one_by_one(backend, combine, activation, kind) -> None:
    relations = _relations(weighted=kind == "weighted", other_sources=kind == "other sources")
    results = []
    for function in (
        lambda x: relations.spmm(x, combine=combine, activation=activation),
        lambda x: _one_by_one(relations, x, combine, activation),
    ):
        features = _features(relations)
        asked = [*features, *(a.weight for a in relations.adjacencies if a.weight is not None)]
        out = function(features)
        results.append((out, *torch.autograd.grad((out * torch.arange(out.numel()).view_as(out)).sum(), asked)))
    for a, b in zip(*results):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-9)


def test_views_of_one_tensor_and_a_gradient_for_some(backend) -> None:
    relations = _relations()
    stacked = torch.rand(2, 20, 3, dtype=torch.float64)
    expected = relations.spmm([x.clone() for x in stacked])
    torch.testing.assert_close(relations.spmm(stacked.unbind()), expected)
    first = stacked[0].clone().requires_grad_()
    relations.spmm([first, stacked[1]]).sum().backward()
    assert first.grad.shape == (20, 3)


def test_bad_input() -> None:
    relations = _relations()
    x = torch.ones(20, 3)
    with pytest.raises(ValueError, match="at least one Adjacency, got none"):
        Relations([])
    other = Adjacency.from_coo(torch.tensor([0]), torch.tensor([0]), num_src=1, num_dst=1)
    with pytest.raises(ValueError, match="adjacencies must have one num_dst and one device"):
        Relations([relations.adjacencies[0], other])
    with pytest.raises(ValueError, match="features must hold 2 tensors, one a relation, got 1"):
        relations.spmm([x])
    with pytest.raises(ValueError, match=r"features\[1\] must have shape"):
        relations.spmm([x, torch.ones(3, 3)])
    with pytest.raises(ValueError, match="features must have one dim and one dtype"):
        relations.spmm([x, torch.ones(20, 4)])
    with pytest.raises(ValueError, match=r"combine must be one of .*, got 'max'"):
        relations.spmm([x, x], combine="max")
    with pytest.raises(ValueError, match=r"activation must be one of .*, got 'elu'"):
        relations.spmm([x, x], activation="elu")
