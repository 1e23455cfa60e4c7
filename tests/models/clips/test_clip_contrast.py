"""ClipContrast: every recipe takes a step, keys have no gradient, and what options refuse."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import softshrink

from graphvid.data import PixelStore, SyntheticMotion
from graphvid.graphs import ClipGraph
from graphvid.models.clips import (
    RECIPES,
    BEConfig,
    ClipConfig,
    ClipContrast,
    DifferenceInput,
    DSMConfig,
    MoCoConfig,
    STCRConfig,
    ViewMaker,
    clip_refs,
    edge_recipe,
    embed_videos,
    scene_clusters,
)

SMALL = {"clip_length": 4, "width": 1, "dim": 4, "crop_shift": 1, "batch_size": 4, "queue_size": 8}


@pytest.fixture(scope="module")
def source():
    rng = np.random.default_rng(0)
    return PixelStore.from_videos({f"v{i}": rng.integers(0, 256, (9 + i % 2, 8, 8, 1), np.uint8) for i in range(5)})


def step(model: ClipContrast, monkeypatch, number: int = 0) -> torch.Tensor:
    monkeypatch.setattr(ClipContrast, "global_step", number)
    monkeypatch.setattr(ClipContrast, "log", lambda *_, **__: None)
    return model.training_step(next(iter(model.train_dataloader())), 0)


@pytest.mark.parametrize(
    ("name", "preset"), [(name, preset) for name, kind in RECIPES.items() for preset in kind.presets]
)
def test_every_recipe_moves_its_encoder(name, preset, source, monkeypatch) -> None:
    kind = RECIPES[name]
    config = kind.from_dict({**kind.presets[preset], **SMALL})
    model = ClipContrast(source, config)
    first = step(model, monkeypatch)
    loss = step(model, monkeypatch, 1) if model.memory is not None else first
    loss.backward()
    assert torch.isfinite(loss.detach())
    assert any(p.grad is not None and p.grad.abs().max() > 0 for p in model.encoder.backbone.parameters())
    if model.pair is not None:
        assert all(p.grad is None for p in model.pair.key.parameters())
        assert len(model.memory) == 8


def test_a_step_is_a_function_of_seed_and_number(source, monkeypatch) -> None:
    config = DSMConfig(**SMALL)
    losses = []
    for seed in (0, 1, 0):
        torch.manual_seed(seed)
        losses.append(step(ClipContrast(source, config), monkeypatch).detach())
    assert losses[0] == losses[2] == losses[1]


def test_views_say_what_was_drawn(source, monkeypatch) -> None:
    config = STCRConfig(**SMALL, negative="other_segment")
    model = ClipContrast(source, config)
    views = ViewMaker(source, config)(torch.arange(4), torch.Generator().manual_seed(0), torch.device("cpu"))
    graph = model.graph(torch.arange(4), views).graph
    assert graph.edges["static_mixed"].data["lam"].max() <= 0.3
    assert graph.ndata["code"].view(3, 4)[0].tolist() == graph.edges["transform"].data["code"].tolist()
    assert (graph.edges["other_segment"].data["gap"].abs() >= 2).all()
    assert graph.ndata["encoder"].view(3, 4)[:, 0].tolist() == [0, 1, 0]


def test_a_last_batch_of_one_video_keeps_its_scenery(source) -> None:
    config = BEConfig(**SMALL, mix_source="batch", static_swap=True, contrast=0.0, brightness=0.0)
    views = ViewMaker(source, config)(torch.tensor([2]), torch.Generator().manual_seed(0), torch.device("cpu"))
    assert views.clips[0].shape == (1, 1, 4, 8, 8)
    assert edge_recipe(config).rules[0].type == "static_mixed"


def test_differences_pass_over_still_and_slow_scenery() -> None:
    clips = torch.rand(2, 1, 5, 8, 8)

    class Same(torch.nn.Module):
        num_features = 1

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    torch.testing.assert_close(DifferenceInput(Same(), "differences")(clips + 0.3), clips.diff(dim=2))
    both = DifferenceInput(Same(), "both", 0.1)(clips)
    torch.testing.assert_close(both, torch.cat([clips[:, :, 1:], softshrink(clips.diff(dim=2), 0.1)], dim=1))
    assert torch.equal(DifferenceInput(Same(), "frames")(clips), clips)


@pytest.mark.parametrize("pooling", ["mean", "2x2x2"])
def test_the_vector_of_a_video_is_the_mean_of_stated_clips(source, pooling) -> None:
    config = MoCoConfig(**SMALL, num_clips=2, pooling=pooling)
    assert [ref.start for ref in clip_refs(0, 9, config)] == [0, 5]
    model = ClipContrast(source, config)
    vectors = embed_videos(model.encoder, source, config)
    model.eval()
    pixels = torch.from_numpy(np.stack([source.clip(0, start, 4) for start in (0, 5)])).float().movedim(-1, 1) / 255
    torch.testing.assert_close(torch.from_numpy(vectors[0]), model.encoder(pixels).features.mean(0).detach())


def test_options_and_videos_that_do_not_fit(source) -> None:
    for options, message in (
        ({"contrast_weight": 0.0}, "contrast_weight must be above 0"),
        ({"group": "square8"}, "group and consistency_weight must be given together"),
        ({"queue_size": 16}, "queue_size must be at least batch_size=64, got 16"),
        ({"push": "reversed"}, "push 'reversed' needs a negative"),
        ({"both_ways": True}, "both_ways needs push='batch'"),
        ({"loss": "margin"}, "loss 'margin' needs push 'batch' or 'reversed'"),
        ({"noise_floor": 0.1}, "noise_floor needs inputs"),
        ({"static_mix": 1.0}, "static_mix must be"),
        ({"scene_negatives": True, "push": "batch"}, "scene_negatives needs push='queue', got 'batch'"),
    ):
        with pytest.raises(ValueError, match=message):
            ClipConfig(**options)
    for config, videos, message in (
        (MoCoConfig(**SMALL), source.select([0]), "source must have at least 2 videos to tell apart, got 1"),
        (MoCoConfig(**{**SMALL, "clip_length": 10}), source, "every video must have the 10 frames .* got 9 of 'v0'"),
        (MoCoConfig(**{**SMALL, "clip_length": 9}, negative="other_segment"), source, "and another segment"),
        (MoCoConfig(**{**SMALL, "crop_shift": 8}), source, "crop_shift must be below the frame's sides 8 x 8"),
    ):
        with pytest.raises(ValueError, match=message):
            ClipContrast(videos, config)
    wide = PixelStore.from_videos({i: np.zeros((9, 8, 10, 1), np.uint8) for i in range(2)})
    with pytest.raises(ValueError, match="needs square frames, got 8 x 10"):
        ClipContrast(wide, STCRConfig(**SMALL))
    with pytest.raises(TypeError, match="config must be a ClipConfig"):
        ClipContrast(source, None)


@pytest.fixture(scope="module")
def striped():
    """Eighty videos before stripes, upright and lying in turns, of any phase, with a point that moves."""
    rng = np.random.default_rng(0)
    videos = {}
    for i in range(80):
        wave = np.sin(np.arange(16) * 1.6 + rng.uniform(0, 6.3))
        frames = np.repeat((128 + 60 * np.broadcast_to(wave if i % 2 else wave[:, None], (16, 16)))[None], 6, 0)
        frames[np.arange(6), rng.integers(16), rng.permutation(16)[:6]] = 255
        videos[f"v{i}"] = frames[..., None].astype(np.uint8)
    return PixelStore.from_videos(videos)


def test_videos_before_the_same_scenery_are_one_cluster(striped) -> None:
    pytest.importorskip("sklearn")
    clusters = scene_clusters(striped, ClipConfig(**SMALL))
    assert clusters.shape == (80,)
    assert not set(clusters[::2]) & set(clusters[1::2])
    assert np.median(np.bincount(clusters)[clusters]) >= 32
    with pytest.raises(ValueError, match="every video must have the 9 frames"):
        scene_clusters(striped, ClipConfig(**{**SMALL, "clip_length": 9}))


def test_clusters_follow_the_textures_of_the_generated_world() -> None:
    pytest.importorskip("sklearn")
    train = SyntheticMotion(num_train=800, num_matched=4, num_shifted=4, num_decorrelated=4).train
    clusters, texture = scene_clusters(train.source, MoCoConfig()), np.asarray(train.background)
    counts = np.zeros((clusters.max() + 1, 4), dtype=int)
    np.add.at(counts, (clusters, texture), 1)
    assert len(counts) > 4
    assert counts.max(1).sum() > 0.7 * len(clusters)


def test_negatives_of_the_same_scenery_alone_where_there_are_enough(striped, monkeypatch) -> None:
    pytest.importorskip("sklearn")
    model = ClipContrast(striped, MoCoConfig(**{**SMALL, "queue_size": 64}, scene_negatives=True))
    model.scenes = torch.arange(80) % 2  # as the test above has them
    video, queue = torch.tensor([0, 1]), torch.arange(40)
    graph = ClipGraph.from_batch(video, model.recipe)
    excluded = model.excluded(graph, queue)
    assert excluded[0].nonzero()[:, 0].tolist() == [0, *range(1, 40, 2)]  # itself, and the other scenery
    assert excluded[1].nonzero()[:, 0].tolist() == sorted([1, *range(0, 40, 2)])
    few = torch.tensor([0, 2, *range(1, 40, 2)])
    assert model.excluded(graph, few)[0].tolist() == [True] + [False] * 21  # one other of its scenery: all count
    assert torch.isfinite(step(model, monkeypatch).detach())
    assert ClipContrast(striped, MoCoConfig(**SMALL, mask_same_video=False)).excluded(graph, queue) is None
