"""Labels of videos from a file."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from graphvid.data import Features, read_labels

FEATURES = Features([3, 1, 2], {"x": np.ones((3, 1))})


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_labels_are_in_the_order_of_the_videos_and_numbered_by_their_text(tmp_path, suffix):
    frame = pd.DataFrame({"video_id": [1, 9, 2, 3], "label": ["b", "zz", "a", "b"], "more": 0})
    path = tmp_path / f"labels.{suffix}"
    frame.to_csv(path, index=False) if suffix == "csv" else frame.to_parquet(path)
    assert read_labels(path, FEATURES).tolist() == [1, 1, 0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("video_id,label\n1,a\n2,b\n", r"labels\.csv: every video must have a label, got none for 3"),
        ("video_id,label\n1,a\n2,b\n3,a\n1,b\n", "ids must be unique, got more than one row for 1"),
        ("video_id,label\n1,a\n2,\n3,a\n", "labels must not be missing, got none for 2"),
        ("video_id,class\n1,a\n", "the table must have the columns \\['video_id', 'label'\\], each once"),
    ],
)
def test_bad_files(tmp_path, text, message):
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_labels(tmp_path / "labels.csv", FEATURES)


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_labels(tmp_path / "labels.csv", FEATURES)
