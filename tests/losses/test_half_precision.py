"""Losses of half precision, and under automatic mixed precision, are those of the same numbers in float32."""

from __future__ import annotations

import pytest
import torch

from graphvid import losses, nn
from graphvid.ops import NeighborTable

IDS = torch.arange(6)
TABLE = NeighborTable.from_edges(torch.tensor([0, 1, 2, 3]), torch.tensor([1, 0, 3, 2]), num_nodes=6)


def vectors(seed, *shape):
    generator = torch.Generator().manual_seed(seed)
    return torch.nn.functional.normalize(torch.randn(*shape, generator=generator), dim=-1)


U, V, N = vectors(0, 6, 16), vectors(1, 6, 16), vectors(2, 6, 16)
S = vectors(3, 6, 5)
STOP = torch.tensor([0, 1, 2, 3, 4, 5])

LOSSES = {
    "in-batch": lambda u, v, n, s: losses.InBatchSoftmaxLoss(0.05, symmetric=True)(u, v, IDS, IDS, TABLE),
    "neighbours": lambda u, v, n, s: losses.NeighborSoftmaxLoss(0.05)(u, IDS, TABLE),
    "triplet": lambda u, v, n, s: losses.TripletLoss()(u, v, n),
    "ccl": lambda u, v, n, s: losses.CosineContrastiveLoss(0.2)(s[:, 0], s[:, 1:]),
    "ccl of shared": lambda u, v, n, s: losses.CosineContrastiveLoss(0.1, 5.0).of_shared(s[:, 0], u, v),
    "softmax": lambda u, v, n, s: losses.SampledSoftmaxLoss(0.05)(s[:, 0], s[:, 1:]),
    "softmax of batch": lambda u, v, n, s: losses.SampledSoftmaxLoss(0.05).of_batch(u, v, n),
    "bpr": lambda u, v, n, s: losses.BPRLoss()(s[:, 0], s[:, 1:]),
    "bce": lambda u, v, n, s: losses.BCELoss()(s[:, 0], s[:, 1:]),
    "observed clips": lambda u, v, n, s: losses.observed_clip_loss(s, STOP),
    "clip order": lambda u, v, n, s: losses.clip_order_loss(s, STOP),
    "cross view": lambda u, v, n, s: losses.cross_view_loss(s, STOP),
    "completion": lambda u, v, n, s: losses.completion_loss(s[:, 0], s[:, 1], STOP > 2),
    "completion head": lambda u, v, n, s: nn.CompletionHead()(s)[1].sum(),
    "survival head": lambda u, v, n, s: nn.SurvivalHead(5).log_likelihood(s, STOP).sum(),
}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", LOSSES)
def test_half_precision_is_computed_in_float32(name, dtype):
    short = [x.to(dtype) for x in (U, V, N, S)]
    loss = LOSSES[name](*short)
    assert loss.dtype == torch.float32
    assert torch.equal(loss, LOSSES[name](*(x.float() for x in short)))


@pytest.mark.parametrize("name", LOSSES)
def test_autocast_changes_neither_loss_nor_gradients(name):
    found = []
    for enabled in (False, True):
        leaves = [x.clone().requires_grad_() for x in (U, V, N, S)]
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
            loss = LOSSES[name](*leaves)
        loss.backward()  # outside, as PyTorch asks
        found.append((loss, [x.grad for x in leaves]))
    (plain, of_plain), (mixed, of_mixed) = found
    assert torch.equal(plain, mixed)
    for a, b in zip(of_plain, of_mixed, strict=True):
        assert (a is None and b is None) or torch.equal(a, b)
