"""The loss of a batch and its statistics, against loops over the rows."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from graphvid.losses import InBatchSoftmaxLoss, NeighborSoftmaxLoss
from graphvid.models import RGCConfig
from graphvid.models.rgc.objective import Objective
from graphvid.ops import NeighborTable
from graphvid.sampling import TripletBatch

NUM_VIDEOS = 20


@pytest.fixture
def vectors():
    generator = torch.Generator().manual_seed(0)
    return torch.nn.functional.normalize(torch.randn(NUM_VIDEOS, 4, generator=generator), dim=1).requires_grad_()


@pytest.fixture
def neighbors():
    ring = torch.arange(NUM_VIDEOS)
    after = (ring + 1) % NUM_VIDEOS
    return NeighborTable.from_edges(torch.cat([ring, after]), torch.cat([after, ring]), num_nodes=NUM_VIDEOS)


@pytest.fixture
def batch():
    anchor = torch.tensor([0, 3, 7, 7, 12])
    return TripletBatch(anchor, (anchor + 1) % NUM_VIDEOS, torch.tensor([5, 10, 2, 19, 5]))


def squared(a, b):
    return float(((a - b) ** 2).sum().detach())


def test_every_video_of_the_batch_is_encoded_once(vectors, neighbors, batch):
    seen = []

    def encode(ids):
        seen.append(ids)
        return vectors[ids]

    _, statistics = Objective(RGCConfig())(batch, encode, neighbors)
    (ids,) = seen
    assert ids.tolist() == sorted(set(torch.cat(batch).tolist()))
    assert statistics["distinct_videos"] == len(ids)


def test_unmined_triplet_loss_and_its_statistics_by_loops(vectors, neighbors, batch):
    config = RGCConfig(loss="triplet", margin=0.5)
    loss, statistics = Objective(config)(batch, lambda ids: vectors[ids], neighbors)
    near = [squared(vectors[a], vectors[p]) for a, p in zip(batch.anchor, batch.positive)]
    far = [squared(vectors[a], vectors[n]) for a, n in zip(batch.anchor, batch.negative)]
    hinges = [max(0.0, x - y + 0.5) for x, y in zip(near, far)]
    # float32 against sums in another order
    assert loss.item() == pytest.approx(sum(hinges) / 5, abs=1e-6)
    assert float(statistics["distance_positive"]) == pytest.approx(sum(near) / 5, abs=1e-6)
    assert float(statistics["distance_negative"]) == pytest.approx(sum(far) / 5, abs=1e-6)
    assert float(statistics["active_hinge_share"]) == pytest.approx(sum(h > 0 for h in hinges) / 5)


def test_mined_triplet_loss_takes_the_hardest_semi_hard_negative_of_the_batch(vectors, neighbors, batch):
    config = RGCConfig(loss="triplet", mining=True, margin=0.5)
    loss, statistics = Objective(config)(batch, lambda ids: vectors[ids], neighbors)
    hinges, mined, kept = [], 0, 0
    for row, (a, p) in enumerate(zip(batch.anchor.tolist(), batch.positive.tolist())):
        near = squared(vectors[a], vectors[p])
        allowed = set(range(NUM_VIDEOS)) - {a, p, (a - 1) % NUM_VIDEOS, (a + 1) % NUM_VIDEOS}
        semi_hard = [
            (squared(vectors[a], vectors[n]), place)
            for place, n in enumerate(batch.negative.tolist())
            if n in allowed and near < squared(vectors[a], vectors[n]) <= near + 0.5
        ]
        mined += bool(semi_hard)
        far, place = min(semi_hard, default=(squared(vectors[a], vectors[batch.negative[row]]), row))
        kept += bool(semi_hard) and place == row
        hinges.append(max(0.0, near - far + 0.5))
    assert mined  # otherwise nothing is tested
    assert loss.item() == pytest.approx(sum(hinges) / 5, abs=1e-6)
    assert statistics["semi_hard_share"] == pytest.approx(mined / 5)
    assert statistics["mined_retention_position"] == pytest.approx(kept / mined)


def test_softmax_losses_are_those_of_the_losses_room(vectors, neighbors, batch):
    loss, _ = Objective(RGCConfig(loss="softmax", temperature=0.2))(batch, lambda ids: vectors[ids], neighbors)
    own = InBatchSoftmaxLoss(0.2)(
        vectors[batch.anchor], vectors[batch.positive], batch.anchor, batch.positive, neighbors
    )
    assert torch.equal(loss, own)
    loss, _ = Objective(RGCConfig(temperature=0.2))(batch, lambda ids: vectors[ids], neighbors)
    ids = torch.unique(torch.cat(batch))
    assert torch.equal(loss, NeighborSoftmaxLoss(0.2)(vectors[ids], ids, neighbors))


@pytest.mark.parametrize("loss", ["neighbor_softmax", "softmax", "triplet"])
def test_every_loss_gives_all_statistics_and_a_gradient(vectors, neighbors, batch, loss):
    value, statistics = Objective(replace(RGCConfig(), loss=loss))(batch, lambda ids: vectors[ids], neighbors)
    assert set(statistics) == {
        "retention_position",
        "retention_video",
        "mined_retention_position",
        "mined_retention_video",
        "semi_hard_share",
        "fallback_share",
        "dropped_share",
        "distance_positive",
        "distance_negative",
        "active_hinge_share",
        "distinct_videos",
    }
    assert not any(isinstance(x, torch.Tensor) and x.requires_grad for x in statistics.values())
    gradient = torch.autograd.grad(value, vectors)[0]
    assert torch.isfinite(gradient).all()
    assert gradient.abs().sum() > 0
