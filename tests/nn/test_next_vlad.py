"""NeXtVLAD against loops, its two forms against each other, and what must not leak."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from graphvid.graphs import content_graph
from graphvid.nn import FrameDifference, NeXtVLAD
from graphvid.ops import Adjacency

SIZES = {"num_groups": 4, "num_clusters": 3, "expansion": 2}


def layer(batch_norm=True, dtype=torch.float32, **options):
    torch.manual_seed(0)
    made = NeXtVLAD(6, 5, **SIZES, batch_norm=batch_norm, **options).to(dtype)
    if batch_norm:
        made.norm.running_mean.normal_()
        made.norm.running_var.uniform_(0.5, 2)
    return made


@pytest.fixture
def batch():
    torch.manual_seed(1)
    counts = torch.tensor([4, 1, 0, 7])
    mask = torch.arange(7) < counts[:, None]
    return torch.randn(4, 7, 6), mask


def by_loops(module, frames, mask):
    """The equations of the docstring, one number after the other."""
    rows = []
    groups, clusters, width = module.num_groups, module.num_clusters, module.group_dim
    for video, known in zip(frames, mask):
        sums = torch.zeros(width, clusters, dtype=frames.dtype)
        for x in video[known]:
            expanded = module.expand.weight @ x + module.expand.bias
            attention = torch.sigmoid(module.attention.weight @ expanded + module.attention.bias)
            logits = module.assign.weight @ expanded
            if module.norm is None:
                logits = logits + module.assign.bias
            else:
                scale = module.norm.weight / torch.sqrt(module.norm.running_var + module.norm.eps)
                logits = (logits - module.norm.running_mean) * scale + module.norm.bias
            for g in range(groups):
                piece = expanded[g * width : (g + 1) * width]
                alpha = torch.softmax(logits[g * clusters : (g + 1) * clusters], 0)
                for k in range(clusters):
                    sums[:, k] += attention[g] * alpha[k] * (piece - module.centres[k])
        for k in range(clusters):
            sums[:, k] /= max(sums[:, k].norm().item(), 1e-12)
        rows.append(module.output.weight @ sums.reshape(-1) + module.output.bias)
    return torch.stack(rows)


@pytest.mark.parametrize("batch_norm", [True, False])
def test_equations(batch, batch_norm):
    module = layer(batch_norm, torch.float64).eval()
    frames, mask = batch[0].double(), batch[1]
    torch.testing.assert_close(module(frames, mask), by_loops(module, frames, mask), atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("batch_norm", [True, False])
def test_messages_equal_the_dense_form(batch, batch_norm, training):
    frames, mask = batch
    dense = layer(batch_norm, dropout=0.0).train(training)
    sparse = copy.deepcopy(dense)
    graph = content_graph(mask.sum(1).numpy(), [0] * 4)
    results = [
        dense(frames, mask),
        sparse.of_graph(frames[mask], Adjacency.from_dgl(graph, ("frame", "of", "video"))),
    ]
    torch.testing.assert_close(*results, atol=1e-5, rtol=1e-5)
    for result in results:
        result.square().sum().backward()
    for (name, one), other in zip(dense.named_parameters(), sparse.parameters()):
        torch.testing.assert_close(one.grad, other.grad, atol=1e-5, rtol=1e-4, msg=name)
    for one, other in zip(dense.buffers(), sparse.buffers()):  # statistics of real frames alone
        torch.testing.assert_close(one, other)


def test_padding_does_not_leak(batch):
    frames, mask = batch
    padded = torch.cat([frames, torch.full((4, 3, 6), 1e6)], 1)
    padded[:, :7][~mask] = -77.0
    longer = torch.cat([mask, torch.zeros(4, 3, dtype=torch.bool)], 1)
    for training in (True, False):
        module = layer(dropout=0.0).train(training)
        torch.testing.assert_close(copy.deepcopy(module)(padded, longer), module(frames, mask))
    leaky = layer(dropout=0.0, mask_mode="input").eval()
    assert not torch.allclose(leaky(padded, longer), leaky(frames, mask))


def test_order_of_frames_does_not_matter(batch):
    frames, mask = batch
    module = layer().eval()
    order = torch.randperm(7)
    torch.testing.assert_close(module(frames[:, order], mask[:, order]), module(frames, mask))


def test_size_of_the_contest():
    module = NeXtVLAD(1536, batch_norm=False)
    assert sum(p.numel() for name, p in module.named_parameters() if not name.endswith("bias")) == 31_506_432
    assert module.output.in_features == 24_576


def test_one_real_frame_in_training():
    module = layer(dropout=0.0).train()
    assert torch.isfinite(module(torch.randn(1, 3, 6), torch.tensor([[True, False, False]]))).all()


def test_refusals(batch):
    with pytest.raises(ValueError, match="num_groups must divide expansion"):
        NeXtVLAD(5, num_groups=4)
    with pytest.raises(ValueError, match="mask_mode must be one of"):
        NeXtVLAD(8, mask_mode="output")
    with pytest.raises(ValueError, match=r"frames must have shape \(num_videos, num_frames, 6\)"):
        layer()(torch.zeros(2, 3, 5), torch.ones(2, 3, dtype=torch.bool))
    with pytest.raises(ValueError, match="mask must be bool"):
        layer()(torch.zeros(2, 3, 6), torch.ones(2, 3))


def test_frame_difference(batch):
    frames, mask = batch
    difference, known = FrameDifference()(frames, mask)
    for video in range(4):
        real = frames[video][mask[video]].numpy()
        np.testing.assert_array_equal(difference[video][known[video]], np.diff(real, axis=0))
    assert known.sum(1).tolist() == [3, 0, 0, 6]
    assert not difference[~known].any()
    graph = content_graph(mask.sum(1).numpy(), [0] * 4)
    edges = FrameDifference().of_graph(frames[mask], Adjacency.from_dgl(graph, ("frame", "next", "frame")))
    torch.testing.assert_close(edges, difference[known])
