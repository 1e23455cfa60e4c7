"""Amazon co-purchase graphs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from scipy import sparse

from graphvid.data._files import find_files, read_arrays
from graphvid.data.features import Features
from graphvid.data.relational import RelationalData

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
        Which graph.
    data_dir : str or pathlib.Path, optional
        Folder that holds ``copurchase_graphs/amazon_photo.npz`` and ``copurchase_graphs/amazon_computers.npz``.
        Default: the environment variable GRAPHVID_DATA. Nothing is downloaded.

    Raises
    ------
    FileNotFoundError
        The file is not there; says what is expected and where it comes from.
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
        arrays = read_arrays(path, ("edges", "labels", "x_indptr", "x_indices", "x_shape"))
        indices, indptr = arrays["x_indices"].astype(np.int32), arrays["x_indptr"].astype(np.int32)
        ones = np.ones(len(indices), dtype=np.float32)
        words = sparse.csr_matrix((ones, indices, indptr), shape=tuple(arrays["x_shape"].tolist())).toarray()
        src, dst = arrays["edges"].astype(np.int64)
        super().__init__(
            name=f"amazon_{name}",
            src=src,
            dst=dst,
            features=Features(pd.RangeIndex(len(words)), {"words": words}),
            labels=arrays["labels"].astype(np.int64),
        )
