"""Source of the task of the next place: check-ins from a log, a data set, or a generated town."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from graphvid._record import Count, Positive, Record, Seed, record
from graphvid.data import (
    CheckIns,
    CheckInWindows,
    SyntheticCheckIns,
    filter_check_ins,
    geohash,
    grid_cells,
    number_cells,
    read_dchl,
    read_foursquare_nyc,
    read_lbsn2vec,
    read_tsmc2014,
    split_check_ins,
)
from graphvid.data.check_in_tables import COLUMNS
from graphvid.tasks._columns import column_names

CheckInDataset = Literal[
    "synthetic-check-ins",
    "foursquare-nyc",
    "foursquare-nyc-lbsn2vec",
    "lbsn2vec-nyc",
    "dchl-nyc",
    "dchl-tky",
]


@record
class CheckInSource(Record):
    """Check-ins to read, and how places are grouped into areas.

    Exactly one of ``log`` and ``dataset`` is given.

    Parameters
    ----------
    log : str, optional
        Check-ins with ``user_id``, ``poi_id``, ``timestamp``, ``offset``, ``latitude`` and ``longitude``, CSV or Parquet; see
        `graphvid.data.CheckIns.read`. Each user's first 8 tenths are fitted, the next tenth chooses, the last judges.
    form : {"table", "tsmc2014"}, default "table"
        Form of the log; ``"tsmc2014"`` is the tab-separated one of Foursquare's release.
    columns : tuple of str, default ()
        Columns of the log that have other names there, ``poi_id=venue``; in the command repeatable.
    delimiter : str, optional
        One character between the fields of a CSV. Default: a comma, in ``.tsv`` a tab.
    offset : int, optional
        Minutes from UTC to local time of all rows of a log without a column of that name.
    milliseconds : bool, default False
        Whether the times of the log are in milliseconds.
    strict : bool, default True
        Refuse a row without a proper time, offset or coordinate. Otherwise such rows are left out and counted.
    min_per_poi, min_per_user : int, default 10
        Check-ins that a place and a user of the log must have, again and again until nothing changes.
    dataset : str, optional
        ``"synthetic-check-ins"``, ``"foursquare-nyc"``, ``"foursquare-nyc-lbsn2vec"``, ``"lbsn2vec-nyc"``, ``"dchl-nyc"`` or
        ``"dchl-tky"``.
    data_dir : str, optional
        Folder of the data sets. Default: the environment variable GRAPHVID_DATA.
    areas : {"grid", "geohash", "given", "none"}, default "grid"
        Cells that places are grouped by; ``"given"`` are the true areas of the generated town. Places without coordinates
        have no grid.
    grid_km : float, default 1.0
        Side of a square.
    geohash_length : int, default 5
        Characters of a geohash, from 1 to 12; 5 are about 4.9 km.
    seed : int, default 0
        Of the generated town.

    Raises
    ------
    ValueError
        A combination that does not name one source, an unknown data set, a number out of range.
    """

    files: ClassVar[tuple[str, ...]] = ("log", "data_dir")

    log: str | None = None
    form: Literal["table", "tsmc2014"] = "table"
    columns: tuple[str, ...] = ()
    delimiter: str | None = None
    offset: int | None = None
    milliseconds: bool = False
    strict: bool = True
    min_per_poi: Count = 10
    min_per_user: Count = 10
    dataset: CheckInDataset | None = None
    data_dir: str | None = None
    areas: Literal["grid", "geohash", "given", "none"] = "grid"
    grid_km: Positive = 1.0
    geohash_length: Annotated[int, Field(ge=1, le=12)] = 5
    seed: Seed = 0

    def __post_init__(self) -> None:
        given = [name for name in ("log", "dataset") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"exactly one of log and dataset must be given, got {given or 'none'}")
        defaults = {field.name: field.default for field in fields(CheckInSource)}
        if self.dataset is not None:
            changed = [name for name in _LOG_OPTIONS if getattr(self, name) != defaults[name]]
            if changed:
                raise ValueError(f"{changed} apply to logs only, got them with dataset {self.dataset!r}")
        column_names(self.columns, COLUMNS)
        if self.areas == "given" and self.dataset != "synthetic-check-ins":
            raise ValueError("areas 'given' are those of dataset 'synthetic-check-ins', which is not the source")
        if self.form == "tsmc2014":
            changed = [name for name in _TABLE_OPTIONS if getattr(self, name) != defaults[name]]
            if changed:
                raise ValueError(f"{changed} apply to form 'table' only, got them with 'tsmc2014'")


_TABLE_OPTIONS = ("columns", "delimiter", "offset", "milliseconds", "strict")
_LOG_OPTIONS = ("form", *_TABLE_OPTIONS, "min_per_poi", "min_per_user")


@dataclass(frozen=True, eq=False)
class LoadedCheckIns:
    """Check-ins with the rows for training, validation and test.

    Parameters
    ----------
    name : str
        For headings.
    check_ins : CheckIns
        All check-ins.
    windows : CheckInWindows
        Rows that are targets.
    area : ndarray of int64, shape (check_ins.num_pois,), or None
        Area of every place.
    """

    name: str
    check_ins: CheckIns
    windows: CheckInWindows
    area: NDArray[np.int64] | None

    def fingerprint(self) -> dict[str, int | str]:
        """Return counts and a checksum: equal for equal data."""
        found, crc = self.check_ins, 0
        columns = (found.user, found.poi, found.timestamp, found.offset, found.latitude, found.longitude, self.area)
        for column in (*columns, *self.windows):
            if column is not None:
                crc = zlib.crc32(np.ascontiguousarray(column).data, crc)
        for ids in (found.user_ids, found.poi_ids):
            crc = zlib.crc32("\0".join(ids.astype(str)).encode(), crc)
        counts = {name: len(rows) for name, rows in self.windows._asdict().items()}
        sizes = {"num_users": found.num_users, "num_pois": found.num_pois, "num_check_ins": found.num_check_ins}
        return {"name": self.name, **sizes, **counts, "dropped": sum(found.dropped.values()), "crc32": crc}


def load_check_ins(source: CheckInSource) -> LoadedCheckIns:
    """Read a source, filter and split it, and number the areas.

    Raises
    ------
    FileNotFoundError
        A file is not there.
    ValueError
        A file that cannot be read, nothing left by the filter, geohashes without coordinates.
    """
    name, check_ins, windows, given = _read(source)
    for part, rows in windows._asdict().items():
        if not len(rows):
            raise ValueError(f"there must be check-ins for {part}, got none: histories are too short")
    area = given if source.areas == "given" else _areas(source, check_ins, windows)
    return LoadedCheckIns(name, check_ins, windows, area)


def _read(source: CheckInSource) -> tuple[str, CheckIns, CheckInWindows, NDArray[np.int64] | None]:
    """Return the name, the check-ins, their windows, and the areas of the source."""
    if source.log is not None:
        if source.form == "tsmc2014":
            check_ins = read_tsmc2014(source.log)
        else:
            check_ins = CheckIns.read(
                source.log,
                columns=column_names(source.columns, COLUMNS),
                offset=source.offset,
                milliseconds=source.milliseconds,
                strict=source.strict,
                delimiter=source.delimiter,
            )
        check_ins = filter_check_ins(check_ins, min_per_poi=source.min_per_poi, min_per_user=source.min_per_user)
        return Path(source.log).name, check_ins, split_check_ins(check_ins), None
    assert source.dataset is not None
    if source.dataset == "synthetic-check-ins":
        town = SyntheticCheckIns(seed=source.seed)
        return source.dataset, town.check_ins, town.windows, town.area
    readers: Mapping[str, Any] = {  # Any: readers with options of their own
        "foursquare-nyc": lambda: read_foursquare_nyc(source.data_dir),
        "foursquare-nyc-lbsn2vec": lambda: read_foursquare_nyc(source.data_dir, "lbsn2vec"),
        "lbsn2vec-nyc": lambda: read_lbsn2vec(source.data_dir),
        "dchl-nyc": lambda: read_dchl(source.data_dir, "nyc"),
        "dchl-tky": lambda: read_dchl(source.data_dir, "tky"),
    }
    found = readers[source.dataset]()
    return source.dataset, found.check_ins, found.windows, None


def _areas(source: CheckInSource, check_ins: CheckIns, windows: CheckInWindows) -> NDArray[np.int64] | None:
    """Return the area of every place; the middle of the map is the mean of the training places."""
    latitude, longitude = check_ins.latitude, check_ins.longitude
    if latitude is None or longitude is None:
        if source.areas == "geohash":
            raise ValueError("areas must not be 'geohash' for places without coordinates")
        return None
    if source.areas == "none":
        return None
    if source.areas == "geohash":
        return number_cells(geohash(latitude, longitude, precision=source.geohash_length))
    learnt = np.unique(check_ins.poi[windows.train])
    origin = float(latitude[learnt].mean()), float(longitude[learnt].mean())
    return number_cells(grid_cells(latitude, longitude, size_km=source.grid_km, origin=origin))
