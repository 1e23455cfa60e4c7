"""Training on sparse and memory-mapped features, and on some rows of them, beside the dense form."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from lightning import Trainer
from scipy import sparse

from graphvid.data import Features, MappedTable, SyntheticCoWatch
from graphvid.graphs import co_watch_graph, node_subgraph
from graphvid.models import RelationalGraphClustering, RGCConfig

CONFIG = RGCConfig(hidden=(16,), dim=8, batch_size=32, num_steps=6, dropout=0.0, input_dropout=0.0)


@pytest.fixture(scope="module")
def data():
    world = SyntheticCoWatch(
        num_users=150, num_videos=96, num_supertopics=4, topics_per_supertopic=3, watches_per_user=6.0
    )
    rng = np.random.default_rng(0)
    words = world.features.concatenate() * (rng.random((96, 1)) < 0.9)
    words = np.where(words > 0.5, words, 0).astype(np.float32)
    train = np.sort(rng.permutation(96)[:70])
    return node_subgraph(co_watch_graph(world.log), train), words, world.log.video_ids, train


def trained(graph, table, ids, train, config=CONFIG):
    model = RelationalGraphClustering(graph, Features(ids, {"words": table}), config, rows=train)
    Trainer(
        max_steps=config.num_steps,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        accelerator="cpu",
    ).fit(model)
    return model


@pytest.mark.filterwarnings("ignore:.*train_dataloader.*does not have many workers")
def test_every_form_trains_as_the_dense_rows_do(data):
    graph, words, ids, train = data
    taken = RelationalGraphClustering(graph, Features(ids, {"words": words}).take(train), CONFIG)
    dense = trained(graph, words, ids, train)
    np.testing.assert_array_equal(taken.encoder.standardize["words"].mean, dense.encoder.standardize["words"].mean)
    expected = dense.embed(Features(ids, {"words": words}))
    mapped = trained(graph, MappedTable([words[:50], words[50:]]), ids, train)
    np.testing.assert_array_equal(mapped.embed({"words": words}), expected)
    rows = sparse.csr_array(words)
    of_sparse = trained(graph, rows, ids, train)
    np.testing.assert_allclose(of_sparse.embed({"words": rows}), expected, atol=2e-3)  # six steps of rounding
    np.testing.assert_allclose(dense.embed({"words": rows}), expected, atol=1e-5)
    np.testing.assert_allclose(of_sparse.embed({"words": rows}), of_sparse.embed({"words": words}), atol=1e-5)


@pytest.mark.filterwarnings("ignore:.*train_dataloader.*does not have many workers")
def test_training_on_sparse_rows_with_dropout_repeats_bit_for_bit_and_splits_into_batches(data):
    graph, words, ids, train = data
    config, rows = replace(CONFIG, dropout=0.3, input_dropout=0.3), sparse.csr_array(words)
    one, other = (trained(graph, rows, ids, train, config).embed({"words": rows}) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert np.isfinite(one).all()


def test_sparse_rows_are_fetched_by_node_without_ever_being_dense(data, monkeypatch):
    graph, words, ids, train = data
    features = Features(ids, {"words": sparse.csr_array(words)})
    monkeypatch.setattr(sparse.csr_array, "toarray", None)
    monkeypatch.setattr(sparse.csr_array, "todense", None)
    model = RelationalGraphClustering(graph, features, CONFIG, rows=train)
    fetched = model.features(torch.tensor([3, 0]))["words"]
    assert (fetched.num_dst, fetched.num_src) == (2, words.shape[1])
    np.testing.assert_array_equal(fetched.spmm(torch.eye(words.shape[1])), words[train[[3, 0]]])
    assert model.embed(features).shape == (96, 8)


def test_rows_that_do_not_fit_the_nodes_are_named(data):
    graph, words, ids, train = data
    features = Features(ids, {"words": words})
    with pytest.raises(
        ValueError, match="row i of the features must belong to node i of the graph, got features of other"
    ):
        RelationalGraphClustering(graph, features, CONFIG, rows=np.setdiff1d(np.arange(96), train[:26])[:70])
    with pytest.raises(ValueError, match=r"rows must be in \[0, 96\), got 96 in row 0"):
        RelationalGraphClustering(graph, {"words": words}, CONFIG, rows=train + 96 - train[0])
    with pytest.raises(ValueError, match="rows must be one a node of the graph, 70, got 3"):
        RelationalGraphClustering(graph, {"words": words}, CONFIG, rows=[0, 1, 2])
