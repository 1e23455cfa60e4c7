"""Tag vocabulary, and the contest's submission."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest

from graphvid.data import IdLists, TagVocabulary, read_submission, write_submission


def test_most_frequent_tags():
    tags = IdLists.from_lists([[5, 9], [9, 2], [2, 7], []])
    vocabulary = TagVocabulary.most_frequent(tags, 3)
    assert vocabulary.ids.tolist() == [2, 9, 5]  # of equal ones the smaller id first
    assert vocabulary.labels(tags).tolist() == [[0, 1, 1], [1, 1, 0], [1, 0, 0], [0, 0, 0]]


def test_tag_file(tmp_path):
    TagVocabulary([7, 3]).write(tmp_path / "tag_list.txt")
    assert (tmp_path / "tag_list.txt").read_text() == "7\n3\n"
    assert TagVocabulary.read(tmp_path / "tag_list.txt").ids.tolist() == [7, 3]
    (tmp_path / "tag_list.txt").write_text("7\nx\n")
    with pytest.raises(ValueError, match=r"tag_list.txt: invalid literal"):
        TagVocabulary.read(tmp_path / "tag_list.txt")
    with pytest.raises(ValueError, match="more than one row for 3"):
        TagVocabulary([3, 3])
    with pytest.raises(ValueError, match="one at least, got 0"):
        TagVocabulary(np.empty(0, np.int64))


def test_submission(tmp_path):
    vectors = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    path = tmp_path / "result.json.zip"
    write_submission(path, [11, 12, 13], vectors, required=[12])
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["result.json"]
        assert archive.infolist()[0].compress_type == zipfile.ZIP_DEFLATED
        assert len(json.loads(archive.read("result.json"))["11"]) == 4
    ids, read = read_submission(path, required=[11, 12, 13])
    assert ids.tolist() == ["11", "12", "13"]
    np.testing.assert_array_equal(read, vectors)


@pytest.mark.parametrize(
    ("vectors", "required", "message"),
    [
        (np.zeros((2, 257)), [], "at most 256 columns, got 257"),
        (np.array([[0.0], [np.inf]]), [], "finite, got other values for ids 'b'"),
        (np.zeros((2, 3)), ["a", "c", "d"], "a submission must hold every id, missing are 'c', 'd'"),
        (np.zeros((3, 3)), [], r"vectors must have shape \(2, dim\)"),
    ],
)
def test_refused_submissions(tmp_path, vectors, required, message):
    with pytest.raises(ValueError, match=message):
        write_submission(tmp_path / "result.json.zip", ["a", "b"], vectors, required=required)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ({"a": [1.0], "b": [1.0, 2.0]}, r"one length of 1 to 256, got \[1, 2\]"),
        ({"a": [0.0] * 257}, "one length of 1 to 256"),
        ({"a": [float("nan")]}, "all numbers must be finite"),
        ({"b": [1.0]}, "missing are 'a'"),
        ([], "must be an object"),
    ],
)
def test_refused_when_read(tmp_path, result, message):
    with zipfile.ZipFile(tmp_path / "r.zip", "w") as archive:
        archive.writestr("result.json", json.dumps(result))
    with pytest.raises(ValueError, match=message):
        read_submission(tmp_path / "r.zip", required=["a"])
