"""Scored pairs, their file and their folds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from graphvid.data import ScoredPairs, read_scored_pairs, split_pairs

IDS = pd.Index(["a", "b", "c"], dtype=object)


def test_label_file(tmp_path):
    path = tmp_path / "label.tsv"
    path.write_text("a\tc\t0.25\nb\ta\t1\n")
    pairs = read_scored_pairs(path, IDS)
    assert [column.tolist() for column in pairs] == [[0, 1], [2, 0], [0.25, 1.0]]
    path.write_text("5\t7\t0.5\n")
    assert read_scored_pairs(path, pd.Index([7, 5])).query.tolist() == [1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\tz\t0.5\n", "candidate must be among the 3 of the videos, got 'z'"),
        ("a\tb\t0.5\na\tc\t1.05\n", r"score must be in \[0, 1\] in every row, got 1.05 in row 1"),
        ("a\tb\tnan\n", r"score must be in \[0, 1\]"),
        ("a\tb\n", "line 1 must be two ids and a score"),
        ("a\tb\thigh\n", "line 1 must be two ids and a score"),
        ("", "must have equal lengths >= 1"),
    ],
)
def test_refused_files(tmp_path, text, message):
    path = tmp_path / "label.tsv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as raised:
        read_scored_pairs(path, IDS)
    assert str(path) in str(raised.value)


def random_pairs(num_videos=40, num_pairs=300, seed=0):
    rng = np.random.default_rng(seed)
    return ScoredPairs(*rng.integers(0, num_videos, (2, num_pairs)), rng.random(num_pairs))


def test_folds_by_video_share_no_video_and_cover():
    pairs, validated = random_pairs(), []
    for fold in range(4):
        found = split_pairs(pairs, pd.RangeIndex(40), num_folds=4, fold=fold, seed=3)
        train, validation = (
            {*pairs.query[rows].tolist(), *pairs.candidate[rows].tolist()} for rows in (found.train, found.validation)
        )
        assert not train & validation
        assert len(found.train) + len(found.validation) + found.dropped == 300
        assert found.dropped > 0
        validated += found.validation.tolist()
    assert len(validated) == len(set(validated))


def test_folds_by_row_are_a_partition():
    pairs = random_pairs()
    folds = [split_pairs(pairs, pd.RangeIndex(40), num_folds=4, fold=fold, by="row") for fold in range(4)]
    assert sorted(np.concatenate([found.validation for found in folds])) == list(range(300))
    assert all(found.dropped == 0 and len(found.train) == 225 for found in folds)


def test_folds_by_id():
    pairs, ids = random_pairs(), pd.Index(100 + np.arange(40))
    found = split_pairs(pairs, ids, by="id")
    both = (ids[pairs.query] % 5 == 0) & (ids[pairs.candidate] % 5 == 0)
    np.testing.assert_array_equal(found.validation, np.flatnonzero(both))
    np.testing.assert_array_equal(found.train, np.flatnonzero(~both))
    with pytest.raises(ValueError, match="ids must be integers for folds by id, got 'a'"):
        split_pairs(random_pairs(3), IDS, by="id")


def test_refused_folds():
    pairs = random_pairs(num_pairs=3)
    with pytest.raises(ValueError, match="num_folds must be at most the 3 pairs, got 5"):
        split_pairs(pairs, pd.RangeIndex(40))
    with pytest.raises(ValueError, match=r"fold must be in \[0, 2\), got 2"):
        split_pairs(pairs, pd.RangeIndex(40), num_folds=2, fold=2)
    with pytest.raises(ValueError, match="by must be one of"):
        split_pairs(pairs, pd.RangeIndex(40), num_folds=2, by="user")
    lonely = ScoredPairs(np.array([0, 2, 4]), np.array([1, 3, 5]), np.array([0.1, 0.2, 0.3]))
    with pytest.raises(ValueError, match="a fold must have pairs to train and to validate, got"):
        [split_pairs(lonely, pd.RangeIndex(6), num_folds=3, fold=fold) for fold in range(3)]
