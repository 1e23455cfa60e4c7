from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from graphvid.losses import InBatchSoftmaxLoss
from graphvid.ops import NeighborTable


def batch(rows: int, num_nodes: int, seed: int) -> tuple[torch.Tensor, ...]:
    make = torch.Generator().manual_seed(seed)
    vectors = [F.normalize(torch.randn(rows, 5, generator=make, dtype=torch.float64), dim=1) for _ in range(2)]
    return *vectors, *(torch.randint(0, num_nodes, (rows,), generator=make) for _ in range(2))


def table(num_nodes: int, seed: int) -> tuple[NeighborTable, set[tuple[int, int]]]:
    src, dst = torch.randint(0, num_nodes, (2, 2 * num_nodes), generator=torch.Generator().manual_seed(seed))
    pairs = set(zip(src.tolist(), dst.tolist(), strict=True))
    return NeighborTable.from_edges(src, dst, num_nodes=num_nodes), pairs


def one_way(query, target, query_ids, target_ids, temperature, pairs) -> float:
    """The definition in loops."""
    total = 0.0
    for i in range(len(query)):
        own = math.exp(float(query[i] @ target[i]) / temperature)
        others = 0.0
        for j in range(len(query)):
            q, t = int(query_ids[i]), int(target_ids[j])
            if t not in (q, int(target_ids[i])) and (q, t) not in pairs:
                others += math.exp(float(query[i] @ target[j]) / temperature)
        total -= math.log(own / (own + others))
    return total / len(query)


@pytest.mark.parametrize("temperature", [0.1, 1.0])
@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("with_table", [False, True])
def test_equals_loops(temperature, symmetric, with_table):
    for seed in range(5):
        anchor, positive, anchor_ids, positive_ids = batch(12, 15, seed)
        neighbors, pairs = table(15, seed) if with_table else (None, set())
        expected = one_way(anchor, positive, anchor_ids, positive_ids, temperature, pairs)
        if symmetric:
            expected = (expected + one_way(positive, anchor, positive_ids, anchor_ids, temperature, pairs)) / 2
        loss = InBatchSoftmaxLoss(temperature, symmetric=symmetric)(
            anchor, positive, anchor_ids, positive_ids, neighbors
        )
        assert float(loss) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("symmetric", [False, True])
def test_gradient(symmetric):
    anchor, positive, *ids = batch(6, 8, seed=0)
    loss = InBatchSoftmaxLoss(0.3, symmetric=symmetric)
    inputs = anchor.requires_grad_(), positive.requires_grad_()
    assert torch.autograd.gradcheck(lambda a, p: loss(a, p, *ids, table(8, 0)[0]), inputs)


def test_rows_without_another_candidate_cost_nothing():
    anchor, positive, *_ = batch(3, 4, seed=0)
    same = torch.zeros(3, dtype=torch.int64)
    assert InBatchSoftmaxLoss()(anchor, positive, same, same + 1).item() == 0


def test_empty_batch_is_a_connected_zero():
    x = torch.zeros(0, 4, requires_grad=True)
    ids = torch.empty(0, dtype=torch.int64)
    loss = InBatchSoftmaxLoss()(x, x, ids, ids)
    loss.backward()
    assert loss.item() == 0
    assert x.grad is not None


def test_order_of_the_rows_does_not_matter():
    parts = batch(20, 12, seed=3)
    neighbors, _ = table(12, 3)
    order = torch.randperm(20, generator=torch.Generator().manual_seed(0))
    loss = InBatchSoftmaxLoss(symmetric=True)
    torch.testing.assert_close(loss(*parts, neighbors), loss(*(x[order] for x in parts), neighbors))


@pytest.mark.parametrize("temperature", [0, -1.0, float("nan"), float("inf"), None])
def test_bad_temperature(temperature):
    with pytest.raises(ValueError, match="temperature must be a finite float > 0, got"):
        InBatchSoftmaxLoss(temperature)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"positive": torch.zeros(2, 5)}, ValueError, "2-D of one shape"),
        ({"anchor_ids": torch.zeros(2, dtype=torch.int64)}, ValueError, r"anchor_ids must have shape \(3,\)"),
        ({"positive_ids": torch.zeros(3)}, TypeError, "positive_ids must be an integer tensor"),
        ({"positive_ids": torch.tensor([0, 4, 1])}, ValueError, r"positive_ids must lie in \[0, 4\), got 0 to 4"),
    ],
)
def test_bad_input(change, error, message):
    anchor, positive, anchor_ids, positive_ids = batch(3, 4, seed=0)
    arguments = {"anchor": anchor, "positive": positive, "anchor_ids": anchor_ids, "positive_ids": positive_ids}
    with pytest.raises(error, match=message):
        InBatchSoftmaxLoss()(**(arguments | change), neighbors=table(4, 0)[0])


def test_repr_names_the_settings():
    assert repr(InBatchSoftmaxLoss(0.2)) == "InBatchSoftmaxLoss(temperature=0.2, symmetric=False)"
