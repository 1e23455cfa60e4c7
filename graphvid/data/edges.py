"""A ready graph from a file of edges."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graphvid.data._files import with_path
from graphvid.data._ids import look_up
from graphvid.data._tables import read_table
from graphvid.data.features import Features
from graphvid.data.relational import RelationalData


def read_edges(path: str | Path, features: Features) -> RelationalData:
    """Return the graph in a CSV or Parquet file of edges.

    Parameters
    ----------
    path : path-like
        ``.csv``, ``.csv.gz`` or ``.parquet`` with the columns ``src`` and ``dst``, ids of videos, and optionally
        ``weight``, a similarity. Each undirected edge stands there once, in either direction.
    features : Features
        Their ids are the nodes, in their order; where they are text, ids of a CSV are read as text.

    Returns
    -------
    RelationalData

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        Another suffix, a corrupt file, a missing column, no rows, an id without features, a weight that is not a
        finite number; names the file.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "edges.csv"
    >>> _ = path.write_text("src,dst,weight\\na,b,2\\n")
    >>> data = read_edges(path, Features(["b", "a"], {"x": np.ones((2, 1))}))
    >>> data.src, data.dst, data.weight
    (array([1]), array([0]), array([2.], dtype=float32))
    """
    path = Path(path)
    try:
        text = ("src", "dst") if features.ids.dtype == object else ()
        frame = read_table(path, _find_columns, ("src", "dst"), text)
        if not len(frame):
            raise ValueError("the table must have at least one edge, got none")
        src, dst = (look_up(frame[name], features.ids, name, "the features") for name in ("src", "dst"))
        weight = _weights(frame["weight"]) if "weight" in frame else None
    except (TypeError, ValueError) as error:
        raise with_path(error, path) from None
    return RelationalData(path.name, src, dst, features, weight)


def _find_columns(present: list[str]) -> dict[str, str]:
    if not {"src", "dst"} <= set(present):
        raise ValueError(f"the table must have the columns 'src' and 'dst', got {present}")
    return {name: name for name in ("src", "dst", "weight") if name in present}


def _weights(series: pd.Series) -> NDArray[np.float32]:
    weight = pd.to_numeric(series, errors="coerce").to_numpy(dtype=np.float32, na_value=np.nan)
    wrong = ~np.isfinite(weight)
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(f"weight must be a finite number, got {series.iloc[row]!s} in row {row}")
    return weight
