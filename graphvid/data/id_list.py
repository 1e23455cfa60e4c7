"""Reader of a list of ids from a file."""

from __future__ import annotations

from pathlib import Path

from graphvid._files import reading
from graphvid.data._files import as_path, with_path
from graphvid.data._tables import SUFFIXES, exactly, read_table


def read_id_list(path: str | Path, column: str = "video_id") -> list[str]:
    """Return the ids of a list in the order of the file, as text.

    Parameters
    ----------
    path : path-like
        A table in one of the forms of `WatchLog.read`; or, with any other suffix, UTF-8 text with one id on each line, where
        blanks around an id and empty lines do not count.
    column : str, default "video_id"
        Column of the table.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    TypeError
        A column in Parquet that holds neither integers nor text.
    ValueError
        A corrupt file, no such column, or a missing id; names the file.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "seen.txt"
    >>> _ = path.write_text("b\\n\\n007\\n")
    >>> read_id_list(path)
    ['b', '007']
    """
    path = as_path(path)
    if not path.is_dir() and not path.name.endswith(SUFFIXES):
        with reading(path, "a list of ids"):
            lines = path.read_text(encoding="utf-8-sig").splitlines()  # as some editors begin it
        return [line.strip() for line in lines if line.strip()]
    try:
        ids = read_table(path, exactly((column,)), (column,))[column]
        if ids.isna().any():
            raise ValueError(f"every row must have a {column}, got {int(ids.isna().sum())} without")
        return [str(value) for value in ids]
    except (TypeError, ValueError) as error:
        raise with_path(error, path) from None
