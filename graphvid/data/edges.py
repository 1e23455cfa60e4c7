"""A ready graph from a file of edges."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graphvid.data._ids import look_up
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
    if not path.is_file():
        raise FileNotFoundError(f"{path} not found: expected edges in .csv, .csv.gz or .parquet")
    frame = _read(path, text_ids=features.ids.dtype == object)
    missing = [name for name in ("src", "dst") if name not in frame]
    if missing:
        raise ValueError(f"{path} must have columns 'src' and 'dst', got {list(frame.columns)}")
    if not len(frame):
        raise ValueError(f"{path} must have at least one edge, got none")
    try:
        src, dst = (look_up(frame[name], features.ids, name, "the features") for name in ("src", "dst"))
        weight = _weights(frame["weight"]) if "weight" in frame else None
    except (TypeError, ValueError) as error:
        raise type(error)(f"{path}: {error}") from None
    return RelationalData(path.name, src, dst, features, weight)


def _read(path: Path, *, text_ids: bool) -> pd.DataFrame:
    import pyarrow

    try:
        if path.name.endswith((".csv", ".csv.gz")):
            dtype: dict[str, type] = {"src": str, "dst": str} if text_ids else {}
            return pd.read_csv(path, dtype=dtype, index_col=False, low_memory=False)
        if path.suffix == ".parquet":
            return pd.read_parquet(path, engine="pyarrow")
    except (pd.errors.ParserError, pd.errors.EmptyDataError, pyarrow.ArrowException, EOFError, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f"{path} is not a table of edges, or it is truncated or corrupt ({reason})") from None
    raise ValueError(f"the suffix must be .csv, .csv.gz or .parquet, got {path.name!r}")


def _weights(series: pd.Series) -> NDArray[np.float32]:
    weight = pd.to_numeric(series, errors="coerce").to_numpy(dtype=np.float32)
    wrong = ~np.isfinite(weight)
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(f"weight must be a finite number, got {series.iloc[row]!r} in row {row}")
    return weight
