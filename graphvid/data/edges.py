"""Reader of a graph from a file of edges."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graphvid.data._files import as_path, with_path
from graphvid.data._ids import look_up
from graphvid.data._measures import as_numbers
from graphvid.data._tables import read_table
from graphvid.data.features import Features
from graphvid.data.relational import RelationalData


def read_edges(path: str | Path, features: Features, *, delimiter: str | None = None) -> RelationalData:
    """Return the graph in a CSV or Parquet file of edges.

    Parameters
    ----------
    path : path-like
        A file in one of the forms of `WatchLog.read` with the columns ``src`` and ``dst``, ids of videos, and optionally
        ``weight``, a similarity. The file has each undirected edge once, in either direction.
    features : Features
        Their ids are the nodes, in their order. Integers equal the text that spells them; see the page "Ids".
    delimiter : str, optional
        As in `WatchLog.read`.

    Returns
    -------
    RelationalData

    Raises
    ------
    FileNotFoundError
        There is no such file.
    TypeError
        ``features`` are no Features, a weight that is a date, text, or another kind than real numbers.
    ValueError
        Another suffix, a corrupt file, a missing column, no rows, an id without features, a weight that is not finite in
        float32; names the file.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "edges.csv"
    >>> _ = path.write_text("src,dst,weight\\na,b,2\\n")
    >>> data = read_edges(path, Features(["b", "a"], {"x": np.ones((2, 1))}))
    >>> data.src, data.dst, data.weight
    (array([1]), array([0]), array([2.], dtype=float32))
    """
    path = as_path(path)
    if not isinstance(features, Features):
        raise TypeError(f"features must be a Features, got {type(features).__name__}")
    try:
        frame = read_table(path, _find_columns, ("src", "dst"), delimiter=delimiter)
        if not len(frame):
            raise ValueError("the table must have at least one edge, got none")
        src, dst = (look_up(frame[name], features.ids, name, "the features") for name in ("src", "dst"))
        weight = _weights(frame["weight"]) if "weight" in frame else None
    except (TypeError, ValueError) as error:
        raise with_path(error, path) from None
    return RelationalData(path.name, src, dst, features, weight)


def _find_columns(present: list[str]) -> dict[str, str]:
    names: dict[str, str] = {name: name for name in ("src", "dst", "weight") if name in present}
    if not {"src", "dst"} <= set(names) or any(present.count(name) > 1 for name in names):
        raise ValueError(f"the table must have the columns 'src' and 'dst', each once, got {present}")
    return names


def _weights(series: pd.Series) -> NDArray[np.float32]:
    accepted = "weight must be a finite number in float32"
    values, text = as_numbers(series, accepted)
    with np.errstate(over="ignore"):
        weight = values.astype(np.float32)
    wrong = ~np.isfinite(weight)
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(f"{accepted}, got {series.iloc[row]!s} in row {row} ({wrong.sum()} such rows)")
    if text.any():
        raise TypeError(f"{accepted}, got text that looks like numbers")
    return weight
