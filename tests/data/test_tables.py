"""Tables as other programs write them: Parquet of pandas and Spark, dates, other delimiters and compressions."""

from __future__ import annotations

import datetime
import gzip

import numpy as np
import pandas as pd
import pyarrow
import pytest
from pyarrow import parquet

from graphvid.data import Features, WatchLog, load_features, read_edges


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "user_id": ["u2", "u1", "u1"],
            "video_id": [30, 10, 20],
            "watch_time": [4.0, 2.5, 9.0],
            "timestamp": [100.0, 50.0, 60.0],
        }
    )


@pytest.mark.parametrize("index", ["user_id", "video_id", "timestamp", ["user_id", "timestamp"]])
def test_a_column_that_pandas_made_the_index_is_a_column(tmp_path, frame, index):
    frame.set_index(index).to_parquet(tmp_path / "log.parquet")
    log = WatchLog.read(tmp_path / "log.parquet")
    pd.testing.assert_frame_equal(log.to_frame(), WatchLog.from_frame(frame).to_frame())


@pytest.mark.parametrize("index", ["src", "dst", "weight"])
def test_a_column_of_edges_that_pandas_made_the_index_is_a_column(tmp_path, index):
    edges = pd.DataFrame({"src": [7, 5], "dst": [5, 6], "weight": [2.0, 0.5]})
    edges.set_index(index).to_parquet(tmp_path / "edges.parquet")
    data = read_edges(tmp_path / "edges.parquet", Features([5, 6, 7], {"x": np.eye(3)}))
    np.testing.assert_array_equal((data.src, data.dst), [[2, 0], [0, 1]])
    np.testing.assert_array_equal(data.weight, [2.0, 0.5])


def test_row_numbers_are_no_features(tmp_path):
    frame = pd.DataFrame({"video_id": [10, 11, 12, 14], "p": [1.0, 2.0, 3.0, 7.0], "q": [4.0, 5.0, 6.0, 8.0]})
    expected = [[1.0, 4.0], [3.0, 6.0], [7.0, 8.0]]
    kept = frame[frame.video_id != 11]
    kept.to_parquet(tmp_path / "kept.parquet")
    assert "__index_level_0__" in parquet.read_schema(tmp_path / "kept.parquet").names
    kept.set_index("video_id").to_parquet(tmp_path / "index.parquet")
    kept.assign(**{"Unnamed: 0": [0, 2, 3]}).to_parquet(tmp_path / "unnamed.parquet", index=False)
    for name in ("kept", "index", "unnamed"):
        features = load_features(tmp_path / f"{name}.parquet")
        np.testing.assert_array_equal(features.modalities["features"], expected)
        assert features.ids.tolist() == [10, 12, 14]
    kept.set_index("p").to_parquet(tmp_path / "p.parquet")  # its own name: a feature like any other
    np.testing.assert_array_equal(sorted(load_features(tmp_path / "p.parquet").modalities["features"][0]), [1.0, 4.0])


def test_an_index_that_counts_up_is_only_in_the_metadata_and_still_a_column(tmp_path):
    frame = pd.DataFrame({"video_id": range(5, 9), "x": [1.0, 2.0, 3.0, 4.0]}).set_index("video_id")
    frame.index = pd.RangeIndex(5, 9, name="video_id")
    frame.to_parquet(tmp_path / "x.parquet")
    assert parquet.read_schema(tmp_path / "x.parquet").names == ["x"]
    features = load_features(tmp_path / "x.parquet")
    assert features.ids.tolist() == [5, 6, 7, 8]
    np.testing.assert_array_equal(features.modalities["features"][:, 0], [1, 2, 3, 4])
    log = pd.DataFrame({"user_id": [1, 1, 2, 2]}, index=pd.RangeIndex(9, 1, -2, name="video_id"))
    log.to_parquet(tmp_path / "log.parquet")
    assert WatchLog.read(tmp_path / "log.parquet").to_frame()["video_id"].tolist() == [9, 7, 5, 3]
    (tmp_path / "f.parquet").mkdir()
    log.to_parquet(tmp_path / "f.parquet" / "part-0.parquet")
    with pytest.raises(ValueError, match=r"the index \['video_id'\] of pandas must be stored as a column in a folder"):
        WatchLog.read(tmp_path / "f.parquet")


def test_a_folder_of_spark_is_one_table(tmp_path, frame):
    folder = tmp_path / "watches.parquet"
    folder.mkdir()
    for part in range(3):
        frame.iloc[[part]].to_parquet(folder / f"part-{part:05}.snappy.parquet")
    (folder / "_SUCCESS").touch()
    (folder / ".part-00000.snappy.parquet.crc").write_bytes(b"crc")
    expected = WatchLog.from_frame(frame).to_frame()
    pd.testing.assert_frame_equal(WatchLog.read(folder).to_frame(), expected)
    text = tmp_path / "watches.csv"
    text.mkdir()
    for part in range(3):
        frame.iloc[[part]].to_csv(text / f"part-{part:05}.csv", index=False)
    pd.testing.assert_frame_equal(WatchLog.read(text).to_frame(), expected)
    (text / "part-3.csv").write_text("user_id,video_id,watch_time,timestamp\nu1,x20,1,1\n")  # ids of all parts are text
    assert WatchLog.read(text).video_ids.tolist() == ["10", "20", "30", "x20"]
    vectors = tmp_path / "features.parquet"
    vectors.mkdir()
    for part in range(2):
        pd.DataFrame({"video_id": [part], "x": [1.0 + part]}).to_parquet(vectors / f"part-{part}.parquet")
    np.testing.assert_array_equal(load_features(vectors).modalities["features"], [[1.0], [2.0]])


def test_folders_that_are_no_table_are_named(tmp_path):
    (tmp_path / "empty.parquet").mkdir()
    with pytest.raises(ValueError, match=r"empty.parquet: a folder must hold files of one kind among .*, got \[\]"):
        WatchLog.read(tmp_path / "empty.parquet")
    (tmp_path / "empty.parquet" / "part-0.parquet").write_bytes(b"PAR1")
    with pytest.raises(ValueError, match=r"empty.parquet: it is not a .parquet file, or it is truncated or corrupt"):
        WatchLog.read(tmp_path / "empty.parquet")
    with pytest.raises(ValueError, match=r"empty.parquet: it is not a .parquet file, or it is truncated or corrupt"):
        load_features(tmp_path / "empty.parquet")
    (tmp_path / "empty.parquet" / "more.csv").write_text("user_id,video_id\n1,2\n")
    with pytest.raises(ValueError, match=r"files of one kind among .*, got \['more.csv', 'part-0.parquet'\]"):
        WatchLog.read(tmp_path / "empty.parquet")


@pytest.mark.parametrize(
    ("column", "error", "match"),
    [
        (pd.to_datetime(["2020-01-01", "2020-01-02"]), TypeError, "got dtype datetime64"),
        ([datetime.date(2020, 1, 1)] * 2, ValueError, "got 2020-01-01 in row 0"),
        (["2020-01-01", "2020-01-02"], ValueError, "got 2020-01-01 in row 0"),
        (pd.to_timedelta([1, 2], unit="s"), TypeError, "got dtype timedelta64"),
        ([1.0, 1e39], ValueError, r"got 1e\+39 in row 1 \(1 such rows\)"),
        ([-1e300, 1.0], ValueError, "got -1e[+]300 in row 0"),
        ([True, False], TypeError, "got dtype bool"),
        ([None, 1.0], ValueError, "got nan in row 0"),
        (["1", "2"], TypeError, "got text that looks like numbers"),
    ],
)
def test_weights_that_are_no_numbers_of_float32_are_refused(tmp_path, column, error, match):
    pd.DataFrame({"src": [5, 6], "dst": [6, 7], "weight": column}).to_parquet(tmp_path / "edges.parquet")
    with pytest.raises(error, match=rf"edges.parquet: weight must be a finite number in float32, {match}"):
        read_edges(tmp_path / "edges.parquet", Features([5, 6, 7], {"x": np.eye(3)}))


@pytest.mark.parametrize("weight", ["2020-01-01", "2020-01-01T00:00:00Z", "1+2j", "1e39"])
def test_weights_of_a_csv_that_are_no_numbers_of_float32_are_refused(tmp_path, weight):
    (tmp_path / "edges.csv").write_text(f"src,dst,weight\n5,6,{weight}\n")
    with pytest.raises((TypeError, ValueError), match=r"edges.csv: weight must be a finite number in float32, got"):
        read_edges(tmp_path / "edges.csv", Features([5, 6, 7], {"x": np.eye(3)}))


@pytest.mark.parametrize("kind", ["timestamp[ms]", "date32", "string", "struct"])
def test_features_of_parquet_are_numbers_that_float32_holds(tmp_path, kind):
    column = {
        "timestamp[ms]": pyarrow.array([1, 2], pyarrow.timestamp("ms")),
        "date32": pyarrow.array([1, 2], pyarrow.date32()),
        "string": pyarrow.array(["1", "2"]),
        "struct": pyarrow.array([{"re": 1.0, "im": 2.0}] * 2),
    }[kind]
    parquet.write_table(pyarrow.table({"video_id": [1, 2], "x": column}), tmp_path / "x.parquet")
    with pytest.raises(TypeError, match=r"x.parquet: column 'x' must hold numbers or lists of numbers, got"):
        load_features(tmp_path / "x.parquet")
    parquet.write_table(pyarrow.table({"video_id": [1, 2], "x": [1.0, 1e300]}), tmp_path / "x.parquet")
    with pytest.raises(ValueError, match=r"'features' must be finite in float32, got 1e\+300 for id 2"):
        load_features(tmp_path / "x.parquet")


DATES = [
    "1970-01-01",
    "1970-01-01T00:00:01",
    "1970-01-02 00:00:00.250",
    "2020-02-29T12:00:00+02:00",
    "2020-02-29T10:00Z",
]
SECONDS = [0.0, 1.0, 86400.25, 1582970400.0, 1582970400.0]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_dates_are_times_in_utc(tmp_path, suffix):
    path = tmp_path / f"log{suffix}"
    frame = pd.DataFrame({"user_id": 1, "video_id": range(5), "timestamp": DATES})
    frame.to_csv(path, index=False) if suffix == ".csv" else frame.to_parquet(path)
    np.testing.assert_array_equal(WatchLog.read(path).timestamp, SECONDS)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Shanghai"])
def test_dates_of_any_unit_and_zone_are_times(tmp_path, unit, zone):
    times = pd.Series(pd.to_datetime([0, 86400, 1582970400], unit="s")).dt.as_unit(unit)
    if zone is not None:
        times = times.dt.tz_localize("UTC").dt.tz_convert(zone)
    frame = pd.DataFrame({"user_id": 1, "video_id": range(3), "timestamp": times})
    expected = [0.0, 86400.0, 1582970400.0]
    np.testing.assert_array_equal(WatchLog.from_frame(frame).timestamp, expected)
    frame.to_parquet(tmp_path / "log.parquet")
    np.testing.assert_array_equal(WatchLog.read(tmp_path / "log.parquet").timestamp, expected)
    with pytest.raises(ValueError, match="milliseconds must not name a column of dates, got 'timestamp'"):
        WatchLog.from_frame(frame, milliseconds=["timestamp"])
    with pytest.raises(TypeError, match="duration must hold finite numbers"):
        WatchLog.from_frame(frame.rename(columns={"timestamp": "duration"}))


def test_days_and_half_dated_columns(tmp_path):
    days = [datetime.date(1970, 1, 2), datetime.datetime(1970, 1, 1, 0, 0, 5), 7]
    frame = pd.DataFrame({"user_id": 1, "video_id": range(3), "timestamp": days})
    np.testing.assert_array_equal(WatchLog.from_frame(frame).timestamp, [86400.0, 5.0, 7.0])
    table = pyarrow.table({"user_id": [1], "video_id": [2], "timestamp": pyarrow.array([1], pyarrow.date32())})
    parquet.write_table(table, tmp_path / "log.parquet")
    assert WatchLog.read(tmp_path / "log.parquet").timestamp.tolist() == [86400.0]
    with pytest.warns(UserWarning, match=r"\(timestamp text in 1, timestamp missing in 1, timestamp negative in 1\)"):
        log = WatchLog.from_frame(
            pd.DataFrame({"user_id": 1, "video_id": range(4), "timestamp": ["1970-01-02", "soon", None, "1969-01-01"]}),
            strict=False,
        )
    assert log.timestamp.tolist() == [86400.0]


@pytest.mark.parametrize("column", ["timestamp,2021-03-04T05:06:07", "timestamp,", "timestamp,soon", "watch_time,-124"])
def test_a_column_that_is_not_wished_cannot_be_wrong(tmp_path, column):
    name, value = column.split(",")
    path = tmp_path / "log.csv"
    path.write_text(f"user_id,video_id,{name}\n1,2,3\n1,3,{value}\n")
    log = WatchLog.read(path, measures=())
    assert (log.num_interactions, log.watch_time, log.timestamp) == (2, None, None)
    if value:
        assert WatchLog.read(path, measures=(), columns={name: name}).num_interactions == 2
    with pytest.raises(ValueError, match=r"must have the columns \['user_id', 'video_id', 'duration'\], got"):
        WatchLog.read(path, measures=["duration"])
    for wrong in (["user_id"], "timestamp"):
        with pytest.raises(ValueError, match=r"measures must be names among \['watch_time', 'duration', 'timestamp'\]"):
            WatchLog.read(path, measures=wrong)


@pytest.mark.parametrize("name", ["log.tsv", "log.tsv.gz", "log.csv", "log.csv.zst", "log.csv.gz"])
def test_other_delimiters_and_compressions(tmp_path, frame, name):
    delimiter = "\t" if ".tsv" in name else ";"
    frame.to_csv(tmp_path / "plain", index=False, sep=delimiter)
    content = (tmp_path / "plain").read_bytes()
    if name.endswith(".gz"):
        content = gzip.compress(content)
    if name.endswith(".zst"):
        with pyarrow.CompressedOutputStream(str(tmp_path / name), "zstd") as file:
            file.write(content)
    else:
        (tmp_path / name).write_bytes(content)
    log = WatchLog.read(tmp_path / name, delimiter=None if ".tsv" in name else ";")
    pd.testing.assert_frame_equal(log.to_frame(), WatchLog.from_frame(frame).to_frame())


def test_a_bad_delimiter_is_named(tmp_path, frame):
    frame.to_parquet(tmp_path / "log.parquet")
    with pytest.raises(ValueError, match="delimiter must be given with CSV only, got ';'"):
        WatchLog.read(tmp_path / "log.parquet", delimiter=";")
    frame.to_csv(tmp_path / "log.csv", index=False)
    for wrong in ("", ";;"):
        with pytest.raises(ValueError, match="delimiter must be one character, got"):
            WatchLog.read(tmp_path / "log.csv", delimiter=wrong)


@pytest.mark.parametrize("late", ["1.5", "much", "", "2021-03-04"])
def test_numbers_of_another_type_after_the_first_megabyte(tmp_path, late):
    rows = 120_000
    lines = "".join(f"{row},{row},{row % 50}\n" for row in range(rows))
    (tmp_path / "log.csv").write_text(f"user_id,video_id,watch_time\n{lines}0,{rows},{late}\n")
    assert (tmp_path / "log.csv").stat().st_size > 2**20
    if late == "1.5":
        assert WatchLog.read(tmp_path / "log.csv").watch_time[-1] == 1.5
        return
    with pytest.raises(
        ValueError, match=rf"watch_time must hold finite numbers >= 0 .*, got .* in row {rows} \(1 such"
    ):
        WatchLog.read(tmp_path / "log.csv")


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path):
    (tmp_path / "log.csv").write_bytes(b"\xef\xbb\xbfuser_id,video_id\r\nann,7\r\nbob,9\r\n")
    log = WatchLog.read(tmp_path / "log.csv")
    assert log.to_frame().to_dict("list") == {"user_id": ["ann", "bob"], "video_id": [7, 9]}
