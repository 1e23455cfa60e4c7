"""Source of the task codes: features of the items, and labels or links that define similar items."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from graphvid._record import Record, Seed, record
from graphvid.data import Features, SyntheticCoWatch, load_features, read_labels
from graphvid.ops import NeighborTable


@record
class CodesSource(Record):
    """Features to code, and labels or links where there are any.

    Exactly one of ``dataset``, ``features`` and ``from_run`` is given.

    Parameters
    ----------
    features : str, optional
        Feature vectors of the videos: ``.npy``, ``.npz`` or ``.parquet``; see `graphvid.data.load_features`.
    from_run : str, optional
        A finished run whose vectors are coded.
    labels : str, optional
        CSV or Parquet with the columns ``video_id`` and ``label``, one row for every video. Methods with labels learn from
        those of the database; all are judged by them.
    graph : bool
        Take the co-watch graph of ``from_run``, for methods that learn from links where there are no labels, and for the
        walks of the others.
    dataset : str, optional
        ``"synthetic"``: a generated world, labelled by topic.
    seed : int
        Of the generated world, and of the split into database, validation and queries.

    Raises
    ------
    ValueError
        A combination that does not name one source.
    """

    files: ClassVar[tuple[str, ...]] = ("features", "from_run", "labels")

    features: str | None = None
    from_run: str | None = None
    labels: str | None = None
    graph: bool = False
    dataset: Literal["synthetic"] | None = None
    seed: Seed = 0

    def __post_init__(self) -> None:
        given = [name for name in ("dataset", "features", "from_run") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"exactly one of dataset, features and from_run must be given, got {given or 'none'}")
        if self.dataset is not None and self.labels is not None:
            raise ValueError("labels must not be given with dataset, which brings its own")
        if self.graph and self.from_run is None:
            raise ValueError("graph needs from_run, whose graph is taken")


@dataclass(frozen=True, eq=False)
class LoadedCodes:
    """Features of the videos, with labels or links.

    Parameters
    ----------
    name : str
        For headings.
    features : Features
        With the videos' own ids.
    labels : ndarray of int64, shape (num_videos,), optional
        Classes from 0 on.
    graph : NeighborTable, optional
        Links between the videos.
    seed : int
        Of the split into database, validation and queries.
    """

    name: str
    features: Features
    labels: NDArray[np.int64] | None = None
    graph: NeighborTable | None = None
    seed: int = 0

    def fingerprint(self) -> dict[str, Any]:  # Any: JSON values
        """Return counts and a checksum of ids, features, labels and links: equal for equal data."""
        crc = zlib.crc32("\0".join(self.features.ids.astype(str)).encode())
        arrays: list[NDArray[Any]] = list(self.features.modalities.values())
        arrays += [] if self.labels is None else [self.labels]
        arrays += [] if self.graph is None else [x.numpy() for x in self.graph]
        for array in arrays:
            crc = zlib.crc32(np.ascontiguousarray(array).data, crc)
        return {
            "name": self.name,
            "num_videos": self.features.num_videos,
            "dims": self.features.dims,
            "num_classes": None if self.labels is None else int(self.labels.max()) + 1,
            "num_links": None if self.graph is None else len(self.graph.indices),
            "split_seed": self.seed,
            "crc32": crc,
        }


def load_codes(source: CodesSource, *, progress: bool = True) -> LoadedCodes:
    """Read a source.

    Parameters
    ----------
    source : CodesSource
        What to read.
    progress : bool, default True
        Show a bar while co-watches are counted.

    Raises
    ------
    FileNotFoundError
        A file or run that is not there.
    ValueError
        Labels that do not name every video once, or a run without vectors or, with ``graph``, without a graph.
    """
    if source.dataset is not None:
        world = SyntheticCoWatch(seed=source.seed)
        return LoadedCodes("synthetic world", world.features, np.asarray(world.topics, np.int64), seed=source.seed)
    graph = None
    if source.features is not None:
        name, features = Path(source.features).name, load_features(source.features).dense()
    else:
        assert source.from_run is not None
        name, features, graph = _of_run(source.from_run, source.graph, progress)
    labels = None if source.labels is None else read_labels(source.labels, features)
    return LoadedCodes(name, features, labels, graph, source.seed)


def _of_run(path: str, with_graph: bool, progress: bool) -> tuple[str, Features, NeighborTable | None]:
    from graphvid.runs import VectorRun
    from graphvid.sampling import neighbor_table
    from graphvid.tasks import load_run
    from graphvid.tasks.co_watch import CoWatchSource

    run = load_run(path)
    if not isinstance(run, VectorRun):
        raise ValueError(f"from_run must be a run that has vectors, got one of {run.config['title']}")
    name = f"vectors of {Path(path).name}"
    if not with_graph:
        return name, run.vectors(), None
    if not isinstance(run.source, CoWatchSource):
        raise ValueError(f"graph needs a run that has learnt from a co-watch graph, got one of {run.config['title']}")
    videos = run.read_source(progress=progress)
    return name, run.vectors().align(videos.features.ids), neighbor_table(videos.graph)
