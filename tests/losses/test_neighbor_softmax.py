"""NeighborSoftmaxLoss against loops, the supervised contrastive loss of another library, and its own edge cases."""

from __future__ import annotations

import math

import pytest
import torch
from pytorch_metric_learning.losses import SupConLoss

from graphvid.losses import NeighborSoftmaxLoss
from graphvid.ops import NeighborTable


def random_case(seed: int, *, num_nodes: int = 40, batch: int = 15, num_edges: int = 60):
    generator = torch.Generator().manual_seed(seed)
    src, dst = torch.randint(num_nodes, (2, num_edges), generator=generator)
    src, dst = src[src != dst], dst[src != dst]
    table = NeighborTable.from_edges(torch.cat([src, dst]), torch.cat([dst, src]), num_nodes=num_nodes)
    ids = torch.randperm(num_nodes, generator=generator)[:batch]
    z = torch.nn.functional.normalize(torch.randn(batch, 6, generator=generator, dtype=torch.float64), dim=1)
    edges = set(zip(src.tolist(), dst.tolist())) | set(zip(dst.tolist(), src.tolist()))
    return z, ids, table, edges


@pytest.mark.parametrize("seed", range(8))
def test_equals_the_equation_written_as_loops(seed):
    z, ids, table, edges = random_case(seed)
    temperature, rows = 0.3, []
    for i in range(len(ids)):
        positives = [p for p in range(len(ids)) if (int(ids[i]), int(ids[p])) in edges]
        if positives:
            total = sum(math.exp(float(z[i] @ z[j]) / temperature) for j in range(len(ids)) if j != i)
            rows.append(-sum(float(z[i] @ z[p]) / temperature - math.log(total) for p in positives) / len(positives))
    assert float(NeighborSoftmaxLoss(temperature)(z, ids, table)) == pytest.approx(sum(rows) / len(rows), rel=1e-12)


def test_equals_supervised_contrastive_loss_when_the_graph_is_made_of_cliques():
    labels = torch.tensor([0, 0, 0, 1, 1, 2, 2, 2, 2])
    same = (labels[:, None] == labels) & ~torch.eye(9, dtype=torch.bool)
    table = NeighborTable.from_edges(*same.nonzero().T, num_nodes=9)
    z = torch.nn.functional.normalize(torch.randn(9, 5, generator=torch.Generator().manual_seed(0)), dim=1)
    expected = SupConLoss(temperature=0.2)(z, labels)
    torch.testing.assert_close(NeighborSoftmaxLoss(0.2)(z, torch.arange(9), table), expected, atol=1e-5, rtol=1e-5)


def test_does_not_depend_on_the_order_of_the_batch():
    z, ids, table, _ = random_case(3)
    order = torch.randperm(len(ids), generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(
        NeighborSoftmaxLoss()(z[order], ids[order], table), NeighborSoftmaxLoss()(z, ids, table), rtol=1e-12, atol=0
    )


def test_gradient():
    z, ids, table, _ = random_case(5, batch=8)
    assert torch.autograd.gradcheck(lambda x: NeighborSoftmaxLoss(0.5)(x, ids, table), z.requires_grad_())


@pytest.mark.parametrize("rows", [0, 3])
def test_no_positive_pair_gives_a_zero_that_backward_accepts(rows):
    table = NeighborTable.from_edges(torch.tensor([8, 9]), torch.tensor([9, 8]), num_nodes=10)
    z = torch.randn(rows, 4, requires_grad=True)
    loss = NeighborSoftmaxLoss()(z, torch.arange(rows), table)
    loss.backward()
    assert loss.item() == 0
    assert z.grad is not None
    assert not z.grad.any()


@pytest.mark.parametrize(
    ("temperature", "ids", "message"),
    [
        (0.0, [0, 1], "temperature must be a finite float > 0, got 0.0"),
        (math.nan, [0, 1], "temperature must be a finite float > 0, got nan"),
        (0.1, [0, 0], "ids must be distinct, got 0 more than once"),
        (0.1, [0, 7], r"ids must lie in \[0, 4\), got 0 to 7"),
        (0.1, [0, 1, 2], "embeddings must be 2-D with one id a row"),
    ],
)
def test_bad_input(temperature, ids, message):
    table = NeighborTable.from_edges(torch.tensor([0, 1]), torch.tensor([1, 0]), num_nodes=4)
    with pytest.raises(ValueError, match=message):
        NeighborSoftmaxLoss(temperature)(torch.eye(2), torch.tensor(ids), table)
