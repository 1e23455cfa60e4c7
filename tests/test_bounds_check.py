"""Kernels once more with Numba's bounds checks: an index out of range is an error, not a crash."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

TESTS = Path(__file__).parent
VARIABLE = "NUMBA_BOUNDSCHECK"
REACHING = [  # small tests of the kernels that index by data, not of all: compiling them for the checks takes the time
    "test_bounds_check.py::test_the_checks_are_on",
    "clustering/test_affinity.py::test_equals_brute_force[average-{}]",
    "clustering/test_undirected.py::test_duplicates_are_combined_and_counted[sum-expected0]",
    "graphs/test_check_ins.py::test_nothing_at_or_after_a_request_is_read",
    "graphs/test_co_watch.py::test_top_k_of_either_end",
    "losses/test_known_positives.py::test_both_ways_to_mark_shared_candidates[0]",
    "losses/test_semi_hard.py::test_fused_kernel_over_several_chunks[513]",
    "metrics/test_item_ranks.py::test_top_items_have_the_ranks_they_should",
    "nn/test_max_product.py::test_gradients",
    "ops/test_adjacency.py::test_spmm_and_its_gradients[numba-random-heads-max]",
    "ops/test_adjacency.py::test_spmm_and_its_gradients[numba-random-heads-sum]",
    "ops/test_distinct.py",
    "optim/test_deferred_adam.py::test_missed_steps_keep_the_learning_rate_of_their_time",
    "retrieval/test_code_index.py::test_search_is_the_order_of_the_scores[2049]",
    "sampling/test_histories.py::test_rows_read_the_history_without_the_item_they_predict",
    "sampling/test_item_negatives.py::test_random_lists[0-popularity]",
    "sampling/test_pair_order.py::test_cliques_are_found",
    "sampling/test_triplets.py::test_resumes_where_it_stopped",
]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_kernel_leaves_its_arrays(tmp_path):
    """Compiled kernels of their own, so that those without the checks stay what they are."""
    environment = {**os.environ, VARIABLE: "1", "NUMBA_OPT": "0", "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-W",
        "ignore:Cannot cache compiled function",
    ]
    done = subprocess.run(
        [*command, *(str(TESTS / test) for test in REACHING)],
        cwd=TESTS.parent,
        env={**environment, "PYTHONPATH": str(TESTS.parent)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


@pytest.mark.skipif(os.environ.get(VARIABLE) != "1", reason=f"without {VARIABLE}=1 it would write beyond an array")
def test_the_checks_are_on():
    from graphvid.ops.distinct import _number

    with pytest.raises(IndexError):
        _number(np.array([5]), 2)
