"""Ids of users and videos in tables: checks of them, and the numbers of videos."""

from __future__ import annotations

from graphvid.sql.engine import INTEGER, TEXT, Engine

_NUMBERS = ("bigint", "hugeint", "float", "double", "decimal")


def check_columns(engine: Engine, table: str, name: str, ids: tuple[str, ...], numbers: tuple[str, ...] = ()) -> None:
    """Raise unless a table has these columns of ids, integers or text of one kind, and of numbers."""
    present = engine.types(table)
    absent = [column for column in (*ids, *numbers) if column not in present]
    if absent:
        raise ValueError(f"{name} must have the columns {[*ids, *numbers]}, got {list(present)}")
    for column in numbers:
        if not present[column].lower().startswith(_NUMBERS):
            raise TypeError(f"{column} of {name} must hold numbers, got {present[column]}")
    for column in ids:
        if present[column] not in (INTEGER, TEXT):
            raise TypeError(
                f"{column} of {name} must hold integers or text, which can be sorted and hashed, got {present[column]}"
            )


def check_present(engine: Engine, table: str, name: str, ids: tuple[str, ...]) -> None:
    """Raise for a table without rows, or with ids that are missing."""
    missing = ", ".join(f"count(*) - count({column})" for column in ids)
    rows, *counts = engine.row(f"SELECT count(*), {missing} FROM {table}")
    if not rows:
        raise ValueError(f"{name} must have at least one row, got none")
    for column, count in zip(ids, counts):
        if count:
            raise ValueError(f"{column} of {name} must not be missing, got {count} missing in {rows} rows")


def ids_of_videos(engine: Engine, table: str, name: str) -> str:
    """Return the query of the distinct ``video_id`` of a log, or of ``src`` and ``dst`` of edges."""
    present = engine.types(table)
    ends = ("video_id",) if "video_id" in present else ("src", "dst")
    if not set(ends) <= set(present):
        raise ValueError(f"{name} must have the column 'video_id', or 'src' and 'dst', got {list(present)}")
    check_columns(engine, table, name, ends)
    if len({present[end] for end in ends}) > 1:
        raise TypeError(f"src and dst of {name} must hold ids of one kind, got {present['src']} and {present['dst']}")
    check_present(engine, table, name, ends)
    if ends == ("video_id",):
        return f"SELECT DISTINCT video_id FROM {table}"
    return f"SELECT src AS video_id FROM {table} UNION SELECT dst FROM {table}"


def numbered_videos(engine: Engine, table: str, name: str) -> str:
    """Return the query of ``video_id`` and ``node``: 0, 1, ... in sorted order of the ids, as `WatchLog` numbers them."""
    ids = ids_of_videos(engine, table, name)
    return f"SELECT video_id, row_number() OVER (ORDER BY video_id) - 1 AS node FROM ({ids}) AS ids"
