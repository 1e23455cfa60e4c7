"""Reader of graphs of papers, authors and blogs with bags of words, whose raw features already find neighbours well."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from graphvid._checks import check_choice
from graphvid._files import read_npz
from graphvid.data._files import find_files, integers, with_path
from graphvid.data.features import Features
from graphvid.data.relational import RelationalData

NAMES = ("cora_ml", "dblp", "citeseer", "blogcatalog", "coauthor_phy")
_SOURCE = "the GitHub repository EdisonLeeeee/GraphData (datasets/NAME.npz)"


class AttributedGraph(RelationalData):
    """A graph of papers, authors or blogs with bags of words.

    ============ ====== ================ ======== ======= ============== =============
    name          nodes undirected edges features classes isolated nodes edge homophily
    ============ ====== ================ ======== ======= ============== =============
    cora_ml       2,995            8,158    2,879       7              0 0.789
    dblp         17,716           52,867    1,639       4              0 0.828
    citeseer      3,312            4,536    3,703       6             48 0.738
    blogcatalog   5,196          171,743    8,189       6              0 0.401
    coauthor_phy 34,493          247,962    8,415       5              0 0.931
    ============ ====== ================ ======== ======= ============== =============

    Edges have no weight and no direction. Features are words, 0 or 1 or weighted, most of them 0, and stay
    sparse (`scipy.sparse.csr_array`). There is no official split.

    Parameters
    ----------
    name : {"cora_ml", "dblp", "citeseer", "blogcatalog", "coauthor_phy"}
        Name of the graph.
    data_dir : str or pathlib.Path, optional
        Folder that holds ``attributed_graphs/NAME.npz``. Default: the environment variable GRAPHVID_DATA. Nothing is
        downloaded.

    Raises
    ------
    FileNotFoundError
        The file is not there; names the expected files and their source.
    ValueError
        Another name, or a corrupt file.

    Notes
    -----
    Files: ``edges`` (2, num_edges), ``labels`` (num_nodes,), and the features as CSR: ``x_indptr``, ``x_indices``,
    ``x_shape``, and ``x_data`` where they are not all 1.

    References
    ----------
    Bojchevski and Guennemann, "Deep Gaussian embedding of graphs", ICLR 2018. Sen et al., "Collective classification in
    network data", 2008. Shchur et al., "Pitfalls of graph neural network evaluation", 2018.
    """

    def __init__(self, name: str, data_dir: str | Path | None = None) -> None:
        check_choice("name", name, NAMES)
        (path,) = find_files(data_dir, "attributed_graphs", [f"{name}.npz"], _SOURCE)
        arrays = read_npz(path, ("edges", "labels", "x_indptr", "x_indices", "x_shape"))
        try:
            indptr, indices = integers(arrays, "x_indptr", 1), integers(arrays, "x_indices", 1)
            shape = tuple(integers(arrays, "x_shape", 1).tolist())
            if len(shape) != 2 or min(shape) < 1:
                raise ValueError(f"array 'x_shape' must be two numbers >= 1, got {shape}")
            values = arrays["x_data"] if "x_data" in arrays else np.ones(len(indices), np.float32)
            words = sparse.csr_matrix((values.astype(np.float32), indices, indptr), shape=shape)
            words.check_format(full_check=True)  # SciPy's kernels do not check the indices
            edges = integers(arrays, "edges", 2)
            if len(edges) != 2:
                raise ValueError(f"array 'edges' must have shape (2, num_edges), got {edges.shape}")
            super().__init__(
                name=name,
                src=edges[0],
                dst=edges[1],
                features=Features(pd.RangeIndex(shape[0]), {"words": words}),
                labels=integers(arrays, "labels", 1),
            )
        except (TypeError, ValueError) as error:
            raise with_path(error, path) from None
