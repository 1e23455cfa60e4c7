"""Reader of graphs of the Open Graph Benchmark, by means of the package ``ogb``."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graphvid._checks import node_ids
from graphvid._files import read_npz, reading
from graphvid._ogb import no_version_check
from graphvid.data._files import find_root, integers, with_path
from graphvid.data._ids import name_some
from graphvid.data.features import Features
from graphvid.data.relational import RelationalData


class OGBGraph(RelationalData):
    """A graph of the Open Graph Benchmark whose nodes have features: ``ogbn-arxiv``, ``ogbl-collab``, ...

    It drops directions and self loops, and merges parallel edges. The edge weight is the sum of the weights of the parallel
    edges if the data set has ``edge_weight`` (ogbl-collab), otherwise None; other edge features are not read. The only
    modality is "features". Node ids are 0, 1, ...

    Parameters
    ----------
    name : str
        ``ogbn-*`` (labels are classes) or ``ogbl-*`` (no labels; the edges are the training edges).
    root : str or pathlib.Path, optional
        Folder that holds the folder of the data set, ``ogbn_arxiv`` for ``ogbn-arxiv``. Default: the environment
        variable GRAPHVID_DATA.
    download : bool, default False
        Whether to download a missing data set from its address in ``ogb``, without asking.
    meta_dict : mapping, optional
        Description of a data set of your own, as ``ogb.io.DatasetSaver.get_meta_dict`` returns it; ``root`` is then the
        folder of the data set itself, the one that holds ``raw``.

    Raises
    ------
    FileNotFoundError
        The files are not there; names the expected files.
    ValueError
        A name that ``ogb`` does not know, another version of the data set, several node types, no node features, or
        a corrupt file.

    Notes
    -----
    ``ogb.io.read_graph_raw`` reads the files under ``raw``. This class does not read or write the cache that ``ogb`` keeps
    under ``processed``: it is a pickle that ``torch.load`` reads only with ``weights_only=False``, and then it may run any
    code. The import of ``ogb`` skips its version check, which uses the network. Licences differ by data set; see the web page
    of the benchmark.

    References
    ----------
    Hu et al., "Open Graph Benchmark: datasets for machine learning on graphs", NeurIPS 2020.
    """

    def __init__(
        self,
        name: str,
        root: str | Path | None = None,
        *,
        download: bool = False,
        meta_dict: Mapping[str, Any] | None = None,  # Any: ogb mixes int and str
    ) -> None:
        if not name.startswith(("ogbn-", "ogbl-")):
            raise ValueError(f"name must start with 'ogbn-' or 'ogbl-', got {name!r}")
        ogb = _import_ogb()
        inner = "raw" if meta_dict is not None else name.replace("-", "_")
        root = find_root(root, "root", f"{inner}/ of {name}")
        folder = root if meta_dict is not None else root / inner
        meta = dict(meta_dict) if meta_dict is not None else _describe(ogb, name)
        if meta["is hetero"] == "True":
            raise ValueError(f"name must be a data set with one node type, got {name!r}, which has several")
        binary = meta["binary"] == "True"
        label = f"raw/node-label.{'npz' if binary else 'csv.gz'}"
        files = [f"RELEASE_v{meta['version']}.txt", f"raw/{'data.npz' if binary else 'edge.csv.gz'}"]
        _require(folder, [*files, label] if name.startswith("ogbn-") else files, name, meta, download)
        graph = _read_raw(folder, binary, meta, name)
        labels = _read_labels(folder / label, binary) if name.startswith("ogbn-") else None
        if graph["node_feat"] is None:
            raise ValueError(f"name must be a data set with node features, got {name!r}, which has none")
        try:
            table = np.atleast_1d(graph["node_feat"])
            features = Features(pd.RangeIndex(len(table)), {"features": table})
            num_nodes = features.num_videos
            if int(graph["num_nodes"]) != num_nodes:
                raise ValueError(f"there must be features of every node, got {graph['num_nodes']} and {num_nodes}")
            edges = integers(graph, "edge_index", 2)
            if len(edges) != 2:
                raise ValueError(f"the edges must have shape (2, num_edges), got {edges.shape}")
            for ends in edges:
                node_ids("the ends of edges", ends, num_nodes, "(num_edges,)")
            weight = graph.get("edge_weight")
            if weight is not None and np.size(weight) != edges.shape[1]:
                raise ValueError(f"there must be a weight of every edge, got {np.size(weight)} of {edges.shape[1]}")
            if labels is not None and (labels.ndim != 2 or len(labels) != num_nodes or labels.dtype.kind not in "iuf"):
                raise ValueError(f"the labels must be numbers in {num_nodes} rows, got shape {labels.shape}")
            src, dst, weight = _undirected(edges, weight, num_nodes)
            single = labels is not None and "classification" in meta["task type"] and labels.shape[1] == 1
            classes = _classes(labels[:, 0]) if single and labels is not None else None
            super().__init__(name=name, src=src, dst=dst, features=features, weight=weight, labels=classes)
        except (TypeError, ValueError) as error:
            raise with_path(error, folder) from None


def _import_ogb() -> ModuleType:
    """Return ogb, imported without the thread that asks a package index for a newer version."""
    with no_version_check():
        import ogb

    return ogb  # type: ignore[no-any-return]


def _describe(ogb: ModuleType, name: str) -> dict[str, Any]:
    """Return ogb's description of one of its own data sets."""
    task = "nodeproppred" if name.startswith("ogbn-") else "linkproppred"
    table = Path(next(iter(ogb.__path__))) / task / "master.csv"
    known = pd.read_csv(table, index_col=0, keep_default_na=False)
    if name not in known:
        raise ValueError(f"name must be one of {list(known.columns)}, got {name!r}")
    return {str(key): value for key, value in known[name].items()}


def _require(folder: Path, files: list[str], name: str, meta: dict[str, Any], download: bool) -> None:
    """Raise unless the files exist, after a download on request; never change a folder with other content."""
    if not folder.exists() and download:
        _download(meta["url"], meta["download_name"], folder)
    absent = [file for file in files if not (folder / file).is_file()]
    if not absent:
        return
    found = f"got a folder with {name_some(sorted(os.listdir(folder)))}" if folder.is_dir() else "which does not exist"
    advice = "move it away and pass" if folder.exists() else "pass"
    raise FileNotFoundError(
        f"{name} needs {' and '.join(absent)} in {folder}, {found}; {advice} download=True to get it from {meta['url']}"
    )


def _download(url: str, inner: str, folder: Path) -> None:
    """Download and unpack a data set beside ``folder``, then rename it to ``folder``."""
    from ogb.utils.url import download_url, extract_zip

    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                extract_zip(download_url(url, temporary, log=False), temporary)
            shutil.move(Path(temporary) / inner, folder)
        except (OSError, RuntimeError, zipfile.BadZipFile) as error:
            raise OSError(f"{url} could not be downloaded and unpacked ({error})") from None


def _read_raw(folder: Path, binary: bool, meta: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the one graph of a data set as arrays, with the keys of ogb."""
    if binary:
        return _read_binary(folder / "raw" / "data.npz")
    extra = [name for name in meta["additional edge files"].split(",") if name == "edge_weight"]
    # The output of ogb and its progress bar over one graph have no information.
    with (
        reading(folder, f"a readable copy of {name}"),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        from ogb.io.read_graph_raw import read_csv_graph_raw

        graphs = read_csv_graph_raw(folder / "raw", additional_edge_files=extra)
        return dict(graphs[0])


def _read_binary(path: Path) -> dict[str, Any]:
    # ogb.io.read_binary_graph_raw is not used, because it trusts the headers of the file.
    arrays = read_npz(path, ("edge_index", "num_nodes_list", "num_edges_list"))
    counts = {key: arrays[f"num_{key}_list"] for key in ("nodes", "edges")}
    for key, count in counts.items():
        if count.size != 1 or count.dtype.kind not in "iu":
            raise ValueError(f"{path} must hold one graph, got num_{key}_list {count!r}")
    edges = arrays["edge_index"]
    if edges.ndim != 2 or edges.shape[1] != counts["edges"].item():
        raise ValueError(f"{path} must hold {counts['edges'].item()} edges, got shape {edges.shape}")
    found = {"edge_index": edges, "num_nodes": counts["nodes"].item(), "node_feat": arrays.get("node_feat")}
    return found | ({"edge_weight": arrays["edge_weight"]} if "edge_weight" in arrays else {})


def _read_labels(path: Path, binary: bool) -> NDArray[Any]:
    if binary:
        return read_npz(path, ("node_label",))["node_label"]
    with reading(path, "a table of labels"):
        return pd.read_csv(path, compression="gzip", header=None).to_numpy()


def _classes(labels: NDArray[Any]) -> NDArray[np.int64]:
    """Return labels as integers, -1 for unknown ones."""
    known = np.nan_to_num(labels, nan=-1)
    if (np.abs(known) >= 2**31).any() or (known != np.trunc(known)).any():
        raise ValueError(f"the labels must be whole numbers below 2**31, got {known.min()} to {known.max()}")
    classes: NDArray[np.int64] = known.astype(np.int64)
    return classes


def _undirected(
    edges: NDArray[np.int64], weight: NDArray[np.floating] | None, num_nodes: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32] | None]:
    """Return every undirected edge once, smaller end first, sorted; weights of parallel edges are summed in float64."""
    low, high = edges.min(axis=0), edges.max(axis=0)
    proper = low < high
    codes, inverse = np.unique(low[proper] * num_nodes + high[proper], return_inverse=True)
    src, dst = codes // max(num_nodes, 1), codes % max(num_nodes, 1)
    if weight is None:
        return src, dst, None
    total = np.bincount(inverse, weights=np.asarray(weight, dtype=np.float64).reshape(-1)[proper], minlength=len(codes))
    return src, dst, total.astype(np.float32)
