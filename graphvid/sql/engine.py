"""The seam between the queries and whatever runs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

INTEGER, TEXT = "BIGINT", "STRING"


class Engine(Protocol):
    """A database with columns BIGINT, DOUBLE and STRING that runs functions of NumPy arrays.

    Beside standard SQL it knows ``max_by(value, order)``, ``struct(...)`` (compared field by field), ``least``,
    ``greatest``, ``isnan``, ``ln``, ``sqrt``, ``rint`` (halves to even) and ``range(first, last)``. Its FLOAT has 32 bits and
    rounds to nearest, its text is ordered by code points.
    """

    def define(self, name: str, function: Callable[..., NDArray[Any]], kinds: Sequence[str]) -> None:
        """Make a function of whole arrays known to the queries; ``kinds`` are the types of its arguments and of its result."""

    def types(self, table: str) -> dict[str, str]:
        """Return the columns of a table with their types: BIGINT for every integer that fits, STRING, or its own name."""

    def save(self, name: str, query: str) -> str:
        """Return a table that holds the rows of a query, to be used in later ones; kept, if there is a folder for it.

        A table of this name that is kept from an earlier run is returned as it is.
        """

    def put(self, name: str, columns: Mapping[str, NDArray[Any]]) -> str:
        """Return a table of arrays of int64."""

    def row(self, query: str) -> tuple[Any, ...]:
        """Return the only row of a query, or the first; empty if there is none."""

    def arrays(self, query: str) -> dict[str, NDArray[Any]]:
        """Return the columns of a query as arrays."""
