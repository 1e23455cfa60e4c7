"""The result of a search in any index: the ids of the best items, and their scores."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class SearchResult(NamedTuple):
    """The items of the highest scores for each query.

    Parameters
    ----------
    ids : ndarray of int64 or str, shape (num_queries, top_k)
        The best item first, equal scores by ascending id.
    scores : ndarray of float, shape (num_queries, top_k)
        Their scores: float64 from an exact search, float32 from codes and from FAISS.
    """

    ids: NDArray[Any]  # Any: int64 or text
    scores: NDArray[np.floating[Any]]
