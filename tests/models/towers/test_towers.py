"""The twin tower: one encoding a video, groups of parameters, all shapes of towers, and what is refused."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cosine_similarity

from graphvid.data import ScoredPairs, SyntheticVideoPairs, TagVocabulary, TitleTokenizer, VideoRecords
from graphvid.models import TwinTower, TwinTowerConfig, VideoInputs
from graphvid.models.towers import TowerBatch, build_text_encoder, embed_videos, parameter_groups, rate_factor

pytest.importorskip("transformers", reason="needs transformers, the extra 'text'")

SMALL = {
    "dim": 8,
    "frame_dim": 6,
    "num_groups": 2,
    "num_clusters": 3,
    "text_dim": 8,
    "text_layers": 1,
    "text_heads": 2,
    "text_hidden": 16,
    "num_heads": 2,
    "hidden": 16,
    "num_frame_layers": 1,
    "num_cross_layers": 1,
    "batch_size": 12,
    "pretrain_batch_size": 8,
    "num_epochs": 2,
    "pretrain_epochs": 1,
}
STILL = {"dropout": 0.0, "transformer_dropout": 0.0, "batch_norm": False}


@pytest.fixture(scope="module")
def world():
    return SyntheticVideoPairs(
        num_pointwise=20, num_videos=15, num_pairs=40, num_test_videos=9, num_test_pairs=12, frame_dim=24
    )


def config(preset="model-1", **changes):
    return TwinTowerConfig.from_dict({**TwinTowerConfig.presets[preset], **SMALL, **changes})


def build(world, options, contest="train"):
    table = getattr(world, contest)
    tokenizer = TitleTokenizer.of_words(world.train.videos.title)
    inputs = VideoInputs(table.videos, options, tokenizer, TagVocabulary.most_frequent(table.videos.tag_id))
    torch.manual_seed(0)
    text = build_text_encoder(options, tokenizer.num_pieces)
    return TwinTower(inputs, options, pairs=table.pairs if options.stage == "pairs" else None, text=text)


def test_a_batch_equals_two_calls_and_encodes_each_video_once(world, monkeypatch):
    options = config(**STILL, mae_weight=0.3, tag_weight=0.7)
    once = build(world, options)
    twice = copy.deepcopy(once)
    rows = next(iter(once.train_dataloader())).row
    encoded = []
    forward = once.tower.forward
    monkeypatch.setattr(once.tower, "forward", lambda batch: encoded.append(len(batch.frames)) or forward(batch))
    loss = once.losses(rows)["loss"]
    loss.backward()

    pairs = world.train.pairs.select(rows.numpy())
    assert encoded == [len({*pairs.query.tolist(), *pairs.candidate.tolist()})]
    assert encoded[0] < 2 * len(rows)
    query, candidate = (twice.encode(ends) for ends in (pairs.query, pairs.candidate))
    score = torch.from_numpy(pairs.score).float()
    error = cosine_similarity(query, candidate) - torch.sigmoid(3 * score)
    expected = error.square().mean() + 0.3 * error.abs().mean()
    for vectors, ends in ((query, pairs.query), (candidate, pairs.candidate)):
        labels = twice.inputs.labels(ends)
        expected = expected + 0.7 * binary_cross_entropy_with_logits(twice.tower.tags(vectors), labels)
    expected.backward()
    torch.testing.assert_close(loss, expected, atol=1e-6, rtol=1e-6)
    for (name, one), other in zip(once.tower.named_parameters(), twice.tower.parameters()):
        if one.grad is not None:
            torch.testing.assert_close(one.grad, other.grad, atol=1e-6, rtol=1e-4, msg=name)


SHAPES = {
    "model-1": {},
    "model-2": {},
    "model-3": {},
    "one-stream": {},
    "frames alone": {"title": False},
    "mean frames": {"title": False, "frames": "mean"},
    "title alone": {"frames": "none"},
    "no fusion": {"frames": "none", "fusion": "none", "pooling": "mean"},
    "frame positions": {"fusion": "cross-modal", "frames": "none", "frame_positions": True, "share_cross": True},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes(world, shape):
    """A step of both stages, the groups of parameters, and vectors that do not depend on who is embedded beside."""
    preset = shape if shape in TwinTowerConfig.presets else "model-1"
    options = config(preset, **SHAPES[shape], weight_decay=0.1)
    model = build(world, options)
    for trained in (build(world, options.pretraining(), "pointwise"), model):
        loss = trained.losses(next(iter(trained.train_dataloader())).row)["loss"]
        assert torch.isfinite(loss)
        groups = parameter_groups(trained.tower, trained.tower.text, trained.config)
        grouped = [id(parameter) for group in groups for parameter in group["params"]]
        assert len(grouped) == len(set(grouped))
        assert set(grouped) == {id(parameter) for parameter in trained.tower.parameters() if parameter.requires_grad}
        assert ("text" in {group["name"] for group in groups}) == options.title
    vectors = model.embed()
    assert vectors.shape == (15, model.tower.dim)
    lengths = np.linalg.norm(vectors, axis=1)
    np.testing.assert_allclose(lengths[lengths > 0], 1, rtol=1e-5)
    np.testing.assert_allclose(embed_videos(model.tower, model.inputs, chunk_size=1), vectors, atol=2e-6)


def test_groups_have_rates_of_their_own(world):
    options = config(text_learning_rate=1e-5, learning_rate=1e-3, pretrain_learning_rate=2e-3, weight_decay=0.1)
    model = build(world, options)
    text = {id(parameter) for parameter in model.tower.text.parameters()}
    for group in parameter_groups(model.tower, model.tower.text, options):
        assert group["lr"] == (1e-5 if group["name"].startswith("text") else 1e-3)
        assert group["weight_decay"] == (0.0 if group["name"].endswith("no decay") else 0.1)
        assert all((id(p) in text) == group["name"].startswith("text") for p in group["params"])
        assert all((p.dim() > 1) == (group["weight_decay"] > 0) for p in group["params"])
    rates = {group["lr"] for group in parameter_groups(model.tower, model.tower.text, options.pretraining())}
    assert rates == {2e-3, 3e-5}
    frozen = build(world, replace(options, freeze_text=True))
    assert all(g["name"].startswith("rest") for g in parameter_groups(frozen.tower, frozen.tower.text, options))


@pytest.mark.parametrize(("decay", "middle"), [("linear", 0.5), ("cosine", 0.5)])
def test_rates(decay, middle):
    factor = rate_factor(100, config(warm_up=0.2, decay=decay))
    values = [factor(step) for step in range(100)]
    assert values[:20] == pytest.approx([(step + 1) / 21 for step in range(20)])
    assert values[20] == 1.0
    assert values[60] == pytest.approx(middle)
    assert values[20:] == sorted(values[20:], reverse=True)
    assert values[-1] < 0.02


@pytest.mark.parametrize("frames", ["next-vlad", "mean"])
def test_videos_without_frames_or_title(world, frames):
    """Such a video has a vector of its title alone, and what it would have shown plays no part."""
    model = build(world, config(**STILL, frames=frames))
    videos = world.train.videos
    empty = VideoRecords(["x"], videos.frames.select([0]).__class__(np.zeros((0, 24)), [0, 0]), title=[""])
    tokenizer = TitleTokenizer.of_words(videos.title)
    inputs = VideoInputs(empty, model.config, tokenizer)
    batch = inputs.take(np.array([0]))
    assert batch.token_mask.sum() == 2  # [CLS] and [SEP]
    assert torch.isfinite(model.tower(batch)).all()
    noise = TowerBatch(batch.frames + 7, batch.frame_mask, batch.tokens, batch.token_mask)
    torch.testing.assert_close(model.tower(noise), model.tower(batch))
    title = model.tower.text(batch.tokens, batch.token_mask)[1]
    torch.testing.assert_close(model.tower(batch), model.tower.fusion([torch.zeros(1, 6), title]))


def test_local_order_is_an_order(world):
    model = build(world, config(pair_order="local"))
    epochs = [batch.row for batch in model.train_dataloader()]
    per_epoch = model.steps_per_epoch
    first, second = torch.cat(epochs[:per_epoch]), torch.cat(epochs[per_epoch:])
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(40))
    assert not torch.equal(first, second)


@pytest.mark.parametrize("patch_size", [1, 4])
def test_patches_are_grown_of_the_pairs_asked_for(world, monkeypatch, patch_size):
    asked = []

    def order(query, candidate, size, *, seed):
        asked.append(size)
        return np.arange(len(query))

    monkeypatch.setattr("graphvid.models.towers.model.local_pair_order", order)
    next(iter(build(world, config(pair_order="local", patch_size=patch_size)).train_dataloader()))
    assert asked == [patch_size]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fusion": "one-stream"}, "frames must be 'none' and differences false with fusion 'one-stream'"),
        ({"fusion": "cross-modal", "frames": "none", "title": False}, "title must be true with fusion 'cross-modal'"),
        ({"frames": "none", "title": False}, "one of frames, differences and title must be read"),
        ({"mse_weight": 0.0}, "must be above 0, got 0 for all"),
        ({"fold": 5}, "fold must be below num_folds=5, got 5"),
        ({"stage": "tags", "pretrain_epochs": 0}, "pretrain_epochs must be above 0 with stage 'tags'"),
        ({"dropout": 1.0}, "dropout must be a number in"),
    ],
)
def test_refused_options(changes, message):
    with pytest.raises(ValueError, match=message):
        config(**changes)


def test_refused_inputs(world):
    options = config()
    constant = ScoredPairs(*world.train.pairs[:2], np.full(40, 0.2))
    inputs = build(world, options).inputs
    with pytest.raises(ValueError, match=r"score must differ between pairs, got 0\.2 for all 40"):
        TwinTower(inputs, options, pairs=constant)
    with pytest.raises(ValueError, match="pairs must be given in stage 'pairs' and only then, got none"):
        TwinTower(inputs, options)
    with pytest.raises(ValueError, match="a text encoder must be given"):
        TwinTower(inputs, options, pairs=world.train.pairs)
    titles = VideoRecords(["a"], title=["a cat"])
    with pytest.raises(ValueError, match="videos must have frames for this tower, got none"):
        VideoInputs(titles, options, TitleTokenizer.of_words(["a cat"]))
    with pytest.raises(ValueError, match="a tokenizer must be given"):
        VideoInputs(titles, config(frames="none"))
    no_tags = VideoInputs(world.train.videos, config(title=False))
    with pytest.raises(ValueError, match="inputs must have a tag vocabulary"):
        TwinTower(no_tags, config(title=False), pairs=world.train.pairs)
