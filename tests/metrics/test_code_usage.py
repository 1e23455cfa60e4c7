"""Use of codewords against SciPy's entropy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import entropy

from graphvid.metrics import code_usage


def test_it_is_the_exponential_of_the_entropy():
    codes = np.random.default_rng(0).integers(0, 9, (50, 3)).astype(np.uint8) ** 2 % 9
    found = code_usage(codes, 12)
    counts = [np.bincount(column, minlength=12) for column in codes.T]
    np.testing.assert_allclose(found.perplexity, [np.exp(entropy(c)) for c in counts])
    np.testing.assert_allclose(found.dead_share, [(c == 0).mean() for c in counts])


def test_even_and_single_use_are_the_ends():
    assert code_usage(np.arange(256, dtype=np.uint8)[:, None], 256).perplexity[0] == pytest.approx(256)
    assert code_usage(np.zeros((5, 1), int), 256) == (pytest.approx([1.0]), pytest.approx([255 / 256]))


@pytest.mark.parametrize(
    ("codes", "error", "message"),
    [
        ([[0, 4]], ValueError, r"codes must be in \[0, 4\), got 0 to 4"),
        ([[-1]], ValueError, r"codes must be in \[0, 4\), got -1 to -1"),
        ([[0.5]], TypeError, "codes must hold integers, got dtype float64"),
        ([0, 1], ValueError, r"codes must have shape \(num_items, num_codebooks\), each >= 1, got \(2,\)"),
        (np.empty((0, 2), int), ValueError, "each >= 1"),
    ],
)
def test_bad_input(codes, error, message):
    with pytest.raises(error, match=message):
        code_usage(codes, 4)
