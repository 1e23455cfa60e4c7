"""Reader of text files, gzipped or not, and of tab-separated tables; it reports any defect in one sentence."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graphvid._files import reading
from graphvid.data._id_spelling import INTEGER


def read_bytes(path: Path, expected: str) -> bytes:
    """Return the content of a file of text, decompressed if its name ends in ``.gz``.

    Raises
    ------
    FileNotFoundError
        There is no such file; the message states ``expected``.
    ValueError
        No gzip file, or a truncated or damaged one; names the file.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path} not found: expected {expected}")
    with reading(path, "a text file, compressed by gzip if its name ends in .gz"):
        content = path.read_bytes()
        return gzip.decompress(content) if path.suffix == ".gz" else content


def read_text(path: Path, expected: str) -> str:
    """Return the result of `read_bytes` as text; raise a ValueError that names file and byte if it is not UTF-8."""
    content = read_bytes(path, expected)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} must be UTF-8, got byte {content[error.start]:#x} at {error.start}") from None


def read_lines(path: Path, expected: str) -> list[str]:
    """Return the lines of a text file; split only at line ends, because titles contain other line-break characters."""
    return [line.removesuffix("\r") for line in read_text(path, expected).removesuffix("\n").split("\n")]


def read_tsv(path: Path, columns: list[str]) -> pd.DataFrame:
    """Return columns of a tab-separated table with their names in the first line; quotes have no special meaning.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        As `read_text` raises, a missing column, or a line with another number of fields; names the file.
    """
    header, *lines = read_lines(path, "text between tabs")
    names = header.split("\t")
    if any(names.count(name) != 1 for name in columns):
        raise ValueError(f"{path} must have the columns {columns}, each once, got {names}")
    rows = [line.split("\t") for line in lines]
    wrong = next((number for number, row in enumerate(rows, 2) if len(row) != len(names)), None)
    if wrong is not None:
        raise ValueError(f"{path} line {wrong} must have {len(names)} fields, got {len(rows[wrong - 2])}")
    return pd.DataFrame(rows, columns=names, dtype=object)[columns]


def to_integers(name: str, texts: Iterable[str]) -> NDArray[np.int64]:
    """Return a column of text as integers; raise a ValueError that names the first value that is not an int64."""
    texts = list(texts)
    for row, text in enumerate(texts):
        if INTEGER.fullmatch(text) is None or not -(2**63) <= int(text) < 2**63:
            raise ValueError(f"{name} must hold integers of 64 bits, got {text[:50]!r} in row {row}")
    return np.array(list(map(int, texts)), dtype=np.int64)
