"""A session of DuckDB for one command from files to a file, with a folder for data that do not fit in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from graphvid._checks import check_integer
from graphvid._files import StrPath, check_output
from graphvid.duckdb.engine import DuckDB, check_memory_limit


class Memory(NamedTuple):
    """Memory that DuckDB may use."""

    limit: str | None
    threads: int | None


@contextmanager
def session(
    out: StrPath, inputs: Sequence[tuple[str, StrPath | None]], memory: Memory, folder: StrPath | None = None
) -> Iterator[DuckDB]:
    """Yield an engine whose tables are in ``folder``, or beside ``out`` and removed at the end.

    ``inputs`` are the files that are read, each with the name of its argument.
    """
    check_memory_limit(memory.limit)
    check_integer("threads", memory.threads, 1, none=True)
    for name, path in inputs:
        if path is not None and not Path(path).exists():
            raise FileNotFoundError(f"{name} not found, got {path}")
    check_output(out, [path for _, path in inputs])
    with ExitStack() as stack:
        kept = folder is not None
        if folder is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(dir=Path(out).parent, prefix=".graphvid-"))
        Path(folder).mkdir(exist_ok=True)
        engine = DuckDB(Path(folder), memory.limit, memory.threads, kept=kept)
        stack.callback(engine.close)
        yield engine
