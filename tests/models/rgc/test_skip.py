"""A linear way past the network: its formula, sparse rows, and what training moves."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import sparse

from graphvid.data import SyntheticCoWatch
from graphvid.graphs import co_watch_graph
from graphvid.models import RelationalGraphClustering, RGCConfig, SkipEncoder, build_encoder, embed

CONFIG = RGCConfig(hidden=(16,), dim=8, batch_size=32, num_steps=6, skip="standardised")


@pytest.fixture(scope="module")
def world():
    return SyntheticCoWatch(num_users=150, num_videos=96, num_supertopics=4, topics_per_supertopic=3)


@pytest.fixture
def model(world):
    return RelationalGraphClustering(co_watch_graph(world.log), world.features, CONFIG)


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def test_the_vector_is_the_sum_of_both_ways(world, model):
    encoder = model.encoder
    assert isinstance(encoder, SkipEncoder)
    with torch.no_grad():
        encoder.gate.fill_(0.3)
    x = np.concatenate(list(world.features.modalities.values()), axis=1).astype(np.float64)
    standardised = unit((x - x.mean(axis=0)) / x.std(axis=0))
    linear = unit(standardised @ encoder.raw.directions.detach().numpy())
    found, network = embed(encoder, world.features), embed(encoder.encoder, world.features)
    np.testing.assert_allclose(found, unit(linear + 0.3 * network), atol=1e-5)
    np.testing.assert_allclose(embed(encoder, world.features, chunk_size=7), found, atol=1e-6)


def test_sparse_rows_give_what_dense_rows_give():
    words = sparse.random_array((40, 12), density=0.3, rng=np.random.default_rng(0), dtype=np.float32).tocsr()
    encoder = build_encoder({"words": 12}, CONFIG)
    encoder.raw.fit("standardised", {"words": words}, seed=0)
    np.testing.assert_allclose(embed(encoder, {"words": words}), embed(encoder, {"words": words.toarray()}), atol=1e-5)


def test_training_moves_directions_gate_and_network_and_a_saved_encoder_gives_the_same(world, model, fit_model):
    before = {name: value.clone() for name, value in model.encoder.named_parameters()}
    fit_model(model)
    after = dict(model.encoder.named_parameters())
    assert not [name for name, value in before.items() if torch.equal(value, after[name])]
    assert {"gate", "raw.directions"} <= set(after)
    other = build_encoder(model.encoder.dims, CONFIG)
    other.load_state_dict(model.encoder.state_dict())
    assert np.array_equal(embed(other, world.features), model.embed(world.features))


def test_dropout_is_on_in_training_alone(model):
    ids = torch.arange(20)
    model.train()
    first, again = model.encode(ids), model.encode(ids)
    assert torch.equal(first, again)  # keyed by the step
    model.eval()
    assert not torch.allclose(first, model.encode(ids), atol=1e-3)


def test_more_columns_than_the_features_have():
    features = {"look": np.random.default_rng(0).random((30, 3), dtype=np.float32)}
    encoder = build_encoder({"look": 3}, CONFIG)
    encoder.raw.fit("raw", features, seed=0)
    vectors = embed(encoder, features)
    assert vectors.shape == (30, 8)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
