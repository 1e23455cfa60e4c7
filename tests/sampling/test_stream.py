from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from graphvid.sampling import _stream

# First outputs of SplitMix64 with state 1234567, from the author's C code
KNOWN = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821]
KEY = _stream.stream_key(0, 0)


def numbers(key: int, count: int) -> np.ndarray:
    return np.array([_stream._bits.py_func(np.uint64(key), np.uint64(c)) for c in range(count)])


@pytest.fixture(autouse=True)
def _wrap_around():
    with np.errstate(over="ignore"):  # the hash multiplies modulo 2**64
        yield


def test_known_numbers():
    assert numbers(1234567, 5).tolist() == KNOWN


def test_tensors_have_the_same_bits():
    for key in (0, 1234567, KEY, 2**64 - 1):
        ours = _stream.bits_tensor(key, torch.arange(50)).numpy().view(np.uint64)
        assert ours.tolist() == numbers(key, 50).tolist()


@pytest.mark.parametrize("n", [1, 2, 7, 1000, 2**31 - 1])
def test_below_is_the_high_word_of_the_product(n):
    bits = numbers(KEY, 200)
    expected = [(int(b) * n) >> 64 for b in bits]
    assert _stream.below_tensor(torch.from_numpy(bits.view(np.int64)), n).tolist() == expected
    assert [_stream._below.py_func(b, n) for b in bits] == expected
    extreme = np.array([2**64 - 1], dtype=np.uint64)
    assert _stream.below_tensor(torch.from_numpy(extreme.view(np.int64)), n).tolist() == [n - 1]


def test_unit_is_in_the_half_open_interval():
    bits = np.concatenate([numbers(KEY, 200), np.array([0, 2**64 - 1], dtype=np.uint64)])
    expected = [(int(b) >> 11) / 2**53 for b in bits]
    assert _stream.unit_tensor(torch.from_numpy(bits.view(np.int64))).tolist() == expected
    assert [_stream._unit.py_func(b) for b in bits] == expected
    assert 0 <= min(expected) < max(expected) < 1


def test_numbers_of_steps_and_seeds_look_independent():
    keys = [_stream.stream_key(seed, step) for seed in (0, 1, 2**64 - 1) for step in range(40)]
    assert len(set(keys)) == 120
    units = np.stack([_stream.unit_tensor(_stream.bits_tensor(key, torch.arange(200))).numpy() for key in keys])
    assert stats.kstest(units.ravel(), "uniform").pvalue > 1e-3
    correlation = np.corrcoef(units)[np.triu_indices(120, 1)] * np.sqrt(200)
    assert stats.kstest(correlation, "norm").pvalue > 1e-3
