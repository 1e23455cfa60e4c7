"""Spellings of ids: integers and the text that spells them, and texts that may mean one id."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}")  # the usual form; 19 digits may exceed int64
_ODD = re.compile(r"\s|.*\s\Z|\+[0-9]|-?0[0-9]|-?[0-9]+\.0*\Z|-0\Z", re.DOTALL)  # possible other spellings of an id
_LOOSE = re.compile(r"([+-]?)0*([0-9]+?)(?:\.0*)?")  # the same with a sign, zeros in front, or a point


def show(item: Any) -> str:
    """Return an id as text, for an error message; NumPy's numbers as plain ones."""
    return repr(item.item() if isinstance(item, np.generic) else item)


def spell(index: pd.Index) -> pd.Index:
    """Return ids with integers as text; other objects stay."""
    if index.dtype != np.int64 and pd.api.types.infer_dtype(index, skipna=False) == "string":
        return index
    texts = np.empty(len(index), dtype=object)
    for at, value in enumerate(index):
        texts[at] = str(value) if isinstance(value, (int, np.integer)) and not isinstance(value, bool) else value
    return pd.Index(texts, dtype=object, tupleize_cols=False)


def _loose(value: Any) -> Any:
    """Return the spelling of an id without blanks, leading zeros, a plus or an empty fraction."""
    if not isinstance(value, (str, int, np.integer)) or isinstance(value, bool):
        return value
    text = str(value).strip()
    number = _LOOSE.fullmatch(text)
    return text if number is None else ("-" if number[1] == "-" and number[2] != "0" else "") + number[2]


def refuse_spellings(ids: pd.Index, name: str) -> None:
    """Raise if two of these distinct ids differ only in blanks, leading zeros, a plus or an empty fraction."""
    if ids.dtype == np.int64:
        return
    odd = {value: _loose(value) for value in ids if isinstance(value, str) and _ODD.match(value)}
    if not odd:
        return
    seen: dict[Any, Any] = {str(value) if isinstance(value, int) else value: value for value in ids if value not in odd}
    for value, plain in odd.items():
        other = seen.setdefault(plain, value)
        if other is not value:
            raise ValueError(
                f"{name} must spell an id in one way, got {show(other)} and {show(value)}; ids are compared as they are "
                f"written"
            )


def spelling_hint(unknown: pd.Index, ids: pd.Index) -> str:
    """Return a clause about an unknown id that exists in another spelling, or an empty text."""
    known = {_loose(value): value for value in ids}
    for value in unknown:
        other = known.get(_loose(value))
        if other is not None:
            return f"; {show(value)} differs only in its spelling from {show(other)}"
    return ""
