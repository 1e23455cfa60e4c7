"""Affinity clustering: level by level every cluster joins its best neighbour, and chains become one cluster."""

from __future__ import annotations

import html
import inspect
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphvid._checks import check_choice, check_count, check_integer
from graphvid.clustering._ids import id_keys, ordered_weights, renumber_tree
from graphvid.clustering._levels import Rules, run_levels
from graphvid.clustering._threads import Threads
from graphvid.clustering.limits import Freeze, freeze_list, size_rule
from graphvid.clustering.linkage import Linkage, linkage_rule
from graphvid.clustering.threshold import Threshold, threshold_list
from graphvid.clustering.tree import ClusterTree
from graphvid.clustering.undirected import GraphLike, as_undirected

_MOST_LEVELS = 1000  # a level with merges at least halves the clusters: no graph has 64 such levels


def affinity_clustering(
    graph: GraphLike,
    *,
    num_levels: int | None = 3,
    linkage: Linkage = "average",
    threshold: Threshold = None,
    tie_break: Literal["hash", "index"] = "hash",
    seed: int = 0,
    ids: ArrayLike | None = None,
    node_weight: ArrayLike | None = None,
    min_cluster_size: float | None = None,
    max_cluster_size: float | None = None,
    prefer_min_cluster_size: bool = False,
    target_cluster_size: float | None = None,
    freeze: Freeze | Sequence[Freeze] | None = None,
    num_threads: int | None = None,
    progress: bool = False,
) -> ClusterTree:
    """Return the hierarchy of clusters that affinity clustering makes (Boruvka's rounds, with a linkage).

    In each level every cluster selects the best edge leaving it: the largest in (weight, tie-break) among those whose
    weight is at least the threshold. The components of the selected edges are the clusters of the next level, and
    parallel edges between two clusters are combined by the linkage. With ``linkage="max"`` and no threshold the
    selected edges form a maximum spanning forest.

    Parameters
    ----------
    graph : DGLGraph, SciPy sparse matrix or UndirectedGraph
        Undirected graph of similarities, larger is better. DGL graphs (one relation, edge feature ``weight``) and
        matrices hold both directions; for anything else make an `UndirectedGraph` first.
    num_levels : int or None
        Number of levels, default 3 (Lee et al.). When nothing merges any more, the further levels repeat the last clusters.
        None: all levels in which something merges.
    linkage : str, Percentile or AverageMaxDegreeBounded
        Weight between clusters X and Y from the weights S of the original edges between their nodes; the edge's own
        weight at level 1. ``"average"``: sum(S) / (|X| |Y|), where absent edges count as 0 (default). ``"max"``: max(S).
        ``"sum"``: sum(S). ``"explicit_average"``: sum(S) / len(S). ``"cut_sparsity"``: sum(S) / min(|X|, |Y|).
        `AverageMaxDegreeBounded` and `Percentile` have their own formulas.
    threshold : float, sequence of float, ThresholdSchedule or None
        Smallest weight that may merge, compared with the linkage's weight. One number, or one per level (the last holds
        for further levels); they may rise or fall. An empty sequence means 0.0, as in the published code. Default None:
        every edge may merge, also with zero or negative weight.
    tie_break : {"hash", "index"}
        Order of edges of equal weight: by a hash of the smallest members of both clusters and ``seed``, or the
        lexicographically smallest pair first. With few distinct weights "index" makes chains of thousands of nodes; it
        is meant for examples made by hand.
    seed : int
        Seed of the hash, in [-2**63, 2**64), taken modulo 2**64; default 0.
    ids : int or str (num_nodes,), optional
        The nodes' own ids, distinct; default: the nodes' numbers. Hashes of ids then break ties (for "index" the ids), and
        sums go by ascending ids. Another numbering of the same nodes and ids then gives the same clusters, also where
        weights are equal. Costs a sort of the edges.
    node_weight : float (num_nodes,), optional
        Positive weights; |X| is their sum over X, default 1 each. A linkage that divides by sizes first multiplies an edge
        by the same expression of its two nodes' weights, so that single nodes keep the weight of their edge.
    min_cluster_size : float, optional
        Clusters above this size (summed node weights) start no merge; others may still join them.
    max_cluster_size : float, optional
        No cluster exceeds this size. An edge is not eligible if the sizes of its ends sum to more. Within a component the
        selected edges merge one by one (weight descending, size of the selecting cluster ascending, smallest member
        ascending); a merge that would exceed the size is left out.
    prefer_min_cluster_size : bool
        A merge needs an end that is smaller than ``min_cluster_size`` at the time; default False.
    target_cluster_size : float, optional
        Approximate size of the clusters: short for this ``min_cluster_size`` with ``prefer_min_cluster_size=True``.
    freeze : Freeze or sequence of Freeze, optional
        Clusters to finish after each level; with several rules all must hold.
    num_threads : int, optional
        Default: Numba's, as ``NUMBA_NUM_THREADS`` sets it. The result does not depend on it.
    progress : bool
        Show a progress bar over the levels, default False.

    Returns
    -------
    ClusterTree

    Raises
    ------
    TypeError, ValueError
        An argument is not accepted; the message names it, the accepted values and the given one. For a wrong edge it
        names the edge.

    Notes
    -----
    Deterministic: the result depends neither on threads nor on the order of the edges. Linkages that sum weights first
    round them to a grid on which all sums are exact: to multiples of
    ``2**(ceil(log2(max |w|)) + ceil(log2(num_edges)) - 52)``. With more than 2**28 edges, sums are int64, and 62 replaces
    52. "max" and `Percentile` round nothing. Node weights, and `AverageMaxDegreeBounded` with ``c < 1``, multiply edges
    first; such sums are float64 by ascending nodes.

    Time O(num_edges) per level. At most log2(num_nodes) levels merge something. Memory beyond the graph: 8 bytes an edge
    until level 1 is made, unless its weight is already on the grid (counts are); 12 bytes for each edge left after level
    1, twice (20 bytes for "explicit_average"; with `Percentile` for each original edge, four times); and 20 bytes per node
    and thread.

    References
    ----------
    Bateni et al., "Affinity Clustering: Hierarchical Clustering at Scale", NeurIPS 2017. Lee et al., "Large Scale Video
    Representation Learning via Relational Graph Clustering", CVPR 2020. The options follow google/graph-mining, whose
    sequential and parallel variants break ties by ids. Here, weights between clusters always come from the original
    edges; they are never averages of averages.

    Examples
    --------
    >>> from graphvid.clustering import UndirectedGraph
    >>> path = UndirectedGraph.from_coo([0, 1, 2, 3], [1, 2, 3, 4], [3.0, 1.0, 2.0, 5.0], num_nodes=5)
    >>> tree = affinity_clustering(path, num_levels=2)
    >>> tree.labels[1], tree.labels[2]
    (array([0, 0, 1, 1, 1], dtype=int32), array([0, 0, 0, 0, 0], dtype=int32))
    """
    check_integer("num_levels", num_levels, 0, _MOST_LEVELS, none=True)
    check_choice("tie_break", tie_break, ("hash", "index"))
    rules = Rules(
        linkage_rule(linkage),
        threshold_list(threshold, num_levels),
        tie_break == "hash",
        np.uint64(check_count("seed", seed, -(2**63), 2**64 - 1) % 2**64),
        size_rule(min_cluster_size, max_cluster_size, prefer_min_cluster_size, target_cluster_size),
        freeze_list(freeze),
    )
    threads = Threads(num_threads)
    source = as_undirected(graph)
    if ids is None:
        return run_levels(source, node_weight, num_levels, rules, threads, progress)
    rank, keys = id_keys(ids, source.num_nodes)
    if node_weight is not None:
        node_weight = ordered_weights(node_weight, rank)
    tree = run_levels(
        source.numbered(rank), node_weight, num_levels, rules, threads, progress, keys if rules.hashed else None
    )
    return renumber_tree(tree, rank)


class AffinityClustering:
    """Affinity clustering as an estimator in the style of scikit-learn, with the parameters of `affinity_clustering`.

    Attributes
    ----------
    tree_ : ClusterTree
    labels_ : int32 (num_nodes,)
        Labels of the last level.

    Examples
    --------
    >>> from scipy.sparse import coo_array
    >>> pairs = coo_array(([1.0, 1.0, 2.0, 2.0], ([0, 1, 2, 3], [1, 0, 3, 2])), shape=(4, 4))
    >>> AffinityClustering(num_levels=1).fit_predict(pairs)
    array([0, 0, 1, 1], dtype=int32)
    """

    _estimator_type = "clusterer"  # what scikit-learn before 1.6 reads

    def __init__(
        self,
        num_levels: int | None = 3,
        *,
        linkage: Linkage = "average",
        threshold: Threshold = None,
        tie_break: Literal["hash", "index"] = "hash",
        seed: int = 0,
        min_cluster_size: float | None = None,
        max_cluster_size: float | None = None,
        prefer_min_cluster_size: bool = False,
        target_cluster_size: float | None = None,
        freeze: Freeze | Sequence[Freeze] | None = None,
        num_threads: int | None = None,
        progress: bool = False,
    ) -> None:
        self.num_levels = num_levels
        self.linkage = linkage
        self.threshold = threshold
        self.tie_break = tie_break
        self.seed = seed
        self.min_cluster_size = min_cluster_size
        self.max_cluster_size = max_cluster_size
        self.prefer_min_cluster_size = prefer_min_cluster_size
        self.target_cluster_size = target_cluster_size
        self.freeze = freeze
        self.num_threads = num_threads
        self.progress = progress

    def fit(
        self, graph: GraphLike, y: None = None, *, node_weight: ArrayLike | None = None, ids: ArrayLike | None = None
    ) -> AffinityClustering:
        """Cluster ``graph`` and return self; ``y`` is there for scikit-learn and must be None."""
        if y is not None:
            raise ValueError(f"y must be None, got {type(y).__name__}")
        self.tree_ = affinity_clustering(graph, node_weight=node_weight, ids=ids, **self.get_params())
        self.labels_ = self.tree_.labels[-1]
        return self

    def fit_predict(
        self, graph: GraphLike, y: None = None, *, node_weight: ArrayLike | None = None, ids: ArrayLike | None = None
    ) -> NDArray[Any]:
        """Cluster ``graph`` and return ``labels_``."""
        return self.fit(graph, y, node_weight=node_weight, ids=ids).labels_

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the constructor's arguments; ``deep`` is there for scikit-learn and changes nothing."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def set_params(self, **params: Any) -> AffinityClustering:
        """Change constructor arguments and return self."""
        names = tuple(inspect.signature(type(self)).parameters)
        for name, value in params.items():
            if name not in names:
                raise ValueError(f"parameters must be among {names}, got {name!r}")
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        return f"AffinityClustering({', '.join(f'{name}={value!r}' for name, value in self.get_params().items())})"

    def _repr_html_(self) -> str:
        """Return the HTML that a notebook shows."""
        return f"<pre>{html.escape(repr(self))}</pre>"

    def __sklearn_tags__(self) -> Any:  # Any: scikit-learn's Tags, which asks for them
        """Return scikit-learn's tags: an estimator that clusters graphs, not rows of features."""
        from sklearn.utils import InputTags, Tags, TargetTags

        return Tags(
            estimator_type="clusterer",
            target_tags=TargetTags(required=False),
            input_tags=InputTags(two_d_array=False, sparse=True, pairwise=True),
            no_validation=True,
        )
