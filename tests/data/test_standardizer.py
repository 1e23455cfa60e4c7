from __future__ import annotations

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from graphvid.data import Standardizer


def test_equals_scikit_learn_on_the_training_rows():
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(60, 5)) * [1e-3, 1, 10, 1e4, 1] + [0, 5, -3, 1e5, 2]).astype(np.float32)
    rows = np.sort(rng.permutation(60)[:40])
    oracle = StandardScaler().fit(x[rows].astype(np.float64))
    standardizer = Standardizer.fit(x, rows)
    np.testing.assert_allclose(standardizer.mean, oracle.mean_, rtol=1e-12)
    np.testing.assert_allclose(standardizer.scale, oracle.scale_, rtol=1e-9)
    transformed = standardizer.transform(x)
    assert transformed.dtype == np.float32
    np.testing.assert_allclose(transformed, oracle.transform(x.astype(np.float64)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(transformed[rows].mean(axis=0), 0, atol=1e-6)


def test_other_rows_change_nothing():
    x = np.random.default_rng(1).normal(size=(10, 3)).astype(np.float32)
    changed = x.copy()
    changed[5:] = 1e6
    first, second = (Standardizer.fit(table, np.arange(5)) for table in (x, changed))
    np.testing.assert_array_equal(first.mean, second.mean)
    np.testing.assert_array_equal(first.scale, second.scale)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e8, 3e38])
def test_a_constant_column_becomes_exactly_zero(value):
    x = np.full((7, 1), value, dtype=np.float32)
    standardizer = Standardizer.fit(x, np.arange(7))
    assert standardizer.scale[0] == 1
    np.testing.assert_array_equal(standardizer.transform(x), np.zeros((7, 1)))


def test_one_row_is_enough():
    x = np.array([[1.0, 2.0], [3.0, 5.0]], dtype=np.float32)
    np.testing.assert_array_equal(Standardizer.fit(x, [1]).transform(x), [[-2, -3], [0, 0]])


def test_sums_are_taken_in_float64():
    x = np.full((1000, 1), 300.0, dtype=np.float16)
    x[::2] = 100
    standardizer = Standardizer.fit(x, np.arange(1000))
    assert (standardizer.mean[0], standardizer.scale[0]) == (200, 100)
    shifted = np.float32([[1e7 + 1], [1e7 - 1]])
    np.testing.assert_array_equal(Standardizer.fit(shifted, [0, 1]).transform(shifted), [[1], [-1]])


@pytest.mark.parametrize(
    ("x", "rows", "match"),
    [
        (np.zeros(3), [0], r"x must have shape \(num_videos, dim\), got \(3,\)"),
        (np.zeros((3, 1)), [], r"rows must be at least one integer row, got shape \(0,\)"),
        (np.zeros((3, 1)), [True, False, True], "rows must be at least one integer row, got .* dtype bool"),
        (np.zeros((3, 1)), [0, 3], r"rows must be in \[0, 3\), got 0 to 3"),
        (np.zeros((3, 1)), [-1, 1], r"rows must be in \[0, 3\), got -1 to 1"),
    ],
)
def test_bad_input_is_named(x, rows, match):
    with pytest.raises(ValueError, match=match):
        Standardizer.fit(x, rows)


def test_another_number_of_columns_is_named():
    standardizer = Standardizer.fit(np.zeros((2, 3)), [0])
    with pytest.raises(ValueError, match=r"x must have shape \(num_rows, 3\), got \(2, 4\)"):
        standardizer.transform(np.zeros((2, 4)))
