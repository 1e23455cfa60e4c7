"""Videos of the contest's form, from JSON lines and Parquet."""

from __future__ import annotations

import base64
import json

import numpy as np
import pandas as pd
import pytest

from graphvid.data import read_videos

FRAMES = np.array([[1.5, -2.0], [0.25, 4.0]], np.float16)


def write(path, records):
    if path.suffix == ".parquet":
        pd.DataFrame(records).to_parquet(path)
    else:
        path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def records(buffers):
    return [
        {
            "id": "a",
            "title": "一只猫",
            "asr_text": "miau",
            "frame_feature": None,
            "tag_id": [3, 1],
            "category_id": [10802],
        },
        {"id": "b", "title": None, "asr_text": None, "frame_feature": buffers, "tag_id": None, "category_id": None},
        {"id": "c", "title": "", "asr_text": "", "frame_feature": [], "tag_id": [], "category_id": [107]},
    ]


@pytest.mark.parametrize("store", [None, "frames"])
@pytest.mark.parametrize(
    ("name", "buffers"),
    [
        ("v.jsonl", [base64.b64encode(frame.tobytes()).decode() for frame in FRAMES]),
        ("v.jsonl", FRAMES.tolist()),
        ("v.parquet", [frame.tobytes() for frame in FRAMES]),
        ("v.parquet", FRAMES.astype(np.float32).tolist()),
    ],
)
def test_forms(tmp_path, name, buffers, store):
    path = write(tmp_path / name, records(buffers))
    videos = read_videos(path, store=None if store is None else tmp_path / store)
    assert videos.ids.tolist() == ["a", "b", "c"]
    assert videos.title == ["一只猫", "", ""]
    assert videos.frames.counts.tolist() == [0, 2, 0]
    np.testing.assert_array_equal(videos.frames.values, FRAMES)
    assert isinstance(videos.frames.values.base, np.memmap) == (store is not None)
    assert videos.tag_id.values.tolist() == [3, 1]
    assert videos.tag_id.indptr.tolist() == [0, 2, 2, 2]
    assert videos.category_id.values.tolist() == [10802, 107]
    part = videos.select([1, 0])
    assert (part.frames.counts.tolist(), part.title) == ([2, 0], ["", "一只猫"])


def test_only_ids(tmp_path):
    videos = read_videos(write(tmp_path / "v.jsonl", [{"id": 3}, {"id": 5, "tag_id": 7}]))
    assert videos.frames is None
    assert videos.title == ["", ""]
    assert videos.tag_id.values.tolist() == [7]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"title": "x"}, "line 2 must be an object with an 'id'"),
        ({"id": 1}, "more than one row for 1"),
        ({"id": 2, "frame_feature": [[1.0], [1.0, 2.0]]}, "of id 2 must be a list .* all of one length"),
        ({"id": 2, "frame_feature": [[1.0, 2.0, 3.0]]}, "of id 2 must have 2 columns as others, got 3"),
        ({"id": 2, "frame_feature": [[float("nan"), 0.0]]}, "of id 2 must be finite"),
        ({"id": 2, "frame_feature": "abc"}, "of id 2 must be a list of float16 buffers"),
        ({"id": 2, "frame_feature": ["§"]}, "of id 2 must be a list of float16 buffers"),
        ({"id": 2, "title": 7}, "title of id 2 must be text or null, got int"),
        ({"id": 2, "tag_id": ["x"]}, "tag_id of id 2 must be a list of integers"),
    ],
)
def test_refusals(tmp_path, record, message):
    path = write(tmp_path / "v.jsonl", [{"id": 1, "frame_feature": [[1.0, 2.0]]}, record])
    with pytest.raises(ValueError, match=message) as raised:
        read_videos(path, store=tmp_path / "frames")
    assert str(path) in str(raised.value)
    assert not (tmp_path / "frames").exists() or "more than one" in message


def test_other_files(tmp_path):
    with pytest.raises(ValueError, match=r"must end in one of \['.jsonl', '.parquet'\]"):
        read_videos(tmp_path / "v.csv")
    with pytest.raises(FileNotFoundError, match="expected videos"):
        read_videos(tmp_path / "v.jsonl")
    (tmp_path / "v.parquet").write_bytes(b"PAR1nothing")
    with pytest.raises(ValueError, match="not a Parquet file"):
        read_videos(tmp_path / "v.parquet")
    (tmp_path / "v.jsonl").write_text("{")
    with pytest.raises(ValueError, match="line 1 is not JSON"):
        read_videos(tmp_path / "v.jsonl")
