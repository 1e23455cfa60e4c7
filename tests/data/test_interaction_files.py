"""Text files of interactions, written here and read back."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from graphvid.data import Interactions, read_interactions, read_splits


@pytest.fixture
def write(tmp_path):
    def write(content: str | bytes, name: str = "train.txt"):
        content = content.encode() if isinstance(content, str) else content
        (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return tmp_path / name

    return write


@pytest.mark.parametrize("name", ["train.txt", "train.txt.gz", "train"])
@pytest.mark.parametrize("end", ["\n", "\r\n", " \n", ""])
def test_lines_by_hand(write, name, end):
    data = read_interactions(write("0 5 2\n3 0" + end, name))
    assert (data.num_users, data.num_items) == (4, 6)
    np.testing.assert_array_equal(data.indptr, [0, 2, 2, 2, 3])
    np.testing.assert_array_equal(data.items, [2, 5, 0])


def test_users_without_items_empty_lines_and_several_lines_of_a_user(write):
    data = read_interactions(write("2\t4\n\n0 1\n2 0\n7\n"))
    assert (data.num_users, data.num_items) == (8, 5)
    np.testing.assert_array_equal(data.users, [0, 2, 2])
    np.testing.assert_array_equal(data.items, [1, 0, 4])


def test_what_is_written_comes_back(write):
    rng = np.random.default_rng(0)
    expected = Interactions.from_pairs(rng.integers(0, 300, 5000), rng.integers(0, 900, 5000), duplicates="drop")
    lines = [[u, *rng.permutation(expected.items[expected.indptr[u] : expected.indptr[u + 1]])] for u in range(300)]
    text = "\n".join(" ".join(map(str, lines[u])) for u in rng.permutation(300))
    found = read_interactions(write(text), num_users=300, num_items=expected.num_items)
    np.testing.assert_array_equal(found.indptr, expected.indptr)
    np.testing.assert_array_equal(found.items, expected.items)


def test_sizes_and_duplicates_are_passed_on(write):
    path = write("0 1 1\n1 0\n")
    assert read_interactions(path, duplicates="drop", num_users=9, num_items=8).to_sparse().shape == (9, 8)
    with pytest.raises(ValueError, match=r"train.txt: pairs must be distinct .* got user 0 with item 1 again in row 1"):
        read_interactions(path)
    with pytest.raises(ValueError, match=r"train.txt: users must be in \[0, 1\), got 1 in row 2"):
        read_interactions(path, duplicates="drop", num_users=1)


@pytest.mark.parametrize(
    ("content", "got"),
    [
        ("0 1\n1 x2\n", "'x2' in line 2"),
        ("0 1\n\n-1 2\n", "'-1' in line 3"),
        ("0 1.0\n", "'1.0' in line 1"),
        ("0 1_0\n", "'1_0' in line 1"),
        ("0,1\n", "'0,1' in line 1"),
        ("0 1234567890123456789\n", "'1234567890123456789' in line 1"),
        ("0 \u0661\n", "'\u0661' in line 1"),
        (b"0 \xff\n", r"'\\xff' in line 1"),
    ],
)
def test_a_word_that_is_no_id_is_named(write, content, got):
    with pytest.raises(
        ValueError, match=r"train.txt: every line must hold a user and items, integers >= 0 .*, got "
    ) as e:
        read_interactions(write(content))
    assert str(e.value).endswith(f"got {got}")


@pytest.mark.parametrize("content", ["", "\n \n", "0\n1\n"])
def test_a_file_without_interactions_is_refused(write, content):
    with pytest.raises(ValueError, match=r"train.txt: the file must have at least one interaction, got none"):
        read_interactions(write(content))


def test_an_id_too_large_for_an_array_is_refused(write):
    with pytest.raises(
        ValueError, match=r"train.txt: users must be numbered without .* given, got 123456789012345678;"
    ):
        read_interactions(write("123456789012345678 0\n"))


def test_missing_truncated_and_foreign_files_are_named(write, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none.txt not found: expected a text file with lines 'user item"):
        read_interactions(tmp_path / "none.txt")
    path = write("0 1 2\n" * 50, "train.txt.gz")
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(ValueError, match=r"train.txt.gz is not a text file, compressed by gzip if .* truncated"):
        read_interactions(path)
    path.write_bytes(b"0 1\n")
    with pytest.raises(ValueError, match=r"train.txt.gz is not a text file, compressed by gzip if .*ot a gzipped"):
        read_interactions(path)
    with pytest.raises(ValueError, match="is not a text file"):
        read_interactions(tmp_path)


def test_splits_share_the_sizes_of_all_files(write):
    paths = write("0 1\n1 0\n"), write("2 1\n", "test.txt"), write("0 3\n5\n", "val.txt.gz")
    splits = read_splits("toy", *paths)
    for split, pairs in ((splits.train, [(0, 1), (1, 0)]), (splits.test, [(2, 1)]), (splits.validation, [(0, 3)])):
        assert (split.num_users, split.num_items) == (6, 4)
        assert list(zip(split.users.tolist(), split.items.tolist())) == pairs
    assert splits.name == "toy"
    assert read_splits("toy", *paths[:2]).validation is None
    with pytest.raises(ValueError, match="test must have only users that are in train, got item 1 of user 2"):
        read_splits("toy", *paths[:2], unseen="raise")


def test_splits_name_the_file_that_repeats_a_pair(write):
    paths = write("0 1\n"), write("1 0 0\n", "test.txt")
    with pytest.raises(ValueError, match=r"test.txt: pairs must be distinct"):
        read_splits("toy", *paths)
    assert read_splits("toy", *paths, duplicates="drop").test.num_interactions == 1
