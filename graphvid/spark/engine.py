"""Spark as an engine of the queries, with tables as temporary views or, with a folder, as Parquet."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graphvid.sql import INTEGER, TEXT, hashes

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_TYPES = {"tinyint": INTEGER, "smallint": INTEGER, "int": INTEGER, "bigint": INTEGER, "string": TEXT}
_PARTITIONS = "spark.sql.shuffle.partitions"
_PARTITION_BYTES = 8 * 2**20  # of Parquet: about 500,000 edges
_MIXED = ("PARQUET_COLUMN_DATA_TYPE_MISMATCH", "SchemaColumnConvertNotSupported")  # files of one table that differ


class Spark:
    """A session of Spark for the queries; its views have unique names, and `close` drops them."""

    def __init__(self, frame: DataFrame, folder: str | None = None) -> None:
        self.session = frame.sparkSession
        self.folder = folder
        self._token = f"graphvid_{secrets.token_hex(4)}"
        self._views: list[str] = []
        self._functions: list[str] = []

    def close(self) -> None:
        """Drop views and functions; data frames made from them stay."""
        for view in self._views:
            self.session.catalog.dropTempView(view)
        for name in self._functions:
            self.session.sql(f"DROP TEMPORARY FUNCTION IF EXISTS {name}")

    def view(self, name: str, frame: DataFrame) -> str:
        """Return a data frame as a table of the queries."""
        view = f"{self._token}_{name}"
        frame.createOrReplaceTempView(view)
        self._views.append(view)
        return view

    def define(self, name: str, function: Callable[..., NDArray[Any]], kinds: Sequence[str]) -> None:
        """Register a function of whole arrays for the queries."""
        from pyspark.sql.functions import pandas_udf

        self.session.udf.register(name, pandas_udf(by_value(function), kinds[-1]))
        self._functions.append(name)

    def types(self, table: str) -> dict[str, str]:
        """Return the columns of a table with their types."""
        fields = self.session.sql(f"SELECT * FROM {table}").schema.fields
        return {
            field.name: _TYPES.get(field.dataType.simpleString(), field.dataType.simpleString()) for field in fields
        }

    def save(self, name: str, query: str) -> str:
        """Return a table with the rows of a query: a view, or Parquet in the folder, which cuts the query plan."""
        return self._keep(name, self.session.sql(query))

    def put(self, name: str, columns: Mapping[str, NDArray[Any]]) -> str:
        """Return a table of arrays."""
        import pyarrow

        held = pyarrow.table({key: np.asarray(values, np.int64) for key, values in columns.items()})
        return self._keep(name, self.session.createDataFrame(held))

    def row(self, query: str) -> tuple[Any, ...]:
        """Return the first row of a query."""
        with _explained():
            rows = self.session.sql(query).limit(1).collect()
        return tuple(rows[0]) if rows else ()

    def arrays(self, query: str) -> dict[str, NDArray[Any]]:
        """Return the columns of a query as arrays."""
        with _explained():
            table = self.session.sql(query).toArrow()
        return {name: table.column(name).to_numpy() for name in table.column_names}

    def _keep(self, name: str, frame: DataFrame) -> str:
        if self.folder is None:
            return self.view(name, frame)
        path = f"{self.folder.rstrip('/')}/{name}"
        if not self._is_whole(path):
            with _explained():
                frame.write.mode("overwrite").parquet(path)
        return self.view(name, self.session.read.schema(frame.schema).parquet(path))

    def _is_whole(self, path: str) -> bool:
        """Return whether Spark has finished writing a folder."""
        hadoop = self.session._jvm.org.apache.hadoop.fs
        mark = hadoop.Path(f"{path}/_SUCCESS")
        return bool(mark.getFileSystem(self.session._jsc.hadoopConfiguration()).exists(mark))


def by_value(function: Callable[..., NDArray[Any]]) -> Callable[..., pd.Series]:
    """Return a function of arrays as one of series that is pickled with its code: workers need neither graphvid nor DGL."""
    from pyspark import cloudpickle

    cloudpickle.register_pickle_by_value(hashes)

    def on_series(*columns: pd.Series) -> pd.Series:
        return pd.Series(function(*(column.to_numpy() for column in columns)))

    on_series.__module__ = "__main__"  # pickled by value too
    return on_series


@contextmanager
def engine_of(frame: Any, name: str, folder: str | None = None) -> Iterator[Spark]:
    """Check a data frame and yield its engine; with a folder, the settings of the session reduce the number of jobs."""
    check_frame(frame, name)
    engine = Spark(frame, folder)
    try:
        with _set(engine.session, {} if folder is None else _few_jobs(frame)):
            yield engine
    finally:
        engine.close()


def _few_jobs(frame: DataFrame) -> dict[str, str]:
    """Return the settings with which a query is one job, with as many partitions as the data frame needs.

    Adaptive execution starts a job for every exchange, and a broadcast join one for its table. Without them nothing joins
    partitions that are small, so their number is the session's only where the data fills them.
    """
    size = int(frame._jdf.queryExecution().optimizedPlan().stats().sizeInBytes())
    most = int(str(frame.sparkSession.conf.get(_PARTITIONS)))
    return {
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.autoBroadcastJoinThreshold": "-1",
        _PARTITIONS: str(min(most, 1 + size // _PARTITION_BYTES)),
    }


@contextmanager
def _set(session: SparkSession, settings: Mapping[str, str]) -> Iterator[None]:
    """Change settings of a session inside the block."""
    before = {name: session.conf.get(name, None) for name in settings}
    try:
        for name, value in settings.items():
            session.conf.set(name, value)
        yield
    finally:
        for name, earlier in before.items():
            if earlier is None:
                session.conf.unset(name)
            else:
                session.conf.set(name, earlier)


def check_frame(frame: Any, name: str) -> None:
    """Raise unless ``frame`` is a data frame of a classic session of Spark 4 or later."""
    try:
        import pyspark
        from pyspark.sql import DataFrame
    except ImportError:
        raise ImportError(
            "graphvid.spark needs PySpark 4 or later, and Java 17: pip install 'graphvid[spark]'"
        ) from None
    if int(pyspark.__version__.split(".")[0]) < 4:
        raise ImportError(f"graphvid.spark needs PySpark 4 or later, got {pyspark.__version__}")
    if not isinstance(frame, DataFrame):
        raise TypeError(f"{name} must be a DataFrame of Spark, got {type(frame).__name__}")
    if not hasattr(frame.sparkSession, "_jsc"):
        raise TypeError(f"{name} must belong to a classic session of Spark, got one of Spark Connect")


@contextmanager
def _explained() -> Iterator[None]:
    """Turn Spark's errors about files that do not fit together into one sentence."""
    try:
        yield
    except Exception as error:  # Py4J's and PySpark's have no class in common
        if any(word in str(error) for word in _MIXED):
            raise ValueError(
                "the files must hold one table with columns of one kind, got a column that is integers in some and text in "
                "others"
            ) from None
        raise
