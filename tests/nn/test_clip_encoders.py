"""Layout of clips, Tiny3D and its head, torchvision's networks, the momentum pair."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from graphvid.nn import ClipEncoder, MomentumPair, Tiny3D, Torchvision3D, clip_frames, clip_tensor


def test_layout_leads_there_and_back():
    frames = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 5, 3), dtype=np.uint8)
    clips = clip_tensor(frames)
    assert clips.shape == (2, 3, 3, 4, 5)
    assert float(clips[1, 2, 0, 3, 4]) == pytest.approx(frames[1, 0, 3, 4, 2] / 255)
    np.testing.assert_array_equal(clip_frames(clips), frames)
    assert clip_tensor(frames[0]).shape == (3, 3, 4, 5)
    assert clip_frames(torch.tensor([-0.5, 2.0]).view(1, 1, 1, 2)).flatten().tolist() == [0, 255]
    with pytest.raises(TypeError, match=r"frames must be uint8, got torch\.float64"):
        clip_tensor(frames / 255)
    with pytest.raises(ValueError, match="frames must have shape"):
        clip_tensor(frames[0, 0])
    with pytest.raises(TypeError, match="clips must be floating point"):
        clip_frames(torch.zeros(1, 1, 1, 1, dtype=torch.uint8))


@pytest.mark.parametrize(
    ("frames", "side", "expected"), [(8, 24, (4, 3, 3)), (8, 32, (4, 4, 4)), (7, 20, (4, 3, 3)), (1, 1, (1, 1, 1))]
)
def test_tiny3d_is_the_described_network(frames, side, expected):
    model = Tiny3D(in_channels=2, width=4, seed=1).eval()
    clips = torch.rand(2, 2, frames, side, side)
    x = clips
    for layer, stride in zip((0, 3, 6, 9), ((1, 2, 2), (1, 2, 2), (2, 2, 2), (1, 1, 1))):
        weight = model.layers[layer].weight
        x = F.relu(F.conv3d(x, weight, None, stride, [k // 2 for k in weight.shape[2:]]) / (1 + 1e-5) ** 0.5)
    assert model.layers[0].weight.shape == (4, 2, 3, 5, 5)
    assert model(clips).shape == (2, 16, *expected)
    torch.testing.assert_close(model(clips), x)


def test_encoder():
    encoder = ClipEncoder(Tiny3D(), dim=10)
    got = encoder(torch.rand(3, 1, 8, 24, 24))
    torch.testing.assert_close(got.features, got.map.flatten(2).mean(2))
    torch.testing.assert_close(got.embedding, F.normalize(encoder.head(got.features)))
    torch.testing.assert_close(got.embedding.norm(dim=1), torch.ones(3))
    assert [type(layer).__name__ for layer in encoder.head] == ["Linear", "ReLU", "Linear"]
    assert [tuple(p.shape) for p in ClipEncoder(Tiny3D(), 128, head="linear").head.parameters()] == [(128, 32), (128,)]
    same = ClipEncoder(Tiny3D(), dim=10)
    assert all(torch.equal(a, b) for a, b in zip(encoder.parameters(), same.parameters()))
    with pytest.raises(ValueError, match=r"clips must have shape \(B, 1, T, H, W\)"):
        encoder(torch.rand(3, 2, 8, 24, 24))
    with pytest.raises(ValueError, match="head must be one of"):
        ClipEncoder(Tiny3D(), head="none")
    with pytest.raises(ValueError, match="width must be"):
        Tiny3D(width=0)


def test_pooling_by_halves_keeps_where_things_are():
    encoder = ClipEncoder(Tiny3D(width=2), dim=5, pooling="2x2x2")
    got = encoder(torch.rand(3, 1, 8, 32, 32))
    assert encoder.num_features == 64 == got.features.shape[1]
    halves = got.map.reshape(3, 8, 2, 2, 2, 2, 2, 2).mean((3, 5, 7))  # the map is 4 x 4 x 4
    torch.testing.assert_close(got.features, halves.flatten(1))
    torch.testing.assert_close(got.embedding, F.normalize(encoder.head(got.features)))
    linear = ClipEncoder(Tiny3D(), 128, head="linear", pooling="2x2x2")
    assert [tuple(p.shape) for p in linear.head.parameters()] == [(128, 256), (128,)]
    with pytest.raises(ValueError, match="pooling must be one of"):
        ClipEncoder(Tiny3D(), pooling="max")


@pytest.mark.parametrize("name", ["r3d_18", "s3d"])
def test_torchvision(name):
    video = pytest.importorskip("torchvision.models.video")
    network = getattr(video, name)(weights=None).eval()
    backbone = Torchvision3D(name, state=network.state_dict()).eval()
    clips = torch.rand(1, 3, 16, 32, 32)
    with torch.no_grad():
        features = backbone(clips)
        assert features.shape[1] == backbone.num_features
        if name == "r3d_18":
            torch.testing.assert_close(network.fc(features.mean((2, 3, 4))), network(clips))
        else:
            torch.testing.assert_close(features, network.features(clips))


class Stage(nn.Module):
    """A network with torchvision's names and none of its size."""

    def __init__(self, weights):
        assert weights is None  # nothing is downloaded
        super().__init__()
        self.stem = nn.Conv3d(3, 512, 1)
        self.layer1, self.layer2, self.layer3, self.layer4 = (nn.Conv3d(512, 512, 1, groups=512) for _ in range(4))
        self.fc = nn.Linear(512, 400)


def test_torchvisions_classifier_is_left_out(monkeypatch):
    video = types.SimpleNamespace(r3d_18=Stage)
    for name, module in (("torchvision", types), ("torchvision.models", types.SimpleNamespace(video=video))):
        monkeypatch.setitem(sys.modules, name, module)
    network, clips = Stage(None), torch.rand(1, 3, 2, 4, 4)
    backbone = Torchvision3D("r3d_18", state=network.state_dict())
    expected = network.layer4(network.layer3(network.layer2(network.layer1(network.stem(clips)))))
    torch.testing.assert_close(backbone(clips), expected)
    assert ClipEncoder(backbone, 5)(clips).embedding.shape == (1, 5)
    same, again, other = (Torchvision3D("r3d_18", seed=seed).layers[0].weight for seed in (0, 0, 1))
    assert torch.equal(same, again)
    assert not torch.equal(same, other)
    with pytest.raises(RuntimeError, match="Missing key"):
        Torchvision3D("r3d_18", state={})
    with pytest.raises(ValueError, match=r"clips must have shape \(B, 3, T, H, W\)"):
        backbone(clips[:, :1])


def test_torchvision_is_optional(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    with pytest.raises(ImportError, match="pip install torchvision"):
        Torchvision3D()
    with pytest.raises(ValueError, match="name must be one of"):
        Torchvision3D("r50")


def test_momentum_pair_follows():
    torch.manual_seed(0)
    pair = MomentumPair(ClipEncoder(Tiny3D(width=2), dim=3), momentum=0.9)
    old = [p.clone() for p in pair.key.parameters()]
    with torch.no_grad():
        for p in pair.query.parameters():
            p.add_(torch.rand_like(p))
    pair.query(torch.rand(4, 1, 4, 8, 8))  # moves the running statistics
    pair.key(torch.rand(4, 1, 4, 8, 8))
    pair.update()
    for before, query, key in zip(old, pair.query.parameters(), pair.key.parameters()):
        torch.testing.assert_close(key, 0.9 * before + 0.1 * query)
    buffers = dict(pair.key.named_buffers())
    assert sum(b.dtype == torch.int64 for b in buffers.values()) == 4
    for name, value in pair.query.named_buffers():
        assert torch.equal(value, buffers[name])


@pytest.mark.parametrize(("momentum", "expected"), [(0.0, 1.0), (1.0, 0.0)])
def test_momentum_at_its_bounds(momentum, expected):
    pair = MomentumPair(nn.Linear(1, 1, bias=False), momentum)
    with torch.no_grad():
        pair.query.weight.fill_(1.0)
        pair.key.weight.fill_(0.0)
    pair.update()
    assert pair.key.weight.item() == expected


def test_keys_take_no_gradient_and_state_comes_back():
    pair = MomentumPair(ClipEncoder(Tiny3D(width=2), dim=3))
    clips = torch.rand(2, 1, 4, 8, 8)
    assert not pair.encode_key(clips).embedding.requires_grad
    assert pair.query(clips).embedding.requires_grad
    assert len([p for p in pair.parameters() if p.requires_grad]) == len(list(pair.query.parameters()))
    other = MomentumPair(ClipEncoder(Tiny3D(width=2, seed=5), dim=3, seed=5))
    other.load_state_dict(pair.state_dict())
    torch.testing.assert_close(other.eval().encode_key(clips).map, pair.eval().encode_key(clips).map)


def test_batch_norm_of_the_keys():
    for policy, training in (("train", True), ("eval", False)):
        pair = MomentumPair(Tiny3D(width=2), key_batch_norm=policy).train()
        assert pair.query.layers[1].training
        assert pair.key.layers[1].training is training
        assert not pair.eval().key.layers[1].training


def test_pairs_that_are_refused():
    for bad in (-0.1, 1.1, float("nan"), "half"):
        with pytest.raises(ValueError, match="momentum must be in"):
            MomentumPair(nn.Linear(1, 1), bad)
    with pytest.raises(TypeError, match="encoder must be a Module"):
        MomentumPair(abs)
    with pytest.raises(ValueError, match="encoder must have parameters"):
        MomentumPair(nn.ReLU())
    with pytest.raises(ValueError, match="key_batch_norm must be one of"):
        MomentumPair(nn.Linear(1, 1), key_batch_norm="shuffled")
    pair = MomentumPair(nn.Linear(2, 1))
    pair.query = nn.Linear(3, 1)
    with pytest.raises(RuntimeError, match="the same parameters by name and shape"):
        pair.update()
