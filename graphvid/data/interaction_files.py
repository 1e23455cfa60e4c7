"""Reader of interactions in the text form of LightGCN: a line for each user, with the user and then the items."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphvid.data._files import as_path, with_path
from graphvid.data._text import read_bytes
from graphvid.data.interaction_splits import InteractionSplits, Overlap, Unseen
from graphvid.data.interactions import Duplicates, Interactions, size_of

_MOST_DIGITS = 18  # digits that always fit into int64


class _Lines(NamedTuple):
    """Content of a file: the user of every line, and the pairs."""

    line_users: NDArray[np.int64]
    users: NDArray[np.int64]
    items: NDArray[np.int64]


def read_interactions(
    path: str | Path,
    *,
    num_users: int | None = None,
    num_items: int | None = None,
    duplicates: Duplicates = "raise",
) -> Interactions:
    """Return the interactions in a text file with lines ``user item item ...``.

    Parameters
    ----------
    path : path-like
        Text, or gzip-compressed text if the name ends in ``.gz``. Ids are integers >= 0, separated by blanks. A user may have
        several lines, or a line without items; empty lines are ignored.
    num_users, num_items : int, optional
        Sizes, if other files may have larger ids. Default: one more than the largest id of this file, including users without
        items. Ids with gaps stay unchanged. The sizes are required if the largest id is beyond 2**20 and beyond 16 times the
        number of ids in the file.
    duplicates : {"raise", "drop"}, default "raise"
        What to do with an item that a user has twice.

    Returns
    -------
    Interactions

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        A corrupt or truncated archive, a line that holds anything but integers >= 0 (named), no interaction at all,
        and as `Interactions.from_pairs` raises; names the file.

    Notes
    -----
    O(n log n) time and about 150 bytes an interaction.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "train.txt"
    >>> _ = path.write_text("0 5 2\\n2\\n")
    >>> pairs = read_interactions(path)
    >>> pairs.num_users, pairs.num_items, pairs.indptr, pairs.items
    (3, 6, array([0, 2, 2, 2]), array([2, 5]))
    """
    path = as_path(path)
    lines = _read(path)
    if num_users is None:
        num_users = _size(path, "users", lines.line_users, lines)
    if num_items is None:
        num_items = _size(path, "items", lines.items, lines)
    return _interactions(path, lines, num_users, num_items, duplicates)


def read_splits(
    name: str,
    train: str | Path,
    test: str | Path,
    validation: str | Path | None = None,
    *,
    duplicates: Duplicates = "raise",
    unseen: Unseen = "keep",
    overlap: Overlap = "raise",
) -> InteractionSplits:
    """Return the splits of one data set from one file for each split, in the form of `read_interactions`.

    Parameters
    ----------
    name : str
        Name of the data set.
    train, test, validation : path-like
        The files; validation is optional. The numbers of users and items are one more than the largest ids of all files.
    duplicates : {"raise", "drop"}, default "raise"
        What to do with an item that a user has twice in one file.
    unseen : {"keep", "raise"}, default "keep"
        What to do with users and items that are not in training; see `InteractionSplits`.
    overlap : {"raise", "drop", "keep"}, default "raise"
        What to do with pairs that are in two files; see `InteractionSplits`.

    Raises
    ------
    FileNotFoundError
        A file is absent.
    ValueError
        As `read_interactions` and `InteractionSplits` raise.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "train.txt").write_text("0 1\\n1 0\\n"), (folder / "test.txt").write_text("1 1 2\\n")
    >>> splits = read_splits("toy", folder / "train.txt", folder / "test.txt")
    >>> splits.train.num_items, splits.train.items, splits.test.items
    (3, array([1, 0]), array([1, 2]))
    """
    paths = {"train": as_path(train, "train"), "test": as_path(test, "test")}
    if validation is not None:
        paths["validation"] = as_path(validation, "validation")
    return InteractionSplits(name, **read_parts(paths, duplicates), unseen=unseen, overlap=overlap)


def read_parts(paths: Mapping[str, Path], duplicates: Duplicates = "raise") -> dict[str, Interactions]:
    """Return the interactions of several files; sizes are one more than the largest ids of all files."""
    lines = {key: _read(path) for key, path in paths.items()}
    num_users = max(_size(paths[key], "users", part.line_users, *lines.values()) for key, part in lines.items())
    num_items = max(_size(paths[key], "items", part.items, *lines.values()) for key, part in lines.items())
    return {key: _interactions(paths[key], lines[key], num_users, num_items, duplicates) for key in paths}


def _read(path: Path) -> _Lines:
    """Return the integers of a file, line by line."""
    content = read_bytes(path, "a text file with lines 'user item item ...'")
    lines = [line.split() for line in content.splitlines()]
    for row, line in enumerate(lines, start=1):
        bad = next((word for word in line if not _is_id(word)), None)
        if bad is not None:
            raise ValueError(
                f"{path}: every line must hold a user and items, integers >= 0 without leading zeros and with at most "
                f"{_MOST_DIGITS} digits, got "
                f"{bad.decode('utf-8', 'backslashreplace')!r} in line {row}"
            )
    lines = [line for line in lines if line]
    counts = np.array([len(line) - 1 for line in lines], dtype=np.int64)
    if not counts.sum():
        raise ValueError(f"{path}: the file must have at least one interaction, got none")
    line_users = np.array([line[0] for line in lines], dtype=np.int64)
    items = np.array(list(chain.from_iterable(line[1:] for line in lines)), dtype=np.int64)
    return _Lines(line_users, np.repeat(line_users, counts), items)


def _is_id(word: bytes) -> bool:
    return word.isdigit() and len(word) <= _MOST_DIGITS and (word[:1] != b"0" or word == b"0")


def _size(path: Path, name: str, ids: NDArray[np.int64], *lines: _Lines) -> int:
    """Return one more than the largest id of a file; raise if it is far beyond the number of all ids read."""
    try:
        return size_of(name, ids, sum(part.line_users.size + part.items.size for part in lines), f"num_{name}")
    except ValueError as error:
        raise with_path(error, path) from None


def _interactions(
    path: Path, lines: _Lines, num_users: int, num_items: int | None, duplicates: Duplicates
) -> Interactions:
    users, items = lines.users, lines.items
    try:
        return Interactions.from_pairs(users, items, num_users=num_users, num_items=num_items, duplicates=duplicates)
    except ValueError as error:
        raise with_path(error, path) from None
