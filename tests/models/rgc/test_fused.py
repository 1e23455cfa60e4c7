"""Features beside a learnt vector: cosines that add up, and projections that are those of a singular value decomposition."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from graphvid.models import FusedEncoder, RawPath, RGCConfig, build_encoder, embed

RNG = np.random.default_rng(0)
LOOK = (RNG.standard_normal((40, 6)) @ np.diag([9, 5, 3, 1, 0.3, 0.1])).astype(np.float32)
SOUND = RNG.standard_normal((40, 3)).astype(np.float32)
FEATURES = {"look": LOOK, "sound": SOUND}
DIMS = {"look": 6, "sound": 3}
WORDS = (RNG.random((50, 12)) < np.linspace(0.05, 0.8, 12)).astype(np.float32)


def tensors(features):
    return {name: torch.from_numpy(x) for name, x in features.items()}


def unit(x):
    norms = np.linalg.norm(x, axis=1, keepdims=True)
    return np.divide(x, norms, out=np.zeros_like(x), where=norms > 0)


def test_the_projection_is_that_of_the_singular_value_decomposition():
    rows = unit(np.concatenate([LOOK, SOUND], axis=1).astype(np.float64))
    right = np.linalg.svd(rows, full_matrices=False)[2]
    for dim in (1, 3, 9):
        path = RawPath(DIMS, dim).fit("raw", FEATURES, seed=0)
        found, wanted = path(tensors(FEATURES)).numpy(), unit(rows @ right[:dim].T)
        np.testing.assert_allclose(found @ found.T, wanted @ wanted.T, atol=2e-4)  # cosines know no signs


def test_fewer_columns_are_the_first_of_more():
    wide, narrow = (RawPath(DIMS, dim).fit("raw", FEATURES, seed=0)(tensors(FEATURES)) for dim in (5, 2))
    first = torch.nn.functional.normalize(
        RawPath(DIMS, 5).fit("raw", FEATURES, seed=0).project(tensors(FEATURES))[:, :2], dim=-1
    )
    assert wide.shape == (40, 5)
    np.testing.assert_allclose(first @ first.T, narrow @ narrow.T, atol=1e-3)


def test_idf_is_that_of_scikit_learn():
    text = pytest.importorskip("sklearn.feature_extraction.text")
    fitted = text.TfidfTransformer(smooth_idf=True, norm=None).fit(WORDS)
    path = RawPath({"words": 12}, None).fit("idf", {"words": WORDS}, seed=0)
    wanted = unit(WORDS * (fitted.idf_ - 1))  # scikit-learn adds 1
    np.testing.assert_allclose(path({"words": torch.from_numpy(WORDS)}), wanted, atol=1e-5)


def test_a_word_that_all_have_counts_nothing():
    words = WORDS.copy()
    words[:, 0] = 1
    rows = RawPath({"words": 12}, None).fit("idf", {"words": words}, seed=0)({"words": torch.from_numpy(words)})
    assert rows[:, 0].max() < 1e-4


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("dim", [None, 4])
def test_cosines_add_up(weight, dim):
    encoder = build_encoder(DIMS, RGCConfig(hidden=(8,), dim=5))
    raw = RawPath(DIMS, dim).fit("standardised", FEATURES, seed=0)
    learnt, rows = embed(encoder, FEATURES), raw(tensors(FEATURES)).numpy()
    fused = embed(FusedEncoder(encoder, raw, weight=weight), FEATURES)
    assert fused.shape[1] == (0 if weight == 1 else 5) + (0 if weight == 0 else rows.shape[1])
    np.testing.assert_allclose(fused @ fused.T, (1 - weight) * learnt @ learnt.T + weight * rows @ rows.T, atol=1e-5)


def test_a_video_without_features_has_its_learnt_vector_and_odd_columns_do_no_harm():
    odd = np.concatenate([LOOK, LOOK[:, :1], np.full((40, 1), 3.0, np.float32), np.zeros((40, 1), np.float32)], axis=1)
    odd[7] = 0
    encoder = build_encoder({"odd": 9}, RGCConfig(hidden=(8,), dim=5))
    learnt = embed(encoder, {"odd": odd})
    for kind in ("raw", "standardised"):
        for dim in (None, 3, 9):  # the rank is below 9
            fused = embed(
                FusedEncoder(encoder, RawPath({"odd": 9}, dim).fit(kind, {"odd": odd}, seed=0), weight=0.5),
                {"odd": odd},
            )
            np.testing.assert_allclose(np.linalg.norm(fused, axis=1), 1, atol=1e-5)
            if kind == "raw":
                np.testing.assert_allclose(fused[7, :5], learnt[7], atol=1e-6)


def test_videos_are_embedded_one_by_one_as_together_and_saved_weights_give_the_same():
    config = RGCConfig(hidden=(8,), dim=5, raw="raw", raw_dim=4, raw_weight=0.4)
    fused = FusedEncoder(
        build_encoder(DIMS, RGCConfig(hidden=(8,), dim=5)), RawPath(DIMS, 4).fit("raw", FEATURES, seed=1), weight=0.4
    )
    together = embed(fused, FEATURES)
    np.testing.assert_allclose(embed(fused, FEATURES, chunk_size=7), together, atol=1e-6)
    other = build_encoder(DIMS, config)
    other.load_state_dict(fused.state_dict())
    assert np.array_equal(embed(other, FEATURES), together)


def test_the_directions_are_a_function_of_the_seed():
    first, again = (RawPath(DIMS, 3).fit("raw", FEATURES, seed=2).directions for _ in range(2))
    assert torch.equal(first, again)


def test_what_is_refused():
    with pytest.raises(ValueError, match="raw_dim must be at most 9, the columns of the features, got 10"):
        RawPath(DIMS, 10)
    with pytest.raises(ValueError, match="features must be >= 0 with raw 'idf', got -"):
        RawPath(DIMS, None).fit("idf", FEATURES, seed=0)
    with pytest.raises(
        ValueError, match=r"raw_dim and raw_weight must be left at null and 0\.5 with raw 'none', got 3 and 0.5"
    ):
        RGCConfig(raw_dim=3)
    with pytest.raises(ValueError, match=r"raw_weight must be a number in \[0, 1\], got 1.5"):
        RGCConfig(raw="raw", raw_weight=1.5)
