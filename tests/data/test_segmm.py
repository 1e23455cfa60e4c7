"""The SegMM sample: tiny files of the same form always, the real one where GRAPHVID_DATA has it."""

from __future__ import annotations

import gzip
import itertools
import os
from pathlib import Path

import numpy as np
import pytest

from graphvid.data import SegMM

HEADER = "user_id,video_id,time_ms,duration_ms,playing_time_ms,n_segments,segment_labels\n"
ROWS = [
    "7,30,1500,12000,6001,3,1 0 -1\n",
    "2,30,1000,5000,9999,1,1\n",
    "7,10,0,5001,17,2,0 -1\n",
    "2,30,1000,5000,9999,1,1\n",
]


def write(folder, rows, header=HEADER):
    (folder / "segmm_sample").mkdir(exist_ok=True)
    with gzip.open(folder / "segmm_sample" / "interactions.csv.gz", "wt") as file:
        file.write(header + "".join(rows))
    return folder


def test_rows_labels_and_times_computed_by_hand(tmp_path):
    data = SegMM(write(tmp_path, ROWS))
    assert list(data.log.user_ids) == [2, 7]
    assert list(data.log.video_ids) == [10, 30]
    np.testing.assert_array_equal(data.log.user, [1, 0, 1, 0])
    np.testing.assert_array_equal(data.log.video, [1, 1, 0, 1])
    np.testing.assert_array_equal(data.log.watch_time, [6.001, 9.999, 0.017, 9.999])
    np.testing.assert_array_equal(data.log.duration, [12.0, 5.0, 5.001, 5.0])
    np.testing.assert_array_equal(data.log.timestamp, [1.5, 1.0, 0.0, 1.0])
    np.testing.assert_array_equal(data.segment_labels.indptr, [0, 3, 4, 6, 7])
    np.testing.assert_array_equal(data.segment_labels.labels, [1, 0, -1, 1, 0, -1, 1])
    assert data.segment_labels.indptr.dtype == np.int64
    assert data.segment_labels.labels.dtype == np.int8
    assert data.segment_seconds == 5.0


def test_one_segment_in_every_row_is_still_read(tmp_path):
    data = SegMM(write(tmp_path, [ROWS[1], "2,31,1000,4000,100,1,0\n"]))
    np.testing.assert_array_equal(data.segment_labels.labels, [1, 0])


@pytest.mark.parametrize(
    ("rows", "match"),
    [
        (["1,1,0,12000,5,3,0 -1\n"], r"ceil\(duration_ms / 5000\) labels, got 2 in row 0 with duration_ms 12000"),
        (["1,1,0,12000,5,2,0 -1\n"], r"ceil\(duration_ms / 5000\) labels, got 2 in row 0 with duration_ms 12000"),
        (["1,1,0,12000,5,2,0 -1 -1\n"], r"n_segments .* labels, got 3 in row 0"),
        ([ROWS[1], "1,1,0,12000,5,3,\n"], r"labels, got 0 in row 1"),
        (["1,1,0,5000,5,1,2\n"], r"segment_labels must hold 1, 0 and -1, got '2'"),
        (["1,1,0,5000,5,1,x\n"], r"segment_labels must hold 1, 0 and -1, got 'x'"),
        (["1,1,0,5000,-5,1,0\n"], r"playing_time_ms must hold finite numbers >= 0 \(milliseconds\), got -5 in row 0"),
        ([], r"at least one row, got an empty log"),
    ],
)
def test_bad_rows_are_named(tmp_path, rows, match):
    with pytest.raises(ValueError, match=rf"interactions.csv.gz: .*{match}"):
        SegMM(write(tmp_path, rows))


def test_other_columns_and_absent_or_truncated_files_are_named(tmp_path, monkeypatch):
    monkeypatch.delenv("GRAPHVID_DATA", raising=False)
    expected = "segmm_sample/ with interactions.csv.gz; they come from the GitHub repository hezy18/SegMMInterest"
    with pytest.raises(FileNotFoundError, match=rf"data_dir must be given, or GRAPHVID_DATA set, .* {expected}"):
        SegMM()
    with pytest.raises(FileNotFoundError, match=rf"interactions.csv.gz not found; data_dir must hold {expected}"):
        SegMM(tmp_path)
    write(tmp_path, ROWS, HEADER.replace("n_segments", "segments"))
    monkeypatch.setenv("GRAPHVID_DATA", str(tmp_path))
    with pytest.raises(
        ValueError, match=r"interactions.csv.gz: the table must have the columns \['user_id', .* got \['us"
    ):
        SegMM()
    path = tmp_path / "segmm_sample" / "interactions.csv.gz"
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(
        ValueError, match=r"interactions.csv.gz: it is not a .csv(.gz)? file, or it is truncated or corrupt"
    ):
        SegMM()


@pytest.fixture(scope="module")
def sample():
    root = os.environ.get("GRAPHVID_DATA")
    if not root or not Path(root, "segmm_sample").is_dir():
        pytest.skip("GRAPHVID_DATA is not set, or holds no segmm_sample")
    return SegMM()


def test_the_sample_has_the_counts_of_its_readme(sample):
    log, (indptr, labels) = sample.log, sample.segment_labels
    assert (log.num_users, log.num_videos, log.num_interactions) == (37, 9123, 10000)
    rows = np.bincount(log.user)
    assert (rows.min(), np.median(rows), rows.max()) == (16, 195, 1052)
    assert log.num_interactions - len(np.unique(log.user * log.num_videos + log.video)) == 2
    assert [int((labels == value).sum()) for value in (1, 0, -1)] == [31122, 6669, 48599]
    assert (np.add.reduceat(labels == 0, indptr[:-1]) > 0).mean() == 0.6669
    assert round((labels[indptr[:-1]] == 0).mean(), 3) == 0.351
    assert round((log.watch_time >= log.duration).mean(), 3) == 0.333
    assert round(log.watch_time.max()) == 446
    np.testing.assert_array_equal(np.quantile(log.duration, [0.1, 0.5, 0.9]).round(1), [8.0, 22.7, 104.3])
    np.testing.assert_array_equal(np.quantile(log.watch_time, [0.1, 0.5, 0.9]).round(1), [1.4, 9.5, 47.7])
    assert log.dropped == {}


def test_every_row_of_the_sample_is_watched_then_left_then_never_reached(sample):
    log, (indptr, labels) = sample.log, sample.segment_labels
    extra = np.zeros(len(indptr) - 1, dtype=int)
    for row, (start, end) in enumerate(itertools.pairwise(indptr)):
        segments = labels[start:end].tolist()
        ones, zeros = segments.count(1), segments.count(0)
        assert zeros <= 1
        assert segments == [1] * ones + [0] * zeros + [-1] * (len(segments) - ones - zeros)
        assert len(segments) == -(-round(1000 * log.duration[row]) // 5000)
        extra[row] = ones - min(round(1000 * log.watch_time[row]) // 5000, len(segments))
    values, counts = np.unique(extra, return_counts=True)
    assert values.tolist() == [-1, 0, 1]
    assert counts[0] == 1
    assert round(counts[1] / len(extra), 3) == 0.864
