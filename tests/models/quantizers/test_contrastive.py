"""ContrastiveQuantization: what training does to codebooks, views, memory and drift."""

from __future__ import annotations

import logging
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from lightning import Trainer

from graphvid._random import seeded
from graphvid.models.quantizers import (
    ContrastiveQuantization,
    ContrastiveQuantizationConfig,
    DriftProbe,
    nearest_items,
    walk,
)
from graphvid.models.quantizers.item_features import as_tensors, view
from graphvid.ops import NeighborTable

SMALL = ContrastiveQuantizationConfig(
    num_codewords=8,
    dim=8,
    hidden=16,
    batch_size=16,
    num_epochs=4,
    memory_size=24,
    memory_from=1,
    num_neighbors=4,
    reseed_every=1,
)


def clusters(number: int = 60) -> tuple[dict[str, np.ndarray], np.ndarray]:
    rng = np.random.default_rng(0)
    label = np.arange(number) % 4
    return {
        "a": (3 * np.eye(4)[label] + rng.normal(size=(number, 4))).astype(np.float32),
        "b": rng.normal(size=(number, 3)).astype(np.float32),
    }, label


def fit(model, steps: int | None = None):
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Trainer(
            max_steps=steps or len(model.train_dataloader()),
            max_epochs=1,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        ).fit(model)
    return model


def test_training_moves_codebooks_of_unit_length_and_gives_bytes():
    features, _ = clusters()
    model = ContrastiveQuantization(features, SMALL)
    before = model.codebooks()
    fit(model)
    assert np.abs(model.codebooks() - before).max() > 0.01
    np.testing.assert_allclose(np.linalg.norm(model.codebooks(), axis=-1), 1, atol=1e-5)
    codes = model.to_codes(model.embed(features))
    assert (codes.dtype, codes.shape) == (np.uint8, (60, 2))
    assert len(model.memory) == 24
    assert set(map(str, model.trainer.callback_metrics)) >= {
        "loss",
        "contrastive",
        "entropy",
        "diversity",
        "clamped_share",
        "drift_codes_1",
        "drift_features_4",
    }


def test_the_released_preset_leaves_codebooks_at_their_random_start():
    features, _ = clusters()
    config = replace(
        ContrastiveQuantizationConfig.preset("released"),
        num_codewords=8,
        dim=8,
        batch_size=16,
        num_epochs=2,
        memory_size=24,
        memory_from=1,
    )
    model = ContrastiveQuantization(features, config)
    before, weight = model.codebooks(), model.encoder.layers[0].weight.detach().clone()
    fit(model)
    assert np.array_equal(model.codebooks(), before)
    assert not torch.equal(model.encoder.layers[0].weight, weight)


def test_the_diversity_term_alone_moves_trained_codebooks():
    features, _ = clusters()
    config = replace(SMALL, diversity_weight=10.0, reseed_every=0, start="random")
    found = [fit(ContrastiveQuantization(features, replace(config, diversity_weight=w))) for w in (0.0, 10.0)]
    values = [float(np.square(model.codebooks().mean(1)).sum(-1).mean()) for model in found]
    assert values[1] < values[0]


def test_equal_seeds_give_equal_models_and_others_do_not():
    features, _ = clusters()
    one, same, other = (fit(ContrastiveQuantization(features, replace(SMALL, seed=s)), 6) for s in (0, 0, 1))
    assert np.array_equal(one.codebooks(), same.codebooks())
    assert not np.array_equal(one.codebooks(), other.codebooks())


def test_nearest_items_are_those_of_a_matrix_of_cosines():
    x = torch.randn(30, 4, generator=torch.Generator().manual_seed(0))
    unit = x / x.norm(dim=1, keepdim=True)
    cosine = (unit @ unit.T).fill_diagonal_(-2)
    table = nearest_items(x, 3)
    expected = [sorted(row.argsort(descending=True)[:3].tolist()) for row in cosine]
    assert table.indices.view(-1, 3).tolist() == expected
    assert nearest_items(x[:2], 5).indices.tolist() == [1, 0]
    assert not len(nearest_items(x[:1], 5).indices)


def test_walks_follow_links_evenly_and_stay_where_there_are_none():
    graph = NeighborTable.from_edges(torch.tensor([0, 0, 1, 2]), torch.tensor([1, 2, 3, 3]), num_nodes=5)
    with seeded(0):
        one, two = (walk(graph, torch.zeros(4000, dtype=torch.int64), n) for n in (1, 2))
        assert torch.bincount(one, minlength=5).tolist()[1:3] == pytest.approx([2000, 2000], abs=200)
        assert set(two.tolist()) == {3}
        assert walk(graph, torch.tensor([3, 4]), 7).tolist() == [3, 4]


def test_views_hide_columns_modalities_and_frames():
    with seeded(0):
        x = {"a": torch.ones(500, 6, 4), "b": 2 * torch.ones(500, 3)}
        x["a"][:, 3:] = 5.0
        means, deviations = {"a": torch.zeros(4), "b": torch.zeros(3)}, {"a": torch.ones(4), "b": torch.ones(3)}
        plain = replace(SMALL, feature_dropout=0.0)
        found = view(x, means, deviations, replace(plain, frame_share=0.5), None)
        assert (found["b"] == 2).all()
        values = found["a"][:, 0].unique()
        assert values.tolist() == pytest.approx([1, 7 / 3, 11 / 3, 5])  # 0 to 3 of the frames with 5
        found = view(x, means, deviations, replace(plain, modality_dropout=0.5), None)
        hidden = torch.stack([(t == 0).all(1) for t in found.values()])
        assert not hidden.all(0).any()
        assert 0.2 < hidden[0].float().mean() < 0.5
        found = view(x, means, deviations, replace(SMALL, feature_dropout=0.3), lambda t: {**t, "b": t["b"] + 1})
        assert float((found["b"] == 0).float().mean()) == pytest.approx(0.3, abs=0.05)
        assert set(found["b"].unique().tolist()) == {0.0, 3.0}
        noisy = view(x, means, {"a": torch.ones(4), "b": 2 * torch.ones(3)}, replace(plain, noise=0.5), None)["b"] - 2
        assert float(noisy.std()) == pytest.approx(1.0, abs=0.1)


def test_frames_are_averaged_and_a_transform_is_used():
    features, _ = clusters()
    frames = {"a": np.repeat(features["a"][:, None], 5, axis=1)}
    seen = []

    def transform(rows):
        seen.append(rows["a"].shape)
        return rows

    model = fit(ContrastiveQuantization(frames, SMALL, transform=transform), 2)
    assert seen == [torch.Size([32, 5, 4])] * 2
    np.testing.assert_allclose(model.embed(frames), model.embed({"a": features["a"]}), atol=1e-5)


def test_distillation_orders_as_the_features_do():
    features, _ = clusters(200)
    config = replace(
        SMALL,
        distill_weight=1.0,
        contrast_weight=0.0,
        memory_size=0,
        batch_size=100,
        num_epochs=30,
        num_codewords=16,
        learning_rate=0.01,
    )
    model = ContrastiveQuantization(features, config)
    raw = np.concatenate(list(features.values()), axis=1)
    raw /= np.linalg.norm(raw, axis=1, keepdims=True)

    def agreement() -> float:
        vectors = model.embed(features)
        decoded = model.quantizer.decode(torch.from_numpy(model.to_codes(vectors).astype(np.int64))).detach().numpy()
        return float(np.corrcoef((vectors @ decoded.T).ravel(), (raw @ raw.T).ravel())[0, 1])

    before = agreement()
    fit(model)
    assert agreement() > before + 0.1


def test_codes_drift_less_than_features_when_codebooks_move():
    config = replace(SMALL, train_codebooks=True)
    model = ContrastiveQuantization(clusters()[0], config)
    probe, encode = DriftProbe(60, config, every=1), lambda rows: model._encode_rows(rows)
    first = probe.observe(0, encode, model.quantizer, model)
    assert set(first.values()) == {torch.zeros(())} or all(float(x) == 0 for x in first.values())
    with torch.no_grad():
        turn = torch.linalg.qr(torch.randn(4, 4, generator=torch.Generator().manual_seed(0))).Q
        model.quantizer.codebooks.copy_(model.quantizer.codebooks @ turn)  # all codewords turn together
        layer = model.encoder.layers[-1]
        layer.weight.copy_(torch.block_diag(turn.T, turn.T) @ layer.weight)
        layer.bias.copy_(torch.block_diag(turn.T, turn.T) @ layer.bias)
    second = probe.observe(1, encode, model.quantizer, model)
    assert float(second["drift_codes_1"]) == pytest.approx(0, abs=1e-6)  # the choice of codewords is as it was
    assert float(second["drift_features_1"]) > 0.1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dim": 7}, "dim must be a multiple of num_codebooks, got 7 for 2 codebooks"),
        ({"top_n": 9}, "top_n must be null or at most num_codewords=8, got 9"),
        ({"train_codebooks": False}, "reseed_every must be 0 where train_codebooks is false"),
        ({"memory_kept": 9}, "memory_kept must be null or at most num_codewords=8, got 9"),
        ({"contrast_weight": 0.0}, "contrast_weight or distill_weight must be above 0"),
        ({"warmup_epochs": 4}, "warmup_epochs must be below num_epochs=4, got 4"),
        ({"rotation": True}, "rotation needs an encoder with hidden 0, got 16"),
    ],
)
def test_options_that_contradict_each_other(change, message):
    with pytest.raises(ValueError, match=message):
        replace(SMALL, **change)


def test_bad_data():
    features, _ = clusters()
    with pytest.raises(ValueError, match="num_codewords must be at most the 60 items"):
        ContrastiveQuantization(features, replace(SMALL, num_codewords=64))
    with pytest.raises(ValueError, match=r"features\['a'\] must be finite"):
        ContrastiveQuantization({"a": np.full((60, 2), np.nan)}, SMALL)
    with pytest.raises(ValueError, match="one row an item in every modality"):
        as_tensors({"a": np.ones((3, 2)), "b": np.ones((4, 2))})
    with pytest.raises(ValueError, match="at least one modality"):
        as_tensors({})
    with pytest.raises(ValueError, match="graph must have the 60 items of features, got 3"):
        ContrastiveQuantization(features, SMALL, graph=nearest_items(torch.randn(3, 2), 1))
    with pytest.raises(TypeError, match="config must be a ContrastiveQuantizationConfig"):
        ContrastiveQuantization(features, object())
    with pytest.raises(KeyError, match="features must have the modalities"):
        ContrastiveQuantization(features, SMALL).embed({"a": features["a"]})
