"""Singular vectors of every form of table, against LAPACK's decomposition of the dense matrix."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from graphvid.data import Features, MappedTable, project, right_singular_vectors


def table_of(num_rows=300, dim=40, density=0.2, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.gamma(1.0, size=(num_rows, dim)) * np.linspace(3, 0.5, dim) * (rng.random((num_rows, dim)) < density)
    x[7] = 0
    return x.astype(np.float32)


def oracle(x, num, unit):
    x = x.astype(np.float64)
    if unit:
        length = np.linalg.norm(x, axis=1, keepdims=True)
        x = x / np.where(length > 0, length, 1)
    _, values, vectors = np.linalg.svd(x, full_matrices=False)
    return vectors[:num].T, values[:num]


def forms(x, folder):
    np.save(folder / "a.npy", x[:111].astype(np.float64))
    np.save(folder / "b.npy", x[111:])
    half = x.shape[1] // 2
    parts = {"sparse": sparse.csr_array(x[:, :half]), "dense": x[:, half:]}
    return {
        "dense": x,
        "sparse": sparse.csr_array(x),
        "mapped": MappedTable([np.load(folder / name, mmap_mode="r") for name in ("a.npy", "b.npy")]),
        "joined": Features(range(len(x)), parts).joined(),
    }


@pytest.mark.parametrize("unit", [True, False])
@pytest.mark.parametrize("dim", [40, 1100])
def test_equals_the_decomposition_of_the_dense_matrix(tmp_path, unit, dim):
    x, rows = table_of(dim=dim), np.random.default_rng(1).permutation(300)[:200]
    vectors, values = oracle(x[rows], 6, unit)
    for name, table in forms(x, tmp_path).items():
        found = right_singular_vectors(table, 6, rows=rows, unit=unit)
        np.testing.assert_allclose(found.values, values, rtol=1e-5, err_msg=name)
        agreement = np.abs((found.vectors * vectors).sum(axis=0))  # up to the sign
        np.testing.assert_allclose(agreement, 1, atol=1e-4, err_msg=name)
        at = np.abs(found.vectors).argmax(axis=0)
        assert (found.vectors[at, range(6)] > 0).all()
        again = right_singular_vectors(table, 6, rows=rows, unit=unit)
        np.testing.assert_array_equal(found.vectors, again.vectors)
        projected = project(table, found.vectors, rows=rows, unit=unit)
        lengths = np.linalg.norm(x[rows], axis=1, keepdims=True)
        of = x[rows] / np.where(lengths > 0, lengths, 1) if unit else x[rows]
        np.testing.assert_allclose(projected, of @ found.vectors, atol=1e-4)


def test_the_order_of_the_rows_changes_nothing():
    x = table_of(dim=30)
    order = np.random.default_rng(2).permutation(len(x))
    one, other = right_singular_vectors(x, 5), right_singular_vectors(x[order], 5)
    np.testing.assert_allclose(one.vectors, other.vectors, atol=1e-5)


def test_bad_arguments_are_named():
    x = np.eye(3)
    with pytest.raises(ValueError, match=r"num must be an integer in \[1, 2\], got 3"):
        right_singular_vectors(x, 3, rows=[0, 1])
    with pytest.raises(ValueError, match=r"rows must be in \[0, 3\), got 3 in row 1"):
        right_singular_vectors(x, 1, rows=[0, 3])
    with pytest.raises(ValueError, match=r"vectors must have shape \(3, num\), got \(2, 1\)"):
        project(x, np.ones((2, 1)))
