"""Ranks of neighbours against a stable sort by loops."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from scipy import sparse

from graphvid.data import MappedTable, StandardizedTable, Standardizer
from graphvid.metrics import rank_neighbors

rank_neighbors_by_id = partial(rank_neighbors, ties="id")


def by_loops(embeddings, indptr, indices):
    """Sort, for each query, the other videos by (-cosine, id) and look the neighbours up."""
    x = np.asarray(embeddings, np.float64)
    lengths = np.linalg.norm(x, axis=1)
    ranks = []
    for q in range(len(x)):
        others = [c for c in range(len(x)) if c != q]
        scale = [lengths[q] * lengths[c] for c in range(len(x))]
        cosine = [round(float(x[q] @ x[c]) / scale[c], 12) if scale[c] else 0.0 for c in range(len(x))]
        order = sorted(others, key=lambda c: (-cosine[c], c))
        ranks += [order.index(j) + 1 for j in indices[indptr[q] : indptr[q + 1]]]
    return ranks


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("num_videos", "num_edges"), [(2, 3), (7, 9), (60, 40), (60, 600)])
def test_against_loops(make_neighbors, dtype, num_videos, num_edges):
    indptr, indices = make_neighbors(num_videos, num_edges)
    x = np.random.default_rng(1).standard_normal((num_videos, 5)).astype(dtype)
    assert rank_neighbors_by_id(x, indptr, indices).tolist() == by_loops(x, indptr, indices)


@pytest.mark.parametrize("chunk_size", [None, 1, 7, 1000])
def test_ties_go_by_id(make_neighbors, chunk_size):
    indptr, indices = make_neighbors(50, 300)
    # One-hot vectors of 4 kinds, some of them zero: cosines are exactly 0 or 1, in any order of summation.
    x = np.eye(4)[np.random.default_rng(0).integers(0, 4, 50)]
    x[::9] = 0
    assert rank_neighbors_by_id(x, indptr, indices, chunk_size=chunk_size).tolist() == by_loops(x, indptr, indices)


def test_all_equal():
    indptr, indices = np.array([0, 3, 3, 5, 5]), np.array([1, 2, 3, 0, 3])
    assert rank_neighbors_by_id(np.ones((4, 2), np.float32), indptr, indices).tolist() == [1, 2, 3, 1, 3]


@pytest.mark.parametrize("chunk_size", [1, 7, 16, 1000])
def test_chunks_change_nothing(make_neighbors, chunk_size):
    indptr, indices = make_neighbors(60, 100)
    x = np.random.default_rng(1).standard_normal((60, 5))
    whole = rank_neighbors_by_id(x, indptr, indices)
    assert torch.equal(rank_neighbors_by_id(x, indptr, indices, chunk_size=chunk_size), whole)


def test_length_of_a_vector_has_no_weight(make_neighbors):
    indptr, indices = make_neighbors(40, 200)
    x = np.random.default_rng(1).standard_normal((40, 5))
    powers = 2.0 ** np.random.default_rng(2).integers(-500, 500, (40, 1))
    assert torch.equal(rank_neighbors_by_id(x * powers, indptr, indices), rank_neighbors_by_id(x, indptr, indices))


def test_renumbering_videos_renumbers_the_result(make_neighbors):
    indptr, indices = make_neighbors(40, 100)
    x = np.random.default_rng(1).standard_normal((40, 5))
    ranks = rank_neighbors_by_id(x, indptr, indices).numpy()
    source = np.repeat(np.arange(40), np.diff(indptr))
    table = {(s, d): r for s, d, r in zip(source, indices, ranks, strict=True)}
    new = np.random.default_rng(3).permutation(40)
    old = np.argsort(new)
    pairs = sorted((new[s], new[d]) for s, d in table)
    counts = np.bincount([s for s, _ in pairs], minlength=40)
    moved = rank_neighbors_by_id(x[old], np.concatenate([[0], np.cumsum(counts)]), np.array([d for _, d in pairs]))
    assert moved.tolist() == [table[old[s], old[d]] for s, d in pairs]


def test_half_precision_is_ranked_in_float32(make_neighbors):
    indptr, indices = make_neighbors(40, 100)
    x = torch.randn(40, 5, generator=torch.Generator().manual_seed(0)).half()
    assert torch.equal(rank_neighbors_by_id(x, indptr, indices), rank_neighbors_by_id(x.float(), indptr, indices))


def test_input_is_not_changed_and_may_be_read_only(make_neighbors):
    indptr, indices = make_neighbors(10, 20)
    x = np.random.default_rng(0).standard_normal((10, 3))
    before = x.copy()
    for array in (x, indptr, indices):
        array.setflags(write=False)
    rank_neighbors_by_id(x, indptr, indices)
    np.testing.assert_array_equal(x, before)


def test_gradients_are_left_alone(make_neighbors):
    indptr, indices = make_neighbors(10, 20)
    x = torch.randn(10, 3, requires_grad=True, generator=torch.Generator().manual_seed(0))
    assert not rank_neighbors_by_id(x, indptr, indices).requires_grad


@pytest.mark.parametrize("num_videos", [0, 1, 3])
def test_no_neighbors(num_videos):
    assert rank_neighbors_by_id(np.ones((num_videos, 2)), np.zeros(num_videos + 1, int), []).shape == (0,)


def test_no_dimensions():
    assert rank_neighbors_by_id(np.ones((3, 0)), [0, 1, 1, 2], [2, 0]).tolist() == [2, 1]


def test_progress_bar(capsys):
    rank_neighbors_by_id(np.eye(2), [0, 1, 2], [1, 0])
    assert capsys.readouterr().err == ""
    rank_neighbors_by_id(np.eye(2), [0, 1, 2], [1, 0], progress=True)
    assert "ranking" in capsys.readouterr().err


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu(make_neighbors):
    indptr, indices = make_neighbors(200, 3000)
    x = torch.from_numpy(np.random.default_rng(1).standard_normal((200, 5)))
    assert torch.equal(rank_neighbors_by_id(x.cuda(), indptr, indices).cpu(), rank_neighbors_by_id(x, indptr, indices))


NAN = [[1.0, 0.0], [0.0, float("nan")], [1.0, 1.0]]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"embeddings": np.ones((3, 2), int)}, TypeError, "embeddings must be floating point, got dtype torch.int64"),
        ({"embeddings": np.ones(3)}, ValueError, r"embeddings must have shape \(num_videos, dim\), got \(3,\)"),
        ({"embeddings": NAN}, ValueError, "embeddings must be finite, got nan in row 1, column 1"),
        ({"indptr": [0, 1, 2]}, ValueError, r"indptr must have num_videos \+ 1 = 4 values, got 3"),
        ({"indptr": [0, 1, 1, 3]}, ValueError, "indptr must rise from 0 to the number of items, 2"),
        ({"indices": [1, 3]}, ValueError, r"indices must be in \[0, 3\), got 1 to 3"),
        ({"indices": [-1, 0]}, ValueError, r"indices must be in \[0, 3\), got -1 to 0"),
        ({"indices": [1.0, 0.0]}, TypeError, "indices must hold integers"),
        ({"indices": [1, 1]}, ValueError, "a video must not be its own neighbor, got video 1"),
        (
            {"indptr": [0, 2, 2, 2], "indices": [2, 2]},
            ValueError,
            "neighbors must be distinct, got 2 twice for video 0",
        ),
        ({"chunk_size": 0}, ValueError, "chunk_size must be an integer >= 1, got 0"),
    ],
)
def test_errors(arguments, error, message):
    good = {"embeddings": np.ones((3, 2)), "indptr": [0, 1, 2, 2], "indices": [1, 0]}
    with pytest.raises(error, match=message):
        rank_neighbors_by_id(**{**good, **arguments})


@pytest.mark.parametrize("block_values", [None, 40])
def test_rows_of_every_form_of_table_are_ranked_as_the_dense_vectors(make_neighbors, monkeypatch, block_values):
    if block_values is not None:  # several blocks of queries and of candidates
        monkeypatch.setattr("graphvid.metrics._unit_vectors._BLOCK_VALUES", block_values)
    rng = np.random.default_rng(3)
    x = (rng.standard_normal((90, 8)) * (rng.random((90, 8)) < 0.5)).astype(np.float32)
    rows = rng.permutation(90)[:60]
    x[rows[4]] = 0
    indptr, indices = make_neighbors(60, 200)
    whole = rank_neighbors(x[rows], indptr, indices)
    for table in (x, sparse.csr_array(x), MappedTable([x[:50], x[50:].astype(np.float64)]), torch.from_numpy(x)):
        assert torch.equal(rank_neighbors(table, indptr, indices, rows=rows), whole)
    assert torch.equal(rank_neighbors(sparse.csr_array(x[rows]), indptr, indices), whole)
    standardizer = Standardizer.fit(x, np.arange(50))
    standard = rank_neighbors(standardizer.transform(x[rows]), indptr, indices)
    for table in (x, sparse.csr_array(x)):
        assert torch.equal(rank_neighbors(StandardizedTable(table, standardizer), indptr, indices, rows=rows), standard)


def test_bad_rows_and_values_of_tables_are_named():
    x = np.eye(3, dtype=np.float32)
    with pytest.raises(ValueError, match=r"rows must be in \[0, 3\), got 0 to 3"):
        rank_neighbors(x, [0, 1, 2], [1, 0], rows=[0, 3])
    with pytest.raises(ValueError, match=r"indptr must have num_videos \+ 1 = 3 values, got 4"):
        rank_neighbors(x, [0, 1, 2, 2], [1, 0], rows=[0, 1])
    x[2, 1] = np.nan
    for table in (x, sparse.csr_array(x), torch.from_numpy(x)):
        with pytest.raises(ValueError, match="embeddings must be finite, got nan in row 2, column 1"):
            rank_neighbors(table, [0, 1, 2], [1, 0], rows=[0, 2])
