"""Reader of the Amazon co-purchase graphs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from graphvid._files import read_npz
from graphvid.data._files import find_files, integers, with_path
from graphvid.data.features import Features
from graphvid.data.relational import RelationalData

_MOST_VALUES = 2**28  # of the dense features, 1 GiB
_SOURCE = "the GitHub repository EdisonLeeeee/GraphData (datasets/amazon_photo.npz, datasets/amazon_cs.npz)"


class AmazonCoPurchase(RelationalData):
    """Products often bought together, with bags of words from their reviews and a product category.

    ========= ====== ================ ======== ======= ============== =============
    name       nodes undirected edges features classes isolated nodes edge homophily
    ========= ====== ================ ======== ======= ============== =============
    photo      7,650          119,081      745       8            115 0.827
    computers 13,752          245,861      767      10            281 0.777
    ========= ====== ================ ======== ======= ============== =============

    Edges have no weight. Features are 0 or 1 and dense for bags of words (about 35 % ones). There is no official split.

    Parameters
    ----------
    name : {"photo", "computers"}
        Name of the graph.
    data_dir : str or pathlib.Path, optional
        Folder that holds ``copurchase_graphs/amazon_photo.npz`` and ``copurchase_graphs/amazon_computers.npz``.
        Default: the environment variable GRAPHVID_DATA. Nothing is downloaded.

    Raises
    ------
    FileNotFoundError
        The file is not there; names the expected files and their source.
    ValueError
        Another name, or a corrupt file.

    Notes
    -----
    Files: ``edges`` (2, num_edges), ``labels`` (num_nodes,), and the features as CSR without data: ``x_indptr``,
    ``x_indices``, ``x_shape``. The source's arcs are directed; here they are made symmetric and unweighted.
    The packaging is under the MIT licence; the data's own licence is not stated.

    References
    ----------
    McAuley et al., "Image-based recommendations on styles and substitutes", SIGIR 2015. Shchur et al., "Pitfalls of
    graph neural network evaluation", 2018.
    """

    def __init__(self, name: Literal["photo", "computers"], data_dir: str | Path | None = None) -> None:
        if name not in ("photo", "computers"):
            raise ValueError(f"name must be 'photo' or 'computers', got {name!r}")
        (path,) = find_files(data_dir, "copurchase_graphs", [f"amazon_{name}.npz"], _SOURCE)
        arrays = read_npz(path, ("edges", "labels", "x_indptr", "x_indices", "x_shape"))
        try:
            words = _words(arrays)
            edges = integers(arrays, "edges", 2)
            if len(edges) != 2:
                raise ValueError(f"array 'edges' must have shape (2, num_edges), got {edges.shape}")
            super().__init__(
                name=f"amazon_{name}",
                src=edges[0],
                dst=edges[1],
                features=Features(pd.RangeIndex(len(words)), {"words": words}),
                labels=integers(arrays, "labels", 1),
            )
        except (TypeError, ValueError) as error:
            raise with_path(error, path) from None


def _words(arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
    """Return the features, which are stored as a sparse matrix of ones."""
    indptr, indices = integers(arrays, "x_indptr", 1), integers(arrays, "x_indices", 1)
    shape = tuple(integers(arrays, "x_shape", 1).tolist())
    if len(shape) != 2 or min(shape) < 1 or max(shape) > _MOST_VALUES or shape[0] * shape[1] > _MOST_VALUES:
        raise ValueError(f"array 'x_shape' must be two numbers >= 1 with a product of at most 2**28, got {shape}")
    ones = np.ones(len(indices), dtype=np.float32)
    matrix = sparse.csr_matrix((ones, indices, indptr), shape=shape)
    matrix.check_format(full_check=True)  # SciPy's kernels do not check the indices
    dense: NDArray[np.float32] = matrix.toarray()
    return dense
