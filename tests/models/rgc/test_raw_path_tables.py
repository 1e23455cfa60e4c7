"""Features beside the learnt vector: sparse rows and rows on disk give what dense rows give."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from graphvid.data import MappedTable
from graphvid.models import FusedEncoder, RawPath, embed
from graphvid.nn import VideoEncoder


@pytest.fixture(scope="module")
def tables():
    rng = np.random.default_rng(0)
    words = (rng.poisson(0.3, (60, 20)) * (rng.random((60, 20)) < 0.4)).astype(np.float32)
    words[:, 4] = 1  # a word that all have
    words[7] = 0
    return {"words": words, "look": np.abs(rng.standard_normal((60, 3))).astype(np.float32)}


def forms(tables):
    words, look = tables["words"], tables["look"]
    yield {"words": sparse.csr_array(words), "look": look}
    yield {"words": MappedTable([words[:25], words[25:]]), "look": MappedTable([look])}


@pytest.mark.parametrize("kind", ["raw", "standardised", "idf"])
@pytest.mark.parametrize("dim", [None, 5])
def test_forms_of_features_agree(tables, kind, dim):
    rows = np.arange(0, 60, 2)
    dims = {name: x.shape[1] for name, x in tables.items()}
    expected = RawPath(dims, dim).fit(kind, tables, rows, seed=3)
    encoder = VideoEncoder(dims, hidden=(8,), dim=4)
    for form in forms(tables):
        found = RawPath(dims, dim).fit(kind, form, rows, seed=3)
        a, b = expected.vectors(tables), found.vectors(form)
        np.testing.assert_allclose(a @ a.T, b @ b.T, atol=2e-4)  # directions of one sign or the other
        np.testing.assert_allclose(
            embed(FusedEncoder(encoder, expected, weight=0.3), form),
            embed(FusedEncoder(encoder, expected, weight=0.3), tables),
            atol=1e-5,
        )


def test_blocks_do_not_matter(tables):
    path = RawPath({"words": 20, "look": 3}, 4).fit("standardised", tables, seed=0)
    rows = np.array([5, 1, 59])
    np.testing.assert_allclose(path.vectors(tables, rows), path.vectors(tables)[rows], atol=1e-6)


@pytest.mark.parametrize("kind", ["standardised", "idf"])
def test_directions_of_sparse_rows_are_those_of_dense_ones_and_never_become_dense(kind, tables, monkeypatch):
    words = tables["words"]
    dense = RawPath({"words": 20}, 6).fit(kind, {"words": words}, seed=1).vectors({"words": words})
    rows = {"words": sparse.csr_array(words)}
    monkeypatch.setattr(sparse.csr_array, "toarray", None)
    monkeypatch.setattr(sparse.csr_array, "todense", None)
    found = RawPath({"words": 20}, 6).fit(kind, rows, seed=1).vectors(rows)
    np.testing.assert_allclose(found @ found.T, dense @ dense.T, atol=2e-4)
