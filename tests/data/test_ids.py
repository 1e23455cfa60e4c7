"""Ids: one rule over all files and tables of a source."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow
import pytest
from pyarrow import parquet

from graphvid.data import (
    ClipFeatures,
    Features,
    WatchLog,
    hash_ids,
    load_features,
    match_ids,
    read_clip_files,
    read_edges,
    read_kuairand,
    read_log_and_features,
)

LONG = 7012345678901234524  # an id of TikTok, 19 digits


def write_log(path, videos, users=None):
    rows = zip(users or range(len(videos)), videos)
    path.write_text("user_id,video_id\n" + "".join(f"{user},{video}\n" for user, video in rows))
    return path


def features_of(ids):
    return Features(ids, {"x": np.arange(len(ids), dtype=np.float32)[:, None]})


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_whole_floats_are_integers_up_to_what_they_hold_exactly_and_refused_beyond(dtype):
    digits = np.finfo(dtype).nmant + 1
    last = 2**digits - 1
    exact = np.array([last, -last, 3], dtype=dtype)
    assert sorted(Features(exact, {"x": np.eye(3)}).ids) == [-last, 3, last]
    for ids in (np.array([3, 2**digits], dtype=dtype), [3, dtype(-(2**digits))]):
        with pytest.raises(
            ValueError, match=rf"ids must hold integers or text, got the .* in row 1, .*2\*\*{digits} on"
        ):
            Features(ids, {"x": np.eye(2)})
    frame = pd.DataFrame({"user_id": np.array([2**digits, 1], dtype=dtype), "video_id": [1, 2]})
    with pytest.raises(ValueError, match=rf"user_id must hold integers or text, got the {np.dtype(dtype)}"):
        WatchLog.from_frame(frame)


@pytest.mark.parametrize("other", [(), ("x7",)])
@pytest.mark.parametrize("kind", ["int64", "text", "bytes"])
def test_integers_of_19_digits_in_a_csv_meet_those_of_a_feature_file(tmp_path, kind, other):
    ids = [str(LONG), "5", str(-(2**63)), *other]
    stored = {"text": np.array(ids), "bytes": np.array(ids, dtype="S"), "int64": np.array(ids)}[kind]
    if kind == "int64" and not other:
        stored = stored.astype(np.int64)
    np.savez(tmp_path / "features.npz", ids=stored, x=np.arange(len(ids))[:, None])
    log, features = read_log_and_features(write_log(tmp_path / "log.csv", ids[::-1]), tmp_path / "features.npz")
    np.testing.assert_array_equal(log.video, np.arange(len(ids))[::-1])
    assert [str(video) for video in features.ids] == ids
    assert log.video_ids.equals(features.ids)


def test_integers_equal_the_text_that_spells_them_and_nothing_else():
    np.testing.assert_array_equal(match_ids(["7", "07", "7.0", " 7", "x"], [3, 7]), [1, -1, -1, -1, -1])
    np.testing.assert_array_equal(match_ids([7, 3, 2**63], ["7", "x", str(2**63)]), [0, -1, 2])
    np.testing.assert_array_equal(match_ids(np.array([b"7", b"a"]), [3, 7]), [1, -1])
    np.testing.assert_array_equal(match_ids([7.0, 3.0], ["3", "x", "7"]), [2, 0])
    np.testing.assert_array_equal(match_ids([("a", 1)], [("a", 2), ("a", 1)]), [1])
    with pytest.raises(ValueError, match="ids must be unique, got more than one row for '7'"):
        match_ids([7], [7, "7"])


def test_hashes_are_equal_where_ids_are():
    numbers = [0, -1, 7, 2**53 + 1, LONG, 2**63 - 1, -(2**63)]
    np.testing.assert_array_equal(hash_ids(numbers), hash_ids([str(number) for number in numbers]))
    texts = ["a", "7", "07", "7.0", " 7", str(2**63), "", "NA", *map(str, numbers)]
    assert len(set(hash_ids(texts).tolist())) == len(set(texts))
    np.testing.assert_array_equal(hash_ids(np.array([b"7", b"a"])), hash_ids(["7", "a"]))
    np.testing.assert_array_equal(hash_ids([2**63, 1]), hash_ids([str(2**63), "1"]))
    assert hash_ids([7]).dtype == np.int64


@pytest.mark.parametrize(
    "pair", [("2", " 2"), ("2", "2 "), ("5", "05"), ("5", "5.0"), ("5", "+5"), ("a", "a\t"), ("-5", "-05"), ("0", "-0")]
)
def test_one_id_in_two_spellings_is_refused_where_both_occur_in_a_column(tmp_path, pair):
    match = r"must spell an id in one way, got '.*' and '.*'; ids are compared as they are written"
    with pytest.raises(ValueError, match=rf"log.csv: video_id {match}"):
        WatchLog.read(write_log(tmp_path / "log.csv", [*pair, "x"]))
    with pytest.raises(ValueError, match=f"user_id {match}"):
        WatchLog.from_frame(pd.DataFrame({"user_id": [*pair[::-1]], "video_id": [1, 2]}))
    with pytest.raises(ValueError, match=f"ids {match}"):
        features_of(pair)


@pytest.mark.parametrize("other", ["05", "5.0", " 5", "5 ", "+5"])
@pytest.mark.parametrize("known", [[5, 7], ["5", "7"], ["5", "x"]])
def test_one_id_in_two_spellings_in_two_files_is_named(tmp_path, known, other):
    hint = r"\(1 of 2 ids, 2 of 3 rows\); '.*5.*' differs only in its spelling from '?5'?$"
    with pytest.raises(ValueError, match=rf"log.csv: video_id must be among the 2 of video_ids, got '.*' {hint}"):
        WatchLog.read(write_log(tmp_path / "log.csv", [other, known[1], other]), video_ids=known)
    with pytest.raises(ValueError, match=r"ids must be among the 2 of the features.*differs only in its spelling"):
        features_of(known).align([other])
    (tmp_path / "edges.csv").write_text(f"src,dst\n{known[0]},{known[1]}\n{known[1]},{other}\n")
    with pytest.raises(ValueError, match=r"edges.csv: dst must be among the 2 of the features.*differs only in its"):
        read_edges(tmp_path / "edges.csv", features_of(known))


def test_edges_of_which_one_column_is_text_find_integer_features_and_the_other_way_round(tmp_path):
    (tmp_path / "edges.csv").write_text("src,dst\n5,a\n7,5\n")
    data = read_edges(tmp_path / "edges.csv", features_of(["7", "a", "5"]))
    np.testing.assert_array_equal((data.src, data.dst), [[2, 0], [1, 2]])
    (tmp_path / "edges.csv").write_text("src,dst\n5,7\n")
    parquet.write_table(pyarrow.table({"src": ["5"], "dst": pyarrow.array([7], "int32")}), tmp_path / "edges.parquet")
    for name in ("edges.csv", "edges.parquet"):
        for ids in ([7, 5], ["7", "5"]):
            data = read_edges(tmp_path / name, features_of(ids))
            np.testing.assert_array_equal((data.src, data.dst), [[1], [0]])


def test_text_columns_and_integer_columns_of_any_table_meet(tmp_path):
    ids = [30, LONG, 10]
    for log_type in ("string", "int64", "dictionary", "binary"):
        values = pyarrow.array([str(i) for i in ids]) if log_type != "int64" else pyarrow.array(ids)
        if log_type == "dictionary":
            values = values.dictionary_encode()
        if log_type == "binary":
            values = values.cast("binary")
        parquet.write_table(pyarrow.table({"user_id": [1, 2, 3], "video_id": values}), tmp_path / "log.parquet")
        for known in (ids, [str(i) for i in ids]):
            log = WatchLog.read(tmp_path / "log.parquet", video_ids=known[::-1])
            np.testing.assert_array_equal(log.video, [2, 1, 0])


@pytest.mark.parametrize("quote", ["", '"'])
def test_words_that_mean_missing_elsewhere_are_ids_and_only_empty_fields_are_missing(tmp_path, quote):
    words = ["NA", "null", "n/a", "nan", "NULL", "#N/A", "None"]
    log = WatchLog.read(write_log(tmp_path / "log.csv", [f"{quote}{word}{quote}" for word in words]))
    assert sorted(log.video_ids) == sorted(words)
    path = write_log(tmp_path / "log.csv", ["1", quote * 2, "3"])
    with pytest.raises(ValueError, match="video_id must not be missing, got 1 missing, the first in row 1"):
        WatchLog.read(path)


@pytest.mark.parametrize("rows", [["user_id,video_id"], ["1,2", "user_id,video_id", "3,4"]])
def test_a_header_that_is_repeated_is_named_and_no_user(tmp_path, rows):
    (tmp_path / "log.csv").write_text("\n".join(["user_id,video_id", *rows]) + "\n")
    with pytest.raises(ValueError, match=r"log.csv: the header must stand in the first line only, got it again in row"):
        WatchLog.read(tmp_path / "log.csv")
    frame = pd.read_csv(tmp_path / "log.csv", dtype=str)
    frame.to_parquet(tmp_path / "log.parquet")
    with pytest.raises(ValueError, match="the header must stand in the first line only"):
        WatchLog.read(tmp_path / "log.parquet")
    (tmp_path / "log.csv").write_text("uid\tvid\tweight\n1\t2\t3\nuid\tvid\tweight\n")
    with pytest.raises(ValueError, match=r"got it again in row 1 \(1 such rows\)"):
        WatchLog.read(tmp_path / "log.csv", columns={"user_id": "uid", "video_id": "vid"}, delimiter="\t")


def test_bytes_are_text(tmp_path):
    np.savez(tmp_path / "x.npz", ids=np.array([b"b", b"a", "ü".encode()]), features=np.ones((3, 2, 1)))
    assert ClipFeatures.open(tmp_path / "x.npz").ids.tolist() == ["b", "a", "ü"]
    assert features_of(np.array([b"b", b"a"])).ids.tolist() == ["b", "a"]
    log = WatchLog.from_frame(pd.DataFrame({"user_id": [b"y", b"x"], "video_id": ["1", b"2"]}))
    assert log.user_ids.tolist() == ["x", "y"]
    assert log.video_ids.tolist() == ["1", "2"]
    with pytest.raises(ValueError, match=r"ids must be text in UTF-8, got b'\\xff' in row 1"):
        features_of(np.array([b"a", b"\xff"]))


def test_integers_beyond_int64_are_kept_matched_and_saved_as_text(tmp_path):
    big = features_of(np.array([2**64 - 1, 5, 2**63], dtype=np.uint64))
    assert big.ids.tolist() == [2**64 - 1, 5, 2**63]
    big.save(tmp_path / "big.npz")
    log = WatchLog.read(
        write_log(tmp_path / "log.csv", [5, 2**64 - 1]), video_ids=load_features(tmp_path / "big.npz").ids
    )
    np.testing.assert_array_equal(log.video, [1, 0])
    assert WatchLog.read(tmp_path / "log.csv", video_ids=big.ids).video.tolist() == [1, 0]
    small = features_of(np.array([2**63 - 1, 5], dtype=np.uint64))
    assert small.ids.dtype == np.int64


@pytest.mark.parametrize(
    ("ids", "match"),
    [
        (np.array([1.5, 2.0]), "ids must hold integers or text, got float64 with fractions"),
        (np.array([1j, 2]), "ids must hold integers or text, got dtype complex128"),
        (np.array([True, False]), "ids must hold integers or text, got dtype bool"),
        (
            np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]"),
            "ids must hold integers or text, got dtype datet",
        ),
    ],
)
def test_ids_of_a_file_are_integers_or_text(tmp_path, ids, match):
    np.savez(tmp_path / "x.npz", ids=ids, a=np.eye(2))
    with pytest.raises(TypeError, match=rf"x.npz: {match}"):
        load_features(tmp_path / "x.npz")


@pytest.mark.parametrize(
    "kind", ["timestamp[us]", "date32", "bool", "decimal128(5, 1)", "list<item: int64>", "time64[us]"]
)
def test_columns_of_ids_in_parquet_are_integers_or_text(tmp_path, kind):
    types = {
        "timestamp[us]": pyarrow.timestamp("us"),
        "date32": pyarrow.date32(),
        "bool": pyarrow.bool_(),
        "decimal128(5, 1)": pyarrow.decimal128(5, 1),
        "list<item: int64>": pyarrow.list_(pyarrow.int64()),
        "time64[us]": pyarrow.time64("us"),
    }
    column = pyarrow.array([None, None], types[kind])
    parquet.write_table(pyarrow.table({"user_id": column, "video_id": [1, 2]}), tmp_path / "x.parquet")
    with pytest.raises(TypeError, match=r"x.parquet: user_id must hold integers or text, got"):
        WatchLog.read(tmp_path / "x.parquet")
    parquet.write_table(pyarrow.table({"video_id": column, "x": [1, 2]}), tmp_path / "x.parquet")
    with pytest.raises(TypeError, match=r"x.parquet: video_id must hold integers or text, got"):
        load_features(tmp_path / "x.parquet")


def test_nullable_integers_in_parquet_keep_every_digit(tmp_path):
    frame = pd.DataFrame({"user_id": [1, 2], "video_id": pd.array([LONG, None], dtype="Int64")})
    frame.to_parquet(tmp_path / "log.parquet")
    with pytest.warns(UserWarning, match=r"1 of 2 rows dropped by missing='drop' \(video_id missing in 1\)"):
        log = WatchLog.read(tmp_path / "log.parquet", missing="drop")
    assert log.video_ids.tolist() == [LONG]


def test_files_of_one_source_are_decided_together(tmp_path):
    columns = "user_id,video_id,play_time_ms,duration_ms,time_ms\n"
    (tmp_path / "a.csv").write_text(columns + "1,10,5,9,1\n2,11,5,9,1\n")
    (tmp_path / "b.csv").write_text(columns + "2,x10,5,9,2\n3,10,5,9,3\n")
    log = read_kuairand([tmp_path / "a.csv", tmp_path / "b.csv"])
    assert log.user_ids.tolist() == [1, 2, 3]
    assert log.video_ids.tolist() == ["10", "11", "x10"]
    np.testing.assert_array_equal(log.video, [0, 1, 2, 0])
    alone = read_kuairand(tmp_path / "a.csv")
    np.testing.assert_array_equal(match_ids(alone.video_ids, log.video_ids), [0, 1])


def test_clip_files_of_19_digits_are_integers_and_beyond_int64_text(tmp_path):
    for name in (LONG, 5):
        np.save(tmp_path / f"{name}.npy", np.ones((2, 1)))
    assert read_clip_files(tmp_path).ids.tolist() == [5, LONG]
    assert read_clip_files(tmp_path, ids=[str(LONG)]).ids.tolist() == [str(LONG)]
    np.save(tmp_path / f"{2**63}.npy", np.ones((2, 1)))
    assert sorted(read_clip_files(tmp_path).ids) == sorted(["5", str(LONG), str(2**63)])


def test_rows_without_ids_or_features_are_dropped_with_counts_or_refused(tmp_path):
    path = write_log(tmp_path / "log.csv", ["a", "b", "", "zz", "b", "yy"], ["1", "", "2", "3", "4", "5"])
    with pytest.raises(ValueError, match="user_id must not be missing"):
        WatchLog.read(path, video_ids=["b", "a"])
    with pytest.warns(UserWarning, match="4 of 6 rows dropped by missing='drop'.*the first is row 1") as caught:
        log = WatchLog.read(path, video_ids=["b", "a"], missing="drop")
    assert len(caught) == 1
    assert log.dropped == {"user_id missing": 1, "video_id missing": 1, "video_id unknown": 2}
    assert log.user_ids[log.user].tolist() == [1, 4]
    np.testing.assert_array_equal(log.video, [1, 0])
    assert list(log.video_ids) == ["b", "a"]
    with pytest.raises(ValueError, match=r"a user and a known video, got: 6 of 6 rows dropped by missing='drop'"):
        WatchLog.read(path, video_ids=["q"], missing="drop")
    with pytest.raises(ValueError, match="missing must be 'error' or 'drop', got 'skip'"):
        WatchLog.read(path, missing="skip")
    frame = pd.DataFrame({"user_id": [1, 2, 3], "video_id": ["a", None, "b"], "duration": [1.0, 2.0, -1.0]})
    with pytest.raises(ValueError, match=r"got -1.0 in row 2"), pytest.warns(UserWarning, match=r"1 of 3 rows"):
        WatchLog.from_frame(frame, missing="drop")
    with pytest.warns(UserWarning, match="rows dropped by") as caught:
        log = WatchLog.from_frame(frame, missing="drop", strict=False)
    assert log.dropped == {"video_id missing": 1, "duration negative": 1}
    assert ["the first is row 1" in str(w.message) for w in caught] == [True, False]
    assert "1 of 2 rows dropped by strict=False (duration negative in 1), the first is row 2" in str(caught[1].message)


def test_a_log_and_features_are_read_as_an_aligned_pair(tmp_path):
    rng = np.random.default_rng(0)
    ids = np.array([f"v{i:x}" for i in rng.permutation(200)])  # text in no order
    table = rng.normal(size=(200, 3)).astype(np.float32)
    np.savez(tmp_path / "features.npz", ids=ids, visual=table)
    watched = rng.choice(ids, size=500)
    write_log(tmp_path / "log.csv", watched, [f"u{i}" for i in rng.integers(0, 40, size=500)])
    log, features = read_log_and_features(tmp_path / "log.csv", tmp_path / "features.npz", duplicates="keep")
    assert log.video_ids.equals(features.ids)
    expected = table[[list(ids).index(video) for video in watched]]
    np.testing.assert_array_equal(features.modalities["visual"][log.video], expected)
    np.testing.assert_array_equal(features.take([5, 3]).modalities["visual"], table[[5, 3]])
    assert features.take([5, 3]).ids.tolist() == ids[[5, 3]].tolist()
    with pytest.raises(ValueError, match=r"rows must be in \[0, 200\), got 200"):
        features.take([200])
