"""Lists of ids from files."""

from __future__ import annotations

import pandas as pd
import pytest

from graphvid.data import read_id_list


@pytest.mark.parametrize("suffix", [".csv", ".tsv.gz", ".parquet"])
@pytest.mark.parametrize("ids", [["b", "007", "NA"], [2**53 + 1, -4, 0]])
def test_a_table_and_a_folder_of_tables(tmp_path, suffix, ids):
    frame = pd.DataFrame({"video_id": ids, "user_id": 1})
    path = tmp_path / f"part{suffix}"
    frame.to_parquet(path) if suffix == ".parquet" else frame.to_csv(
        path, sep="\t" if "t" in suffix else ",", index=False
    )
    assert read_id_list(path) == read_id_list(tmp_path) == [str(name) for name in ids]


def test_lines_of_text(tmp_path):
    (tmp_path / "seen.txt").write_bytes("\ufeffb\r\n\n ü 7 \n007".encode())
    assert read_id_list(tmp_path / "seen.txt") == ["b", "ü 7", "007"]


@pytest.mark.parametrize(
    ("name", "content", "error", "match"),
    [
        (
            "a.csv",
            b"id\n1\n",
            ValueError,
            r"a\.csv: the table must have the columns \['video_id'\], each once, got \['id'\]",
        ),
        ("a.csv", b"video_id,n\n1,2\n,3\n", ValueError, r"a\.csv: every row must have a video_id, got 1 without"),
        ("a.parquet", b"PAR1", ValueError, r"a\.parquet"),
        ("a.txt", b"\xff\xfe", ValueError, r"a\.txt is not a list of ids"),
    ],
)
def test_bad_files(tmp_path, name, content, error, match):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=match):
        read_id_list(tmp_path / name)


@pytest.mark.parametrize("name", ["a.csv", "a.txt"])
def test_no_file(tmp_path, name):
    with pytest.raises(FileNotFoundError, match=f"{name} not found"):
        read_id_list(tmp_path / name)
