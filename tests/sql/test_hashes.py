"""The hashes in NumPy are those of the kernels, and sort as their unsigned values do."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from graphvid._splitmix import mix
from graphvid.clustering import _kernels as clustering_kernels
from graphvid.graphs import _kernels as graph_kernels
from graphvid.sql import hashes


@pytest.mark.parametrize("seed", [0, 7, 2**64 - 1])
def test_keys_of_videos(seed):
    texts = np.array(["", "a", "zoë", "007"], dtype=object)
    for ids in (np.array([0, -5, 2**62]), texts):
        expected = graph_kernels.seeded_keys(pd.util.hash_array(ids), np.uint64(seed))
        np.testing.assert_array_equal(hashes.video_keys(ids, seed).view(np.uint64), expected)


def test_ranks_of_views_are_those_of_the_wrapped_sum():
    keys = np.random.default_rng(0).integers(0, 2**64, 500, dtype=np.uint64)
    total = np.uint64(0)
    with np.errstate(over="ignore"):
        for key in keys:
            total += mix(key)
    low, high = hashes.low_halves(keys.view(np.int64)).sum(), hashes.high_halves(keys.view(np.int64)).sum()
    ranks = hashes.view_ranks(np.full(500, low), np.full(500, high), keys.view(np.int64))
    expected = np.array([mix(total ^ key) for key in keys])
    np.testing.assert_array_equal(np.argsort(ranks), np.argsort(expected))


def test_ranks_of_pairs_and_edges():
    rng = np.random.default_rng(1)
    one, other = rng.integers(0, 2**64, (2, 200), dtype=np.uint64)
    with np.errstate(over="ignore"):
        expected = [mix(min(a, b) + mix(max(a, b))) for a, b in zip(one, other)]
    np.testing.assert_array_equal(
        np.argsort(hashes.pair_ranks(one.view(np.int64), other.view(np.int64))),
        np.argsort(np.array(expected, np.uint64)),
    )
    low = rng.integers(0, 2**40, 200)
    high = low + rng.integers(1, 2**40, 200)
    for seed in (0, -3, 2**64 - 1):
        of_kernel = [clustering_kernels._edge_hash(a, b, np.uint64(seed % 2**64)) for a, b in zip(low, high)]
        np.testing.assert_array_equal(
            np.argsort(hashes.edge_ranks(low, high, seed)), np.argsort(np.array(of_kernel, np.uint64))
        )


def test_the_module_alone_loads_neither_dgl_nor_torch():
    """Workers of an engine take the code by value, so that only what this file imports has to be there."""
    code = (
        "import runpy, sys; runpy.run_path(sys.argv[1]);"
        "sys.exit(any(name in sys.modules for name in ('dgl', 'torch', 'graphvid')))"
    )
    assert subprocess.run([sys.executable, "-c", code, hashes.__file__], check=False).returncode == 0
