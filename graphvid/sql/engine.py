"""The interface between the queries and the database engine that runs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

INTEGER, TEXT = "BIGINT", "STRING"


class Engine(Protocol):
    """A database with columns BIGINT, DOUBLE and STRING that runs functions of NumPy arrays.

    In addition to standard SQL it has ``max_by(value, order)``, ``struct(...)`` (compared field by field), ``least``,
    ``greatest``, ``isnan``, ``ln``, ``sqrt``, ``rint`` (halves to even) and ``range(first, last)``. Its FLOAT has 32 bits and
    rounds to nearest, its text is ordered by code points.
    """

    def define(self, name: str, function: Callable[..., NDArray[Any]], kinds: Sequence[str]) -> None:
        """Register a function of whole arrays for the queries; ``kinds`` are the types of its arguments and its result."""

    def types(self, table: str) -> dict[str, str]:
        """Return the columns of a table with their types: BIGINT for every integer that fits, STRING, or its own name."""

    def save(self, name: str, query: str) -> str:
        """Return a table with the rows of a query, for later queries; with a folder, the table is stored there.

        If the folder has a table of this name from an earlier run, the result is that table.
        """

    def put(self, name: str, columns: Mapping[str, NDArray[Any]]) -> str:
        """Return a table of arrays of int64."""

    def row(self, query: str) -> tuple[Any, ...]:
        """Return the only row of a query, or the first; empty if there is none."""

    def arrays(self, query: str) -> dict[str, NDArray[Any]]:
        """Return the columns of a query as arrays."""
