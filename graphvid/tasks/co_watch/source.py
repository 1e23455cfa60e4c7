"""Source of the task co-watch: graph and features from a watch log, a list of edges, or a named data set."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from graphvid._dgl import DGLGraph
from graphvid._record import Count, Record, Seed, record
from graphvid.clustering import ClusterTree
from graphvid.data import (
    AmazonCoPurchase,
    AttributedGraph,
    Features,
    OGBGraph,
    RelationalData,
    SyntheticCoWatch,
    TikTok,
    WatchLog,
    load_features,
    read_edges,
    read_log_and_features,
)
from graphvid.data.attributed_graphs import NAMES
from graphvid.graphs import co_watch_graph, relation_graph
from graphvid.tasks._columns import column_names

Tune = Literal["none", "quick", "full"]
DATASETS = ("synthetic", "tiktok", "amazon-photo", "amazon-computers", *NAMES)


@record
class CoWatchSource(Record):
    """Log and features to read, and how to build the graph.

    Exactly one of ``dataset``, ``log`` and ``edges`` is given; the last two come with ``features``.

    Parameters
    ----------
    log : str, optional
        Watch log with ``user_id`` and ``video_id``, CSV or Parquet; see `graphvid.data.WatchLog.read`.
    columns : tuple of str, default ()
        Columns of the log that have other names there, ``user_id=userId``; in the command repeatable.
    delimiter : str, optional
        One character between the fields of a CSV. Default: a comma, in ``.tsv`` a tab.
    missing : {"error", "drop"}, default "error"
        What to do with rows of the log that lack a user or a video, or whose video has no features: refuse them, or drop
        them with a warning that counts them.
    features : str, optional
        Feature vectors of the videos, dense or sparse, ``.npy`` (or a folder of them), ``.npz`` or ``.parquet``; see
        `graphvid.data.load_features`.
    edges : str, optional
        Ready graph, CSV or Parquet with columns ``src``, ``dst`` and optionally ``weight``; see
        `graphvid.data.read_edges`.
    clusters : str, optional
        Ready clusters of all videos of ``edges``, in Parquet; see `graphvid.clustering.ClusterTree.read_parquet`. They have
        seen every edge, so ``train_fraction`` must be 1, and as many levels as the model's ``num_levels``.
    dataset : str, optional
        ``"synthetic"``, ``"tiktok"``, ``"amazon-photo"``, ``"amazon-computers"``, ``"cora_ml"``, ``"dblp"``,
        ``"citeseer"``, ``"blogcatalog"``, ``"coauthor_phy"``, or an OGB node data set such as
        ``"ogbn-products"``.
    data_dir : str, optional
        Folder of the data sets, for those that are read from files; default is the environment variable
        ``GRAPHVID_DATA``.
    weight : {"count", "binary", "cosine", "npmi"}
        Weight of a co-watch in a log; see `graphvid.graphs.co_watch_graph`, for this and the next three. They must be left
        at their defaults with a ready graph.
    min_count : int
        Fewest users who watched both videos.
    top_k : int or None
        Strongest neighbours kept a video; None keeps all.
    max_videos_per_user : int or None
        Videos of one user that count; None for all.
    train_fraction : float, default 0.7
        Share of the videos that is trained on, in (0, 1]; the others judge. 1 trains on all of them and judges nothing: the
        final fit, once the options are chosen.
    tune : {"none", "quick", "full"}, default "quick"
        How the features join the learned vector. ``"quick"``: two trainings of a third of the steps, with a linear way past
        the network (``skip``) and without it, leave out a quarter of the training videos, and these choose between both, and
        the form of the features beside the learned vector, their weight and the columns. ``"full"``: five such trainings, of
        all steps, which choose dropout and widths too. ``"none"``: the learned vector alone, or what the options of the
        method say.
    dim : str, default "auto"
        Columns of the vector under ``tune``: a number, ``"auto"`` to choose among 64 to 512, or ``"raw"`` to keep the features
        whole beside the learned vector.
    seed : int
        Of the generated world and of the builder.

    Raises
    ------
    ValueError
        A combination that does not name one source, or an unknown data set.
    """

    files: ClassVar[tuple[str, ...]] = ("log", "edges", "clusters", "features", "data_dir")

    log: str | None = None
    columns: tuple[str, ...] = ()
    delimiter: str | None = None
    missing: Literal["error", "drop"] = "error"
    features: str | None = None
    edges: str | None = None
    clusters: str | None = None
    dataset: str | None = None
    data_dir: str | None = None
    weight: Literal["count", "binary", "cosine", "npmi"] = "count"
    min_count: Count = 1
    top_k: Annotated[int | None, Field(ge=1)] = 50
    max_videos_per_user: Annotated[int | None, Field(ge=1)] = 100
    train_fraction: Annotated[float, Field(gt=0, le=1)] = 0.7
    tune: Tune = "quick"
    dim: str = "auto"
    seed: Seed = 0

    def __post_init__(self) -> None:
        given = [name for name in ("dataset", "log", "edges") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"exactly one of dataset, log and edges must be given, got {given or 'none'}")
        if (self.dataset is None) != (self.features is not None):
            raise ValueError("features must be given with log and edges, and not with dataset")
        if self.clusters is not None and self.edges is None:
            raise ValueError("clusters must be given only with edges, which they are of")
        if self.clusters is not None and self.train_fraction != 1:
            raise ValueError(
                f"train_fraction must be 1 with clusters, which have seen the edges of all videos, got {self.train_fraction}"
            )
        if self.dataset is not None and self.dataset not in DATASETS and not self.dataset.startswith("ogbn-"):
            raise ValueError(f"dataset must be one of {list(DATASETS)} or an OGB name 'ogbn-...', got {self.dataset!r}")
        if self.data_dir is not None and self.dataset in (None, "synthetic"):
            raise ValueError("data_dir must be given only with a dataset that is read from files")
        if self.dim not in ("auto", "raw") and not (self.dim.isdecimal() and 1 <= int(self.dim) <= _MOST_COLUMNS):
            raise ValueError(
                f"dim must be 'auto', 'raw' or a number of columns up to {_MOST_COLUMNS}, got {self.dim!r}"
            )
        if self.dim != "auto" and self.tune == "none":
            raise ValueError(
                f"dim must be 'auto' with tune 'none', got {self.dim!r}; --set dim= is that of the learnt vector"
            )
        column_names(self.columns)
        defaults = {field.name: field.default for field in fields(CoWatchSource)}
        changed = [name for name in _FILE_OPTIONS if getattr(self, name) != defaults[name]]
        if self.log is None and changed:
            raise ValueError(f"{changed} apply to a log that is given, got none")
        if self.log is None and self.dataset not in ("synthetic", "tiktok"):
            changed = [name for name in _LOG_OPTIONS if getattr(self, name) != defaults[name]]
            if changed:
                raise ValueError(f"{changed} apply to watch logs only; this source is a ready graph")


_MOST_COLUMNS = 2**16
_FILE_OPTIONS = ("columns", "delimiter", "missing")
_LOG_OPTIONS = ("weight", "min_count", "top_k", "max_videos_per_user")


@dataclass(frozen=True, eq=False)
class VideoGraph:
    """A graph of all videos with their features; row i of the features is node i.

    Parameters
    ----------
    name : str
        For headings.
    graph : DGLGraph
        ``(video, co_watch, video)`` with ``edata["weight"]``.
    features : Features
        With the videos' own ids.
    oracle : ndarray of float32, shape (num_videos, dim), optional
        The embedding from the true topics, for generated data.
    train_fraction : float
        Share of the training videos.
    tune, dim : str
        As in `CoWatchSource`; the default is no tuning.
    tree : ClusterTree, optional
        Clusters of the graph, if they exist already.
    """

    name: str
    graph: DGLGraph
    features: Features
    oracle: NDArray[np.float32] | None = None
    train_fraction: float = 0.7
    tune: Tune = "none"
    dim: str = "auto"
    tree: ClusterTree | None = None

    def fingerprint(self) -> dict[str, Any]:  # Any: JSON values
        """Return counts and a checksum of ids, edges, weights and features: equal for equal data."""
        crc = zlib.crc32("\0".join(self.features.ids.astype(str)).encode())
        parts = [*self.graph.edges(order="eid"), self.graph.edata["weight"]]
        levels = [] if self.tree is None else self.tree.parents
        for array in [*(part.numpy() for part in parts), *levels]:
            crc = zlib.crc32(np.ascontiguousarray(array).data, crc)
        crc = self.features.checksum(crc)
        return {
            "name": self.name,
            "num_videos": self.graph.num_nodes(),
            "num_edges": self.graph.num_edges() // 2,
            "dims": self.features.dims,
            "train_fraction": self.train_fraction,
            "crc32": crc,
        }


def load_video_graph(source: CoWatchSource, *, progress: bool = True) -> VideoGraph:
    """Read a source and build its graph.

    Parameters
    ----------
    source : CoWatchSource
        What to read.
    progress : bool, default True
        Show a bar while co-watches are counted.

    Returns
    -------
    VideoGraph
    """
    return replace(_load(source, progress), train_fraction=source.train_fraction, tune=source.tune, dim=source.dim)


def _load(source: CoWatchSource, progress: bool) -> VideoGraph:
    if source.dataset is None and source.features is not None:
        if source.log is not None:
            log, features = read_log_and_features(
                source.log,
                source.features,
                columns=column_names(source.columns),
                measures=(),
                duplicates="keep",
                missing=source.missing,
                delimiter=source.delimiter,
                mmap=True,
            )
            return VideoGraph(Path(source.log).name, _co_watch(log, source, progress), features)
        assert source.edges is not None
        features = load_features(source.features, mmap=True)
        videos = _from_relations(read_edges(source.edges, features))
        if source.clusters is None:
            return videos
        return replace(videos, tree=ClusterTree.read_parquet(source.clusters, ids=features.ids))
    if source.dataset == "tiktok":
        tiktok = TikTok(source.data_dir)
        return VideoGraph("tiktok", _co_watch(tiktok.log, source, progress), tiktok.features)
    if source.dataset == "amazon-photo":
        return _from_relations(AmazonCoPurchase("photo", source.data_dir))
    if source.dataset == "amazon-computers":
        return _from_relations(AmazonCoPurchase("computers", source.data_dir))
    if source.dataset in NAMES:
        return _from_relations(AttributedGraph(source.dataset, source.data_dir))
    if source.dataset == "synthetic":
        world = SyntheticCoWatch(seed=source.seed)
        return VideoGraph("synthetic world", _co_watch(world.log, source, progress), world.features, world.oracle)
    assert source.dataset is not None
    return _from_relations(OGBGraph(source.dataset, source.data_dir))


def _co_watch(log: WatchLog, source: CoWatchSource, progress: bool) -> DGLGraph:
    return co_watch_graph(
        log,
        weight=source.weight,
        min_count=source.min_count,
        top_k=source.top_k,
        max_videos_per_user=source.max_videos_per_user,
        seed=source.seed,
        progress=progress,
    )


def _from_relations(data: RelationalData) -> VideoGraph:
    graph = relation_graph(data.src, data.dst, data.weight, num_nodes=data.num_nodes, ids=data.features.ids)
    return VideoGraph(data.name, graph, data.features)
