"""Readers of the Foursquare check-ins of 2012 and 2013 in their published forms."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graphvid._files import read_npz, reading
from graphvid.data._files import as_path, find_files, integers, with_path
from graphvid.data._ids import look_up, unique_index
from graphvid.data._tables import exactly, read_table
from graphvid.data._text import to_integers
from graphvid.data.check_in_splits import CheckInWindows, split_check_ins
from graphvid.data.check_ins import DAY, HOUR, CheckIns

City = Literal["nyc", "tky"]
_FOLDER = "poi_checkins"
_TSMC_COLUMNS = ("user_id", "poi_id", "category_id", "category", "latitude", "longitude", "offset", "time")
_TSMC_TIME = "%a %b %d %H:%M:%S +0000 %Y"
_WEEK_HOURS = 168
_MOST_BACK = 18  # largest backward step in hours within the rounding; no gap comes this near to a week
_FIRST_MONDAY = 4 * DAY  # 5 January 1970


class CheckInSplits(NamedTuple):
    """Check-ins of a data set and their rows for training, validation and test.

    Parameters
    ----------
    name : str
        Name of the data set.
    check_ins : CheckIns
        All check-ins.
    windows : CheckInWindows
        Rows that are targets. A row in none of the three belongs only to histories.
    """

    name: str
    check_ins: CheckIns
    windows: CheckInWindows


def read_tsmc2014(path: str | Path) -> CheckIns:
    """Return the check-ins of a file of the TSMC2014 release.

    Eight tab-separated columns without names, in Latin-1: user, venue, category id, category, latitude, longitude, offset in
    minutes, and time in UTC such as ``Tue Apr 03 18:00:09 +0000 2012``.

    Parameters
    ----------
    path : path-like
        ``dataset_TSMC2014_NYC.txt``, ``dataset_TSMC2014_TKY.txt`` or another of that form, gzipped or not.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        Another number of columns, another form of time, and as `CheckIns.from_frame` raises; names the file.

    References
    ----------
    Yang et al., "Modeling user activity preference by leveraging user spatial temporal characteristics in LBSNs", IEEE
    TSMC 2015.
    """
    path = as_path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} not found: expected a file of the TSMC2014 release")
    form = "a table of the TSMC2014 release"
    with reading(path, form):
        frame = pd.read_csv(
            path, sep="\t", header=None, encoding="latin-1", quoting=3
        )  # a quote has no special meaning here
    if frame.shape[1] != len(_TSMC_COLUMNS):
        raise ValueError(f"{path}: a line must have {len(_TSMC_COLUMNS)} fields between tabs, got {frame.shape[1]}")
    frame.columns = pd.Index(_TSMC_COLUMNS)
    with reading(path, form):
        time = pd.to_datetime(frame["time"], format=_TSMC_TIME, utc=True)
    frame["timestamp"] = (time - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(seconds=1)
    try:
        return CheckIns.from_frame(frame)
    except (ValueError, TypeError) as error:
        raise with_path(error, path) from None


class FoursquareTimes(NamedTuple):
    """Files of one form of check-ins with times."""

    check_ins: str
    pois: str


_TIMED = {
    "tsmc2014": FoursquareTimes("nyc_tsmc2014_checkins.csv.gz", "nyc_tsmc2014_pois.csv.gz"),
    "lbsn2vec": FoursquareTimes("nyc_lbsn2vec_checkins.csv.gz", "nyc_lbsn2vec_pois.csv.gz"),
}


def read_foursquare_nyc(
    data_dir: str | Path | None = None, release: Literal["tsmc2014", "lbsn2vec"] = "tsmc2014"
) -> CheckInSplits:
    """Return the check-ins of New York with times and coordinates, the last 20 to 30 % of each user's history.

    The files name the rows ``val`` and ``test``. The first four fifths of a user's ``val`` rows are for training, the last
    fifth for validation, ``test`` for the test. Exact duplicates (13) stay.

    Parameters
    ----------
    data_dir : path-like, optional
        Folder that holds ``poi_checkins``. Default: the environment variable GRAPHVID_DATA. Nothing is downloaded.
    release : {"tsmc2014", "lbsn2vec"}, default "tsmc2014"
        29,803 check-ins of 1,073 users, or 47,062 of 1,665.

    Raises
    ------
    FileNotFoundError
        A file is not there.
    ValueError
        Another release, a corrupt file.
    """
    if release not in _TIMED:
        raise ValueError(f"release must be one of {sorted(_TIMED)}, got {release!r}")
    source = "the GitHub repository yosrkharrat/Group-recommendation-for-next-poi"
    rows_path, pois_path = find_files(data_dir, _FOLDER, list(_TIMED[release]), source)
    rows = _read(rows_path, ("user_id", "poi_idx", "unix_time", "tz_offset_min", "split"), ("user_id", "poi_idx"))
    places = _read(pois_path, ("poi_idx", "latitude", "longitude"), ("poi_idx",))
    try:
        place = look_up(rows["poi_idx"], unique_index(places["poi_idx"], "poi_idx"), "poi_idx", pois_path.name)
        frame = rows.assign(**{name: places[name].to_numpy()[place] for name in ("latitude", "longitude")})
        names = {"poi_id": "poi_idx", "timestamp": "unix_time", "offset": "tz_offset_min"}
        check_ins = CheckIns.from_frame(frame, columns=names)
    except (ValueError, TypeError) as error:
        raise with_path(error, rows_path) from None
    assert check_ins.row is not None
    judged = (rows["split"] == "test").to_numpy()[check_ins.row]
    return CheckInSplits(f"foursquare_nyc_{release}", check_ins, _windows(check_ins, judged, choosing=5))


def read_lbsn2vec(data_dir: str | Path | None = None) -> CheckInSplits:
    """Return the 105,961 check-ins of New York from the hypergraph of LBSN2Vec: local hour of the week, no places.

    The rows are in order of time, so the week of each follows from the previous row: a forward step of the hour of week, up
    to a week, is elapsed time; a backward step of up to 18 hours is rounding. The first Monday becomes 5 January 1970. Each
    user's history is cut 80/10/10.

    Parameters
    ----------
    data_dir : path-like, optional
        As for `read_foursquare_nyc`.

    References
    ----------
    Yang et al., "Revisiting user mobility and social relationships in LBSNs: a hypergraph embedding approach", WWW 2019.
    """
    source = "the GitHub repository eXascaleInfolab/LBSN2Vec"
    (path,) = find_files(data_dir, _FOLDER, ["nyc_lbsn2vec_hypergraph.npz"], source)
    arrays = read_npz(path, ["checkins"])
    try:
        table = integers(arrays, "checkins", 2)
        if table.shape[1] < 3 or not ((table[:, 2] >= 0) & (table[:, 2] < _WEEK_HOURS)).all():
            raise ValueError("array 'checkins' must have columns of users, places and hours of the week in [0, 168)")
        hours = unwrap_hours(table[:, 2])
        frame = pd.DataFrame({"user_id": table[:, 0], "poi_id": table[:, 1], "timestamp": _FIRST_MONDAY + HOUR * hours})
        check_ins = CheckIns.from_frame(frame, offset=0)
    except (ValueError, TypeError) as error:
        raise with_path(error, path) from None
    return CheckInSplits("lbsn2vec_nyc", check_ins, split_check_ins(check_ins))


def unwrap_hours(hour_of_week: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the hours since the first Monday, from the hours of week of rows in order of time.

    Examples
    --------
    >>> unwrap_hours(np.array([166, 1, 0, 140]))
    array([166, 169, 168, 308])
    """
    step = np.diff(hour_of_week) % _WEEK_HOURS
    step = np.where(step >= _WEEK_HOURS - _MOST_BACK, step - _WEEK_HOURS, step)
    return np.asarray(hour_of_week[0] + np.concatenate([[0], np.cumsum(step)]), dtype=np.int64)


def read_dchl(data_dir: str | Path | None = None, city: City = "nyc") -> CheckInSplits:
    """Return the visits of a city in the split of DCHL: sessions in order, coordinates, no times.

    A user's history is the training sessions, the place after them, the test sessions and the place after these. The last
    tenth of the training part is for validation. The place after the test sessions is the test, one for each user.

    Parameters
    ----------
    data_dir : path-like, optional
        As for `read_foursquare_nyc`.
    city : {"nyc", "tky"}, default "nyc"
        834 users and 3,835 places, or 2,173 and 7,038.

    References
    ----------
    Lai et al., "Disentangled contrastive hypergraph learning for next POI recommendation", SIGIR 2024.
    """
    if city not in ("nyc", "tky"):
        raise ValueError(f"city must be 'nyc' or 'tky', got {city!r}")
    names = [f"dchl_{city}_{part}.csv.gz" for part in ("sessions", "targets", "pois")]
    paths = find_files(data_dir, _FOLDER, names, "the GitHub repository icmpnorequest/SIGIR2024_DCHL")
    sessions = _read(paths[0], ("split", "user", "session", "pois"), text=("split", "pois"))
    targets = _read(paths[1], ("split", "user", "target_poi"), text=("split",))
    places = _read(paths[2], ("poi", "latitude", "longitude")).set_index("poi").sort_index()
    with reading(paths[0], "a table of sessions that fits its targets and places"):
        check_ins, stages = _join_sessions(sessions, targets, places)
    fitted = np.flatnonzero(stages <= 1)
    chosen = _last_share(check_ins, fitted, 10)
    windows = CheckInWindows(fitted[~chosen], fitted[chosen], np.flatnonzero(stages == 3))
    return CheckInSplits(f"dchl_{city}", check_ins, windows)


def _join_sessions(
    sessions: pd.DataFrame, targets: pd.DataFrame, places: pd.DataFrame
) -> tuple[CheckIns, NDArray[np.int64]]:
    """Return one history for each user, and the stage of each visit: 0 training, 1 its target, 2 test, 3 its target."""
    stage = {"train": 0, "test": 2}  # the place after a stage is a separate stage
    visits = sessions.assign(poi=sessions["pois"].str.split()).explode("poi")
    visits = pd.DataFrame(
        {
            "user": visits["user"],
            "stage": visits["split"].map(stage),
            "session": visits["session"],
            "poi": to_integers("pois", visits["poi"]),
        }
    )
    last = sessions.groupby(["user", "split"])["session"].max()
    after = pd.DataFrame(
        {
            "user": targets["user"],
            "stage": targets["split"].map(stage) + 1,
            "session": last.loc[list(zip(targets["user"], targets["split"]))].to_numpy(),
            "poi": targets["target_poi"],
        }
    )
    table = pd.concat([visits, after], ignore_index=True)
    table = table.sort_values(["user", "stage", "session"], kind="stable")
    test_session = table["session"] + (table["stage"] >= 2) * (1 + table["user"].map(last.xs("train", level="split")))
    users = pd.Index(np.sort(table["user"].unique()))
    check_ins = CheckIns(
        users.get_indexer(pd.Index(table["user"])).astype(np.int64),
        places.index.get_indexer(pd.Index(table["poi"])).astype(np.int64),
        users,
        pd.Index(places.index.to_numpy()),
        latitude=places["latitude"].to_numpy(np.float64),
        longitude=places["longitude"].to_numpy(np.float64),
        session=test_session.to_numpy(np.int64),
    )
    return check_ins, table["stage"].to_numpy()


def _read(path: Path, columns: tuple[str, ...], ids: tuple[str, ...] = (), text: tuple[str, ...] = ()) -> pd.DataFrame:
    try:
        return read_table(path, exactly(columns), (*ids, *text), text)
    except (ValueError, TypeError) as error:
        raise with_path(error, path) from None


def _windows(check_ins: CheckIns, judged: NDArray[np.bool_], choosing: int) -> CheckInWindows:
    fitted = np.flatnonzero(~judged)
    chosen = _last_share(check_ins, fitted, choosing)
    return CheckInWindows(fitted[~chosen], fitted[chosen], np.flatnonzero(judged))


def _last_share(check_ins: CheckIns, rows: NDArray[np.int64], parts: int) -> NDArray[np.bool_]:
    """Return a mask of the rows in the last of ``parts`` parts of their user's rows."""
    user = check_ins.user[rows]
    count = np.bincount(user, minlength=check_ins.num_users)
    first = np.concatenate([[0], np.cumsum(count)])[:-1]
    place = np.arange(len(rows)) - first[user]
    chosen: NDArray[np.bool_] = place >= count[user] * (parts - 1) // parts
    return chosen
