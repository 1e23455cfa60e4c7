"""DuckDB as an engine of the queries, with tables as Parquet files in a folder and a memory limit."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphvid._files import atomic_path
from graphvid.sql import INTEGER, TEXT

_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")
_LIMIT = re.compile(r"\d+(\.\d+)?\s*([KMGT]i?)?B", re.IGNORECASE)
_MACROS = {"struct(a, b, c, d)": "row(a, b, c, d)", "rint(x)": "round_even(x, 0)"}


class DuckDB:
    """A separate in-memory connection that spills to a folder and stores its tables there."""

    def __init__(self, folder: Path, memory_limit: str | None, threads: int | None, *, kept: bool) -> None:
        duckdb = _duckdb()
        self.folder = folder
        self.kept = kept
        self.memory_limit = memory_limit
        self._connection = duckdb.connect(config={"autoinstall_known_extensions": False})
        for setting, value in (
            ("temp_directory", str(folder / "spilled")),
            ("preserve_insertion_order", False),
            ("enable_progress_bar", False),
            ("memory_limit", memory_limit),
            ("threads", threads),
        ):
            if value is not None:
                self._run(f"SET {setting} = {_quoted(value) if isinstance(value, str) else value}")
        for macro, body in _MACROS.items():
            self._run(f"CREATE MACRO {macro} AS {body}")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def define(self, name: str, function: Callable[..., NDArray[Any]], kinds: Sequence[str]) -> None:
        """Register a function of whole arrays for the queries."""
        import pyarrow

        def on_columns(*columns: Any) -> Any:
            return pyarrow.array(function(*(column.to_numpy() for column in columns)))

        names = [f"column_{at}" for at in range(len(kinds) - 1)]  # DuckDB counts the parameters
        columns = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in names]
        on_columns.__signature__ = inspect.Signature(columns)  # type: ignore[attr-defined]
        types = [kind if kind != TEXT else "VARCHAR" for kind in kinds]
        self._connection.create_function(name, on_columns, types[:-1], types[-1], type="arrow")

    def types(self, table: str) -> dict[str, str]:
        """Return the columns of a table with their types."""
        found = self._run(f"DESCRIBE SELECT * FROM {table}").fetchall()
        return {
            name: INTEGER if kind in _INTEGERS else TEXT if kind == "VARCHAR" else str(kind) for name, kind, *_ in found
        }

    def save(self, name: str, query: str) -> str:
        """Return a table with the rows of a query, stored as a Parquet file."""
        path = self.folder / f"{name}.parquet"
        if not self.kept:
            self._copy(query, path)
        elif not path.exists():
            self.write(query, path)
        return parquet_table(path)

    def put(self, name: str, columns: Mapping[str, NDArray[Any]]) -> str:
        """Return a table of arrays."""
        import pyarrow

        held = pyarrow.table({key: np.asarray(values) for key, values in columns.items()})
        self._connection.register("held", held)
        try:
            return self.save(name, "SELECT * FROM held")
        finally:
            self._connection.unregister("held")

    def row(self, query: str) -> tuple[Any, ...]:
        """Return the first row of a query."""
        return self._run(query).fetchone() or ()

    def arrays(self, query: str) -> dict[str, NDArray[Any]]:
        """Return the columns of a query as arrays."""
        return {name: np.asarray(values) for name, values in self._run(query).fetchnumpy().items()}

    def write(self, query: str, path: Path) -> None:
        """Write the rows of a query to a Parquet file, completely or not at all."""
        with atomic_path(path) as temporary:
            self._copy(query, temporary)

    def _copy(self, query: str, path: Path) -> None:
        self._run(f"COPY ({query}) TO {_quoted(str(path))} (FORMAT parquet)")

    def _run(self, query: str) -> Any:
        duckdb = _duckdb()
        try:
            return self._connection.execute(query)
        except duckdb.OutOfMemoryException as error:
            raise MemoryError(
                f"memory_limit must be larger for this input, got {self.memory_limit}: {_first_line(error)}"
            ) from None
        except duckdb.IOException as error:
            raise OSError(_first_line(error)) from None
        except (duckdb.ConversionException, duckdb.InvalidInputException) as error:
            raise ValueError(
                f"the files must hold one table with columns of one kind, got: {_first_line(error)}"
            ) from None


def check_memory_limit(memory_limit: Any) -> None:
    """Raise unless a memory limit is None or one that DuckDB understands."""
    if memory_limit is not None and not (isinstance(memory_limit, str) and _LIMIT.fullmatch(memory_limit)):
        raise ValueError(f"memory_limit must be None or a size such as '500MB' or '4GiB', got {memory_limit!r}")


def parquet_table(path: Path) -> str:
    """Return a Parquet file, or a folder of them, as a table of a query."""
    pattern = path / "**" / "*.parquet" if path.is_dir() else path
    return f"read_parquet({_quoted(str(pattern))})"


def _duckdb() -> Any:
    try:
        import duckdb
    except ImportError:
        raise ImportError("graphvid.duckdb needs DuckDB: pip install 'graphvid[duckdb]'") from None
    return duckdb


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
