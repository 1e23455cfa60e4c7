"""Bad arguments over the public API: each ends in an error of ours that names the argument, none in silence or a crash.

A case is (name, call, what the message must match). "Ours" means that the last frame of the traceback lies in graphvid:
an error of NumPy, PyTorch or Numba would say what broke inside, not what to give instead.
"""

from __future__ import annotations

import traceback
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch

import graphvid
from graphvid import data, losses, metrics, nn, ops
from graphvid._dgl import dgl
from graphvid.clustering import (
    AffinityClustering,
    AverageMaxDegreeBounded,
    ClusterTree,
    Freeze,
    Percentile,
    ThresholdSchedule,
    UndirectedGraph,
    affinity_clustering,
    maximum_spanning_forest,
    plot_dendrogram,
)
from graphvid.data import Interactions, WatchLog
from graphvid.graphs import (
    ClipLabels,
    co_watch_graph,
    edge_norms,
    label_clips,
    node_subgraph,
    relation_graph,
    split_nodes,
    user_clip_graph,
    user_item_graph,
)
from graphvid.nn.row_table import RowTable
from graphvid.ops import Adjacency, NeighborTable, Relations, segment_reduce
from graphvid.optim import DeferredAdam
from graphvid.sampling import (
    ItemNegativeSampler,
    NeighborPicks,
    NeighborSampler,
    ShuffledBatches,
    StreamingFrequency,
    TripletSampler,
    history_block,
    neighbor_table,
    sample_neighbors,
    to_block,
)

OURS = (ValueError, TypeError, KeyError, OSError)  # FileExistsError is an OSError
PACKAGE = str(Path(graphvid.__file__).parent)
CASES: list[tuple[str, object, str]] = []


def case(name, call, match):
    CASES.append((name, call, match))


def T(values, **options):
    return torch.tensor(values, **options)


def csr(indptr, indices, data=None, shape=(3, 3), kind=sp.csr_array):
    """A matrix without SciPy's checks."""
    matrix = kind(shape)
    matrix.indptr, matrix.indices = np.asarray(indptr), np.asarray(indices)
    matrix.data = np.ones(len(matrix.indices)) if data is None else data
    return matrix


def bsr(indptr, indices, shape=(4, 4)):
    matrix = sp.bsr_array(np.eye(shape[0]), blocksize=(2, 2))
    matrix.indptr, matrix.indices = np.asarray(indptr), np.asarray(indices)
    return matrix


LOG = WatchLog.from_frame(
    pd.DataFrame(
        {
            "user_id": np.repeat(np.arange(20), 10),
            "video_id": (np.arange(200) * 7 + np.arange(200) // 10) % 30,
            "watch_time": 5.0,
            "duration": 8.0,
        }
    )
)
G = co_watch_graph(LOG)
TREE = affinity_clustering(G)
TABLE = NeighborTable(T([0, 1, 2, 3, 4]), T([1, 0, 3, 2]))
PAIRS = Interactions.from_pairs([0, 0, 1], [0, 1, 2])
ADJ = Adjacency.from_coo(T([0, 1, 2]), T([1, 2, 0]), num_src=3, num_dst=3)
TWO = Adjacency.from_coo(T([0, 1]), T([0, 0]), num_src=2, num_dst=1)
X = torch.ones(4, 3)
UNIT = torch.nn.functional.normalize(X)
IDS = T([0, 1, 2, 3])
PICKS = sample_neighbors(ADJ, T([0, 1]), 1)
SCORES = torch.arange(12.0).view(3, 4)
LISTS = ([0, 1, 2, 3], [0, 1, 2])


def score(users):
    return SCORES[users]


def labels(**change):
    good = {
        "user": np.array([0, 1]),
        "video": np.array([0, 1]),
        "stop": np.array([2, 1]),
        "count": np.array([1, 1]),
        "row": np.array([0, 1]),
        "num_clips": 2,
        "dropped": {},
    }
    return ClipLabels(**{**good, **change})


def adam(rows, parameter=None):
    table = torch.nn.Parameter(torch.ones(5, 2))
    optimizer = DeferredAdam([table], lr=0.1)
    optimizer.catch_up(table, T([0]))
    torch.nn.functional.embedding(T([0]), table, sparse=True).sum().backward()
    optimizer.step()
    optimizer.catch_up(table if parameter is None else parameter, rows)


def adam_state(name, value):
    table = torch.nn.Parameter(torch.ones(5, 2))
    optimizer = DeferredAdam([table], lr=0.1)
    torch.nn.functional.embedding(T([0]), table, sparse=True).sum().backward()
    optimizer.step()
    state = optimizer.state_dict()
    state["state"][0][name] = value
    optimizer.load_state_dict(state)


def picks(**change):
    return NeighborPicks(**{**PICKS._asdict(), **change})


def graph_by_hand(**change):
    good = {
        "num_nodes": 3,
        "starts": np.array([0, 1, 1]),
        "stops": np.array([1, 1, 1]),
        "neighbors": np.array([1], np.int32),
        "weights": np.array([1.0]),
    }
    return UndirectedGraph(**{**good, **change})


# Every argument of a kind is given every bad value of that kind.
# -- seeds: integers in [0, 2**64)
SEEDED = {
    "affinity_clustering": lambda s: affinity_clustering(G, seed=s),
    "co_watch_graph": lambda s: co_watch_graph(LOG, seed=s),
    "split_nodes": lambda s: split_nodes(10, seed=s),
    "VideoEncoder": lambda s: nn.VideoEncoder({"a": 2}, hidden=(2,), dim=2, seed=s),
    "TripletSampler": lambda s: TripletSampler(G, TREE, batch_size=2, seed=s),
    "NeighborSampler": lambda s: NeighborSampler(ADJ, [1], include_dst_in_src=True, seed=s),
    "sample_neighbors": lambda s: sample_neighbors(ADJ, T([0]), 1, seed=s),
    "ItemNegativeSampler": lambda s: ItemNegativeSampler(PAIRS, 2, seed=s),
    "ShuffledBatches": lambda s: ShuffledBatches((T([1]),), 1, 1, s),
    "paired_bootstrap": lambda s: metrics.paired_bootstrap([1.0, 2.0], [0.0, 1.0], seed=s),
    "bootstrap_gauc": lambda s: metrics.bootstrap_gauc([0, 1, 0, 1], [0, 1, 2, 3], [1, 0, 2, 3], [0, 0, 1, 1], seed=s),
}
for name, call in SEEDED.items():
    for bad in (
        0.5,
        10**23,
        "0",
        None,
        *([-1] if name != "affinity_clustering" else []),
    ):  # which takes them modulo 2**64
        case(f"{name} seed={bad!r}", partial(call, bad), "seed must be")

# -- counts: integers from a least value on, and within a stated bound
COUNTED = {
    ("affinity_clustering", "num_levels"): lambda c: affinity_clustering(G, num_levels=c),
    ("affinity_clustering", "num_threads"): lambda c: affinity_clustering(G, num_threads=c),
    ("Percentile", "min_count"): lambda c: Percentile(0.5, c),
    ("UndirectedGraph.from_coo", "num_nodes"): lambda c: UndirectedGraph.from_coo([0], [1], num_nodes=c),
    ("ClusterTree", "num_nodes"): lambda c: ClusterTree(c, []),
    ("ClusterTree.slice", "level"): lambda c: TREE.slice(c, 0),
    ("ClusterTree.members", "cluster"): lambda c: TREE.members(1, c),
    ("ClusterTree.siblings", "node"): lambda c: TREE.siblings(c, 0),
    ("co_watch_graph", "top_k"): lambda c: co_watch_graph(LOG, top_k=c),
    ("co_watch_graph", "min_count"): lambda c: co_watch_graph(LOG, min_count=c),
    ("label_clips", "num_clips"): lambda c: label_clips(LOG, c),
    ("relation_graph", "num_nodes"): lambda c: relation_graph([0], [1], num_nodes=c),
    ("split_nodes", "num_nodes"): lambda c: split_nodes(c),
    ("user_clip_graph", "num_users"): lambda c: user_clip_graph(labels(), num_users=c, num_videos=2),
    ("NeighborTable.from_edges", "num_nodes"): lambda c: NeighborTable.from_edges(T([0]), T([0]), num_nodes=c),
    ("Adjacency.from_coo", "num_src"): lambda c: Adjacency.from_coo(T([0]), T([0]), num_src=c, num_dst=1),
    ("Adjacency.from_rows", "num_src"): lambda c: Adjacency.from_rows(T([0, 1]), T([0]), num_src=c),
    ("CrossBatchNegatives", "capacity"): lambda c: losses.CrossBatchNegatives(c, 2),
    ("CrossBatchNegatives", "dim"): lambda c: losses.CrossBatchNegatives(2, c),
    ("SemiHardMiner", "block_size"): lambda c: losses.SemiHardMiner(block_size=c),
    ("cross_view_loss", "limit"): lambda c: losses.cross_view_loss(torch.ones(1, 2), T([1]), limit=c),
    ("ClipScorer", "dim"): lambda c: nn.ClipScorer(c),
    ("ClipScorer", "hidden"): lambda c: nn.ClipScorer(2, hidden=c),
    ("GraphConv", "out_dim"): lambda c: nn.GraphConv(2, c),
    ("SAGEConv", "in_dim"): lambda c: nn.SAGEConv(c, 2),
    ("SurvivalHead", "num_clips"): lambda c: nn.SurvivalHead(c),
    ("Standardize", "dim"): lambda c: nn.Standardize(c),
    ("UserClipConv", "dim"): lambda c: nn.UserClipConv(2, c),
    ("UserHistory", "dim"): lambda c: nn.UserHistory(c),
    ("VideoEncoder", "dim"): lambda c: nn.VideoEncoder({"a": 2}, hidden=(2,), dim=c),
    ("VideoEncoder", "hidden"): lambda c: nn.VideoEncoder({"a": 2}, hidden=(c,), dim=2),
    ("RowTable", "num_rows"): lambda c: RowTable(c, 2),
    ("StreamingFrequency", "num_items"): lambda c: StreamingFrequency(c),
    ("ItemNegativeSampler", "num_negatives"): lambda c: ItemNegativeSampler(PAIRS, c),
    ("NeighborSampler", "fanouts"): lambda c: NeighborSampler(ADJ, [c], include_dst_in_src=True),
    ("sample_neighbors", "fanout"): lambda c: sample_neighbors(ADJ, T([0]), c),
    ("ShuffledBatches", "batch_size"): lambda c: ShuffledBatches((T([1]),), c, 1, 0),
    ("ShuffledBatches", "num_epochs"): lambda c: ShuffledBatches((T([1]),), 1, c, 0),
    ("TripletSampler", "batch_size"): lambda c: TripletSampler(G, TREE, batch_size=c),
    ("top_items", "k"): lambda c: metrics.top_items(score, [0], c),
    ("ndcg", "k"): lambda c: metrics.ndcg([1], [0, 1], k=c),
    ("ranking_scores", "k"): lambda c: metrics.ranking_scores([1], [0, 1], k=c),
    ("impression_scores", "k"): lambda c: metrics.impression_scores([1], [1.0], [0], [0], k=c),
    ("rank_items", "batch_size"): lambda c: metrics.rank_items(score, LISTS, batch_size=c),
    ("rank_neighbors", "chunk_size"): lambda c: metrics.rank_neighbors(np.eye(2), [0, 1, 2], [1, 0], chunk_size=c),
    ("calibration_curve", "num_bins"): lambda c: metrics.calibration_curve([1, 0], [0.5, 0.2], num_bins=c),
    ("paired_bootstrap", "num_resamples"): lambda c: metrics.paired_bootstrap([1.0, 2.0], [0.0, 1.0], num_resamples=c),
}
for (name, argument), call in COUNTED.items():
    for bad in (-3, 2.5, 10**23, "3"):
        case(f"{name} {argument}={bad!r}", partial(call, bad), argument)

# -- words
WORDS = {
    ("affinity_clustering", "tie_break"): lambda w: affinity_clustering(G, tie_break=w),
    ("affinity_clustering", "linkage"): lambda w: affinity_clustering(G, linkage=w),
    ("from_coo", "self_loops"): lambda w: UndirectedGraph.from_coo([0], [1], num_nodes=2, self_loops=w),
    ("from_coo", "duplicates"): lambda w: UndirectedGraph.from_coo([0], [1], num_nodes=2, duplicates=w),
    ("ThresholdSchedule", "kind"): lambda w: ThresholdSchedule(1.0, 0.5, w),
    ("co_watch_graph", "weight"): lambda w: co_watch_graph(LOG, weight=w),
    ("edge_norms", "relation"): lambda w: edge_norms(G, w),
    ("relation_graph", "duplicates"): lambda w: relation_graph([0], [1], num_nodes=2, duplicates=w),
    ("user_clip_graph", "positive_mode"): lambda w: user_clip_graph(
        labels(), num_users=2, num_videos=2, positive_mode=w
    ),
    ("user_clip_graph", "resolve"): lambda w: user_clip_graph(labels(), num_users=2, num_videos=2, resolve=w),
    ("Adjacency", "norm"): lambda w: Adjacency.from_coo(T([0]), T([0]), num_src=1, num_dst=1, norm=w),
    ("spmm", "reduce"): lambda w: ADJ.spmm(torch.ones(3, 1), reduce=w),
    ("sddmm", "op"): lambda w: ADJ.sddmm(torch.ones(3, 1), torch.ones(3, 1), op=w),
    ("edge_softmax", "by"): lambda w: ADJ.edge_softmax(torch.ones(3), by=w),
    ("degrees", "side"): lambda w: ADJ.degrees(w),
    ("segment_reduce", "reduce"): lambda w: segment_reduce(torch.ones(1, 1), T([0, 1]), reduce=w),
    ("Relations", "combine"): lambda w: Relations([ADJ]).spmm([torch.ones(3, 1)], combine=w),
    ("use_backend", "name"): lambda w: ops.use_backend(w).__enter__(),
    ("available_backends", "device"): lambda w: ops.available_backends(w),
    ("BPRLoss", "reduction"): lambda w: losses.BPRLoss(reduction=w),
    ("TripletLoss", "reduction"): lambda w: losses.TripletLoss(reduction=w),
    ("SemiHardMiner", "candidates"): lambda w: losses.SemiHardMiner(candidates=w),
    ("SemiHardMiner", "fallback"): lambda w: losses.SemiHardMiner(fallback=w),
    ("of_batch", "items_learn_from"): lambda w: losses.SampledSoftmaxLoss().of_batch(X, X, items_learn_from=w),
    ("ClipScorer", "interaction"): lambda w: nn.ClipScorer(2, interaction=w),
    ("CompletionHead", "aggregate"): lambda w: nn.CompletionHead(w),
    ("HeteroConv", "aggregate"): lambda w: nn.HeteroConv({"r": nn.GraphConv(1, 1)}, aggregate=w),
    ("SAGEConv", "reduce"): lambda w: nn.SAGEConv(1, 1, reduce=w),
    ("UserHistory", "aggregator"): lambda w: nn.UserHistory(1, w),
    ("VideoEncoder", "fusion"): lambda w: nn.VideoEncoder({"a": 1}, fusion=w),
    ("TripletSampler", "pool"): lambda w: TripletSampler(G, TREE, batch_size=1, pool=w),
    ("ItemNegativeSampler", "distribution"): lambda w: ItemNegativeSampler(PAIRS, 1, distribution=w),
    ("rank_items", "ties"): lambda w: metrics.rank_items(score, LISTS, ties=w),
    ("rank_neighbors", "ties"): lambda w: metrics.rank_neighbors(np.eye(2), [0, 1, 2], [1, 0], ties=w),
    ("impression_scores", "ties"): lambda w: metrics.impression_scores([1], [1.0], [0], [0], ties=w),
    ("cold_start", "empty"): lambda w: metrics.cold_start(np.eye(2), [0, 1, 2], [1, 0], empty=w),
}
for (name, argument), call in WORDS.items():
    for bad in ("quantum", ["sum"]):
        case(f"{name} {argument}={bad!r}", partial(call, bad), argument)

# -- tensors of ids that reach a kernel or a look-up
INDEXED = {
    ("Adjacency.from_coo", "src"): lambda i: Adjacency.from_coo(i, T([0]), num_src=3, num_dst=3),
    ("Adjacency.from_rows", "src"): lambda i: Adjacency.from_rows(T([0, 1]), i, num_src=3),
    ("NeighborTable.from_edges", "src"): lambda i: NeighborTable.from_edges(i, T([0]), num_nodes=3),
    ("sample_neighbors", "dst_ids"): lambda i: sample_neighbors(ADJ, i, 2),
    ("NeighborSampler", "dst_ids"): lambda i: NeighborSampler(ADJ, [1], include_dst_in_src=True)(i),
    ("to_block", "edge_ids"): lambda i: to_block(ADJ, picks(edge_ids=torch.cat([i, i])), include_dst_in_src=True),
    ("to_block", "src"): lambda i: to_block(ADJ, picks(src=torch.cat([i, i])), include_dst_in_src=True),
    ("to_block", "dst_ids"): lambda i: to_block(ADJ, picks(dst_ids=torch.cat([i, i])), include_dst_in_src=True),
    ("history_block", "users"): lambda i: history_block(TABLE, i),
    ("ItemNegativeSampler.sample", "users"): lambda i: ItemNegativeSampler(PAIRS, 2).sample(i),
    ("ItemNegativeSampler.positive_log_q", "items"): lambda i: ItemNegativeSampler(PAIRS, 2).positive_log_q(T([0]), i),
    ("StreamingFrequency.update", "items"): lambda i: StreamingFrequency(3).update(i),
    ("known_positive_mask", "users"): lambda i: losses.known_positive_mask(i, T([0]), TABLE),
    ("InBatchSoftmaxLoss", "anchor_ids"): lambda i: losses.InBatchSoftmaxLoss()(X[:1], X[:1], i, T([0]), TABLE),
    ("NeighborSoftmaxLoss", "ids"): lambda i: losses.NeighborSoftmaxLoss()(X[:1], i, TABLE),
    ("SemiHardMiner", "anchor_ids"): lambda i: losses.SemiHardMiner()(
        UNIT[:1], UNIT[:1], UNIT[:1], i, T([0]), T([0]), TABLE
    ),
    ("TripletLoss", "triplets"): lambda i: losses.TripletLoss()(X, X, X, (i, T([0]), T([0]))),
    ("clip_order_loss", "stop"): lambda i: losses.clip_order_loss(torch.ones(1, 4), i),
    ("observed_clip_loss", "stop"): lambda i: losses.observed_clip_loss(torch.ones(1, 4), i),
    ("cross_view_loss", "stop"): lambda i: losses.cross_view_loss(torch.ones(1, 4), i),
    ("SurvivalHead.log_likelihood", "stop"): lambda i: nn.SurvivalHead(4).log_likelihood(torch.ones(1, 4), i),
    ("SurvivalHead", "bucket"): lambda i: nn.SurvivalHead(4, num_buckets=2).hazards(torch.ones(1, 4), i),
    ("ClipScorer", "user_index"): lambda i: nn.ClipScorer(3)(torch.ones(2, 2, 3), torch.ones(2, 4, 3), i, T([0])),
    ("ClipScorer", "video_index"): lambda i: nn.ClipScorer(3)(torch.ones(2, 2, 3), torch.ones(2, 4, 3), T([0]), i),
    ("RowTable.of", "rows"): lambda i: RowTable(3, 2).of(i),
    ("DeferredAdam.catch_up", "rows"): lambda i: adam(i),
}
for (name, argument), call in INDEXED.items():
    for bad in ([0.5], [True], [-1], [10**15], [-(10**12)]):
        case(f"{name} {argument}={bad}", partial(call, T(bad)), argument)
    case(
        f"{name} {argument} as a list", partial(call, [0]), "must be a Tensor|tensor" if "to_block" not in name else ""
    )
CASES[:] = [c for c in CASES if c[2]]  # a list of picks cannot be concatenated in the first place

# -- starts of rows
POINTERS = {
    "NeighborTable": lambda p: NeighborTable(T(p), T([1, 0, 3, 2])),
    "Adjacency.from_rows": lambda p: Adjacency.from_rows(T(p), T([0, 1, 2, 0]), num_src=3),
    "segment_reduce": lambda p: segment_reduce(torch.ones(4, 1), T(p)),
    "affinity csr": lambda p: affinity_clustering(csr(p, [1, 2, 3, 0], shape=(4, 4))),
    "affinity csc": lambda p: affinity_clustering(csr(p, [1, 2, 3, 0], shape=(4, 4), kind=sp.csc_array)),
    "affinity asymmetric csr": lambda p: UndirectedGraph.from_sparse(
        csr(p, [1, 2, 3, 0], shape=(4, 4)), symmetric=False
    ),
    "maximum_spanning_forest": lambda p: maximum_spanning_forest(csr(p, [1, 2, 3, 0], shape=(4, 4))),
    "rank_items relevant": lambda p: metrics.rank_items(score, (p, [0, 1, 2, 0])),
    "top_items exclude": lambda p: metrics.top_items(score, [0], 1, (p, [0, 1, 2, 0])),
    "ndcg": lambda p: metrics.ndcg([1, 2, 3, 4], p),
    "rank_neighbors": lambda p: metrics.rank_neighbors(np.eye(4), p, [1, 0, 3, 2]),
}
for name, call in POINTERS.items():
    for bad in (
        [1, 2, 2, 3, 4],
        [0, 10**9, 10**9, 10**9, 4],
        [0, 2, -(10**6), 2, 4],
        [0, 1, 2, 3, 10**8],
        [0.0, 1.0, 2.0, 3.0, 4.0],
    ):
        case(f"{name} indptr={bad}", partial(call, bad), "indptr|indices")

# -- single cases: clustering and graphs
case("affinity csr index out of range", lambda: affinity_clustering(csr([0, 1, 2, 2], [10**8, 0])), "indices")
case("affinity csr negative index", lambda: affinity_clustering(csr([0, 1, 2, 2], [-5, 0])), "indices")
case("affinity csr float indices", lambda: affinity_clustering(csr([0, 1, 2, 2], [1.0, 0.0])), "indices")
case("affinity csr short data", lambda: affinity_clustering(csr([0, 1, 2, 2], [1, 0], np.ones(1))), "data")
case("affinity csr complex", lambda: affinity_clustering(csr([0, 1, 2, 2], [1, 0], np.array([1j, 1j]))), "real numbers")
case(
    "affinity csr objects", lambda: affinity_clustering(csr([0, 1, 2, 2], [1, 0], np.array(["a", "b"], object))), "real"
)
case("affinity csr short indptr", lambda: affinity_clustering(csr([0, 2], [1, 0])), "indptr")
case("affinity bsr past the end", lambda: affinity_clustering(bsr([0, 10**8, 10**8], [0, 1])), "indptr|indices")
case("affinity bsr index out of range", lambda: affinity_clustering(bsr([0, 1, 2], [0, 10**7])), "indices")
case("affinity not square", lambda: affinity_clustering(sp.csr_array((2, 3))), "square")
case("affinity of a dense array", lambda: affinity_clustering(np.eye(3)), "graph")
case("affinity NaN threshold", lambda: affinity_clustering(G, threshold=float("nan")), "threshold")
case("affinity node_weight complex", lambda: affinity_clustering(G, node_weight=np.full(30, 1j)), "node_weight")
case("affinity node_weight short", lambda: affinity_clustering(G, node_weight=[1.0]), "node_weight")
case("affinity ids twice", lambda: affinity_clustering(G, ids=np.zeros(30, int)), "ids must be distinct")
case("affinity ids float", lambda: affinity_clustering(G, ids=np.arange(30.0)), "ids")
case("affinity ids short", lambda: affinity_clustering(G, ids=[1, 2]), "ids")
case("affinity freeze of another kind", lambda: affinity_clustering(G, freeze=0.5), "freeze")
case("affinity max size NaN", lambda: affinity_clustering(G, max_cluster_size=float("nan")), "max_cluster_size")
case("affinity target size text", lambda: affinity_clustering(G, target_cluster_size="9"), "target_cluster_size")
case(
    "affinity target and least size",
    lambda: affinity_clustering(G, target_cluster_size=9, min_cluster_size=2),
    "target",
)
case("AffinityClustering unknown parameter", lambda: AffinityClustering().set_params(levels=2), "levels")
case("AffinityClustering y", lambda: AffinityClustering().fit(G, [1]), "y must be None")
case("Percentile q NaN", lambda: Percentile(float("nan")), "q must be")
case("AverageMaxDegreeBounded text", lambda: AverageMaxDegreeBounded("2"), "c must be")
case("Freeze without a bound", lambda: Freeze(), "bound")
case("Freeze text", lambda: Freeze(density="0.5"), "density")
case("ThresholdSchedule text", lambda: ThresholdSchedule("1", 0.5), "upper")
case("from_coo complex weight", lambda: UndirectedGraph.from_coo([0], [1], [1j], num_nodes=3), "weight")
case("from_coo text weight", lambda: UndirectedGraph.from_coo([0], [1], ["a"], num_nodes=3), "weight")
case("from_coo NaN weight", lambda: UndirectedGraph.from_coo([0], [1], [np.nan], num_nodes=3), "weight")
case("from_coo negative id", lambda: UndirectedGraph.from_coo([-1], [1], num_nodes=3), "src")
case("from_coo float ids", lambda: UndirectedGraph.from_coo([0.5], [1], num_nodes=3), "src")
case("from_dgl of a matrix", lambda: UndirectedGraph.from_dgl(np.eye(2)), "graph")
for name, change in {
    "neighbor out of range": {"neighbors": np.array([10**9], np.int32)},
    "neighbor of itself": {"neighbors": np.array([0], np.int32)},
    "float neighbors": {"neighbors": np.array([1.0])},
    "stop past the end": {"stops": np.array([10**9, 1, 1])},
    "negative start": {"starts": np.array([-1, 1, 1])},
    "NaN weight": {"weights": np.array([np.nan])},
    "complex weight": {"weights": np.array([1j])},
    "short starts": {"starts": np.array([0])},
    "lists": {"starts": [0, 1, 1]},
    "number of nodes": {"num_nodes": 2.0},
}.items():
    case(
        f"UndirectedGraph {name}", lambda change=change: affinity_clustering(graph_by_hand(**change)), "|".join(change)
    )
case("ClusterTree float parents", lambda: ClusterTree(3, [[0.0, 0.9, 1.2]]), "parents")
case("ClusterTree int64 overflow", lambda: ClusterTree(3, [np.array([0, 2**32, 1])]), "parents")
case("ClusterTree negative parent", lambda: ClusterTree(3, [[0, -1, 1]]), "parents")
case("ClusterTree parents of a number", lambda: ClusterTree(3, 5), "parents")
case("ClusterTree short parents", lambda: ClusterTree(3, [[0, 1]]), "parents")
case("ClusterTree text parents", lambda: ClusterTree(2, [["a", "b"]]), "parents")
case("ClusterTree effective levels", lambda: ClusterTree(1, [[0]], 0.5), "num_effective_levels")
case("ClusterTree.load of nothing", lambda: ClusterTree.load("/nonexistent/tree.npz"), "nonexistent")
case("plot_dendrogram cluster", lambda: plot_dendrogram(TREE, 1, 10**9), "cluster")
case(
    "user_clip_graph count NaN",
    lambda: user_clip_graph(labels(count=np.array([1, np.nan])), num_users=2, num_videos=2, multiplicity="count"),
    "count",
)
case(
    "user_clip_graph count negative",
    lambda: user_clip_graph(labels(count=np.array([1, -5])), num_users=2, num_videos=2, multiplicity="count"),
    "count",
)
case(
    "user_clip_graph stop out of range",
    lambda: user_clip_graph(labels(stop=np.array([9, 1])), num_users=2, num_videos=2),
    "stop",
)
case(
    "user_clip_graph video negative",
    lambda: user_clip_graph(labels(video=np.array([-1, 1])), num_users=2, num_videos=2),
    "video",
)
case("user_clip_graph labels of a tuple", lambda: user_clip_graph((1, 2), num_users=2, num_videos=2), "labels")
case(
    "user_clip_graph text timestamp",
    lambda: user_clip_graph(labels(), num_users=2, num_videos=2, resolve="last", timestamp=["a", "b"]),
    "timestamp",
)
case("user_item_graph of a log", lambda: user_item_graph(LOG), "train")
case("co_watch_graph of pairs", lambda: co_watch_graph(PAIRS), "log")
case("label_clips ratio text", lambda: label_clips(LOG, 2, complete_ratio="1"), "complete_ratio")
case("label_clips min_watch_time NaN", lambda: label_clips(LOG, 2, min_watch_time=float("nan")), "min_watch_time")
case("edge_norms of a matrix", lambda: edge_norms(np.eye(2), "pos"), "graph")
case("node_subgraph out of range", lambda: node_subgraph(G, [10**9]), "ids")
case("node_subgraph float", lambda: node_subgraph(G, [0.5]), "ids")
case("node_subgraph of a log", lambda: node_subgraph(LOG, [0]), "graph")
case("relation_graph complex weight", lambda: relation_graph([0], [1], [1j], num_nodes=2), "weight")
case("relation_graph negative", lambda: relation_graph([-1], [1], num_nodes=2), "src")
case("split_nodes fraction text", lambda: split_nodes(10, train_fraction="0.5"), "train_fraction")

# -- single cases: ops, sampling
case("Adjacency.from_coo arrays", lambda: Adjacency.from_coo(np.array([0]), np.array([0]), num_src=3, num_dst=3), "src")
case(
    "Adjacency.from_coo complex weight",
    lambda: Adjacency.from_coo(T([0]), T([0]), num_src=1, num_dst=1, weight=T([1j])),
    "weight",
)
case("Adjacency.spmm array", lambda: ADJ.spmm(np.ones((3, 1))), "x must")
case("Adjacency.spmm short", lambda: ADJ.spmm(torch.ones(2, 1)), "x must")
case("Adjacency.spmm integers", lambda: ADJ.spmm(torch.ones(3, 1, dtype=torch.int64)), "x must")
case("Adjacency.spmm weight list", lambda: ADJ.spmm(torch.ones(3, 1), [1.0, 1.0, 1.0]), "weight")
case("Adjacency.to", lambda: ADJ.to("quantum"), "device")
case("Adjacency.edge_softmax short", lambda: ADJ.edge_softmax(torch.ones(1)), "logits")
case("Adjacency.from_dgl of a list", lambda: Adjacency.from_dgl([G]), "graph")
case("Relations of graphs", lambda: Relations([G]), "adjacencies")
case("segment_reduce of a number", lambda: segment_reduce(torch.tensor(1.0), T([0, 1])), "values")
case("NeighborTable negative neighbour", lambda: NeighborTable(T([0, 1]), T([-1])), "indices")
case("NeighborTable float", lambda: NeighborTable(T([0, 1]), T([0.0])), "indices")
case("NeighborTable arrays", lambda: NeighborTable(np.array([0, 1]), np.array([0])), "indices")
case("NeighborTable replaced", lambda: TABLE._replace(indptr=T([0, 9])), "indptr")
case("NeighborTable 2-D", lambda: NeighborTable(T([0, 1]), T([[0]])), "indices")
case("neighbor_table of a log", lambda: neighbor_table(LOG), "graph")
case("neighbor_table self loop", lambda: neighbor_table(dgl.graph((T([0]), T([0])))), "self loops")
case("sample_neighbors of a table", lambda: sample_neighbors(TABLE, T([0]), 2), "adjacency")
case("NeighborSampler fanouts number", lambda: NeighborSampler(ADJ, 2, include_dst_in_src=True), "fanouts")
case("NeighborSampler state", lambda: NeighborSampler(ADJ, [1], include_dst_in_src=True).load_state_dict(5), "state")
case("to_block picks of a tuple", lambda: to_block(ADJ, (1, 2), include_dst_in_src=True), "picks")
case("to_block negative counts", lambda: to_block(ADJ, picks(counts=T([3, -1])), include_dst_in_src=True), "counts")
case("to_block many counts", lambda: to_block(ADJ, picks(counts=T([10**9, 1])), include_dst_in_src=True), "counts")
case("to_block other destinations", lambda: to_block(ADJ, picks(dst_ids=T([1, 0])), include_dst_in_src=True), "dst_ids")
case("to_block other sources", lambda: to_block(ADJ, picks(src=T([0, 0])), include_dst_in_src=True), "src")
case("to_block dst_index", lambda: to_block(ADJ, picks(dst_index=T([1, 0])), include_dst_in_src=True), "dst_index")
case(
    "to_block one list of two types",
    lambda: to_block(TWO, sample_neighbors(TWO, T([0]), 1), include_dst_in_src=True),
    "include",
)
case("history_block left_out float", lambda: history_block(TABLE, T([0]), left_out=T([0.5])), "left_out")
case("history_block left_out shape", lambda: history_block(TABLE, T([0]), left_out=T([0, 1])), "left_out")
case("history_block also float", lambda: history_block(TABLE, T([0]), also=T([0.5])), "also")
case("history_block also negative", lambda: history_block(TABLE, T([0]), also=T([-1])), "also")
case("history_block also list", lambda: history_block(TABLE, T([0]), also=[1]), "also")
case("history_block of a tuple", lambda: history_block((T([0, 1]), T([0])), T([0])), "histories")
case("ItemNegativeSampler of a log", lambda: ItemNegativeSampler(LOG, 2), "train")
case("ItemNegativeSampler state", lambda: ItemNegativeSampler(PAIRS, 2).load_state_dict({"step": 0}), "state")
case("ShuffledBatches unequal columns", lambda: ShuffledBatches((T([1, 2, 3]), T([1.0])), 2, 1, 0), "columns")
case("ShuffledBatches no rows", lambda: ShuffledBatches((T([]), T([])), 1, 1, 0), "columns")
case("ShuffledBatches no columns", lambda: ShuffledBatches((), 1, 1, 0), "columns")
case("ShuffledBatches arrays", lambda: ShuffledBatches((np.array([1]),), 1, 1, 0), "columns")
case("TripletSampler level_probs text", lambda: TripletSampler(G, TREE, batch_size=1, level_probs="a"), "level_probs")
case(
    "TripletSampler level_probs NaN",
    lambda: TripletSampler(G, TREE, batch_size=1, level_probs=[np.nan] * 4),
    "level_probs",
)
case("TripletSampler tree of labels", lambda: TripletSampler(G, [0, 1], batch_size=1), "tree")
case("TripletSampler device", lambda: TripletSampler(G, TREE, batch_size=1, device="quantum"), "device")
case("TripletSampler step", lambda: TripletSampler(G, TREE, batch_size=1).sample(-1), "step")
case("TripletSampler state", lambda: TripletSampler(G, TREE, batch_size=1).load_state_dict(None), "state")
case("StreamingFrequency rate", lambda: StreamingFrequency(3, rate=0), "rate")
case("StreamingFrequency unseen", lambda: StreamingFrequency(3).log_q(T([1])), "items")

# -- single cases: losses, nn, optim
case("TripletLoss shorter triplets", lambda: losses.TripletLoss()(X, X, X, (T([0, 1]), T([0]), T([0]))), "triplets")
case("TripletLoss two lists", lambda: losses.TripletLoss()(X, X, X, (T([0]), T([0]))), "triplets")
case("TripletLoss margin NaN", lambda: losses.TripletLoss(margin=float("nan")), "margin")
case("TripletLoss margin 10**400", lambda: losses.TripletLoss(margin=10**400), "margin")
case("squared_distance shapes", lambda: losses.squared_distance(torch.ones(2, 3), torch.ones(2, 4)), "x and y")
case("squared_distance lists", lambda: losses.squared_distance([1.0], [2.0]), "x must")
case("CosineContrastiveLoss margin", lambda: losses.CosineContrastiveLoss(1.5), "margin")
case(
    "CosineContrastiveLoss of_shared list",
    lambda: losses.CosineContrastiveLoss(0.5).of_shared(T([1.0]), [1], X),
    "users",
)
case("BPRLoss lists", lambda: losses.BPRLoss()([1.0], [[1.0]]), "positive_scores")
case("BPRLoss mask of numbers", lambda: losses.BPRLoss()(T([1.0]), T([[1.0]]), mask=T([[1]])), "mask")
case("BCELoss weight", lambda: losses.BCELoss(-1.0), "negative_weight")
case("InBatchSoftmaxLoss temperature", lambda: losses.InBatchSoftmaxLoss(0.0), "temperature")
case("InBatchSoftmaxLoss temperature bool", lambda: losses.InBatchSoftmaxLoss(True), "temperature")
case("InBatchSoftmaxLoss table", lambda: losses.InBatchSoftmaxLoss()(X, X, IDS, IDS, (1, 2)), "neighbors")
case("SampledSoftmaxLoss log_q", lambda: losses.SampledSoftmaxLoss().of_batch(X, X, log_q=[0.0] * 4), "log_q")
case("SampledSoftmaxLoss memory", lambda: losses.SampledSoftmaxLoss().of_batch(X, X, [1]), "memory")
case("CrossBatchNegatives push", lambda: losses.CrossBatchNegatives(2, 3).push([1], X, T([1.0])), "ids")
case("CrossBatchNegatives float ids", lambda: losses.CrossBatchNegatives(2, 3).push(T([0.5]), X[:1], T([1.0])), "ids")
case("CrossBatchNegatives state", lambda: losses.CrossBatchNegatives(2, 3).set_extra_state(T([9, 0, 1])), "state")
case("known_positive_mask tuple", lambda: losses.known_positive_mask(T([0]), T([0]), (T([0, 1]), T([0]))), "table")
case("known_positive_mask negative candidate", lambda: losses.known_positive_mask(T([0]), T([-1]), TABLE), "candidates")
case("own_item_mask lists", lambda: losses.own_item_mask([0], T([0])), "items")
case("completion_loss of numbers", lambda: losses.completion_loss(T([0.1]), T([0.1]), T([1])), "complete")
case("completion_loss shapes", lambda: losses.completion_loss(T([0.1, 0.2]), T([0.1]), T([True])), "shape")
case("observed_clip_loss 1-D", lambda: losses.observed_clip_loss(torch.ones(4), T([1])), "scores")
case(
    "observed_clip_loss weight",
    lambda: losses.observed_clip_loss(torch.ones(1, 4), T([1]), positive_weight=-1),
    "weight",
)
case("CompletionHead 1-D", lambda: nn.CompletionHead()(torch.ones(3)), "scores")
case("CompletionHead integers", lambda: nn.CompletionHead()(torch.ones(3, 2, dtype=torch.int64)), "scores")
case("SurvivalHead other clips", lambda: nn.SurvivalHead(3).hazards(torch.ones(1, 4)), "scores")
case("ClipScorer users", lambda: nn.ClipScorer(3)(torch.ones(2, 3), torch.ones(2, 4, 3), T([0]), T([0])), "users")
case("ClipScorer pairs", lambda: nn.ClipScorer(3)(torch.ones(2, 2, 3), torch.ones(2, 4, 3), T([0]), T([0, 1])), "index")
case("GraphConv of a graph", lambda: nn.GraphConv(1, 1)(G, torch.ones(30, 1)), "adjacency")
case("GraphConv shape", lambda: nn.GraphConv(1, 1)(ADJ, torch.ones(3, 2)), "x must")
case("SAGEConv of a list", lambda: nn.SAGEConv(1, 1)(ADJ, [1.0]), "x must")
case("HeteroConv layers", lambda: nn.HeteroConv([nn.GraphConv(1, 1)]), "layers")
case("HeteroConv features", lambda: nn.HeteroConv({"r": nn.GraphConv(1, 1)})({("a", "r", "a"): ADJ}, {}), "features")
case(
    "HeteroConv features list",
    lambda: nn.HeteroConv({"r": nn.GraphConv(1, 1)})({("a", "r", "a"): ADJ}, {"a": [1]}),
    "features",
)
case("Standardize NaN mean", lambda: nn.Standardize(1).set(T([np.nan]), T([1.0])), "mean")
case("Standardize list", lambda: nn.Standardize(1).set([0.0], T([1.0])), "mean")
case("Standardize width", lambda: nn.Standardize(2)(torch.ones(3, 5)), "x must")
case("UserClipConv graphs", lambda: nn.UserClipConv(1, 1)([G, G], [G, G], torch.ones(3, 1)), "into_users")
case("UserClipConv shape", lambda: nn.UserClipConv(1, 1)([ADJ, ADJ], [ADJ, ADJ], torch.ones(9, 1)), "x must")
case("UserHistory of a graph", lambda: nn.UserHistory(1)(G, torch.ones(30, 1)), "histories")
case("VideoEncoder dims list", lambda: nn.VideoEncoder([3]), "dims")
case("VideoEncoder dims float", lambda: nn.VideoEncoder({"a": 2.5}), "dims")
case("VideoEncoder dropout", lambda: nn.VideoEncoder({"a": 2}, dropout="0"), "dropout")
case("VideoEncoder features list", lambda: nn.VideoEncoder({"a": 2}, hidden=(2,), dim=2)([X]), "features")
case("VideoEncoder integers", lambda: nn.VideoEncoder({"a": 2}, hidden=(2,), dim=2)({"a": T([[1, 2]])}), "features")
case("DeferredAdam lr", lambda: DeferredAdam([torch.nn.Parameter(X)], lr=float("nan")), "lr")
case("DeferredAdam betas", lambda: DeferredAdam([torch.nn.Parameter(X)], betas=(0.9,)), "betas")
case("DeferredAdam betas text", lambda: DeferredAdam([torch.nn.Parameter(X)], betas=("a", "b")), "betas")
case("DeferredAdam eps", lambda: DeferredAdam([torch.nn.Parameter(X)], eps=0), "eps")
case("DeferredAdam weight_decay", lambda: DeferredAdam([torch.nn.Parameter(X)], weight_decay=-1), "weight_decay")
case("DeferredAdam other parameter", lambda: adam(T([0]), torch.nn.Parameter(X)), "parameter")
case("DeferredAdam 2-D rows", lambda: adam(T([[0]])), "rows")
case("DeferredAdam bool rows of all", lambda: adam(T([True, False, True, False, True])), "rows")
case("DeferredAdam short state", lambda: adam_state("caught_up", torch.zeros(1)), "caught_up")
case("DeferredAdam wide state", lambda: adam_state("mean", torch.zeros(5, 9)), "mean")

case("RowTable of 2**46 values", lambda: RowTable(2**30, 2**16), "num_rows")
case("CrossBatchNegatives of 2**46 values", lambda: losses.CrossBatchNegatives(2**30, 2**16), "capacity")
case("CodeMemory of 2**46 values", lambda: losses.CodeMemory(2**30, 2**8, 2**8), "capacity")
case("SurvivalHead of 2**40 values", lambda: nn.SurvivalHead(2**20, num_buckets=2**20), "num_buckets")

# -- single cases: metrics
case("ndcg repeated ranks", lambda: metrics.ndcg([1, 1], [0, 2]), "ranks must be distinct")
case("average_precision repeated ranks", lambda: metrics.average_precision([1, 1], [0, 2]), "ranks must be distinct")
case("ndcg overlapping bounds", lambda: metrics.ndcg([[1, 3], [2, 4]], [0, 2]), "ranks must be distinct")
case("ndcg too many in a group", lambda: metrics.ndcg([[1, 2]] * 3, [0, 3]), "ranks must be distinct")
case("ndcg bounds turned round", lambda: metrics.ndcg([[3, 1]], [0, 1]), "first <= last")
case("ndcg float ranks", lambda: metrics.ndcg([1.5], [0, 1]), "ranks")
case("ndcg rank 0", lambda: metrics.ndcg([0], [0, 1]), "ranks")
case("ndcg text", lambda: metrics.ndcg(["a"], [0, 1]), "numbers")
case("ndcg gains", lambda: metrics.ndcg([1], [0, 1], gains=[-1.0]), "gains")
case("rank_items item out of range", lambda: metrics.rank_items(score, ([0, 1], [10**9])), "items")
case("rank_items item 2**62", lambda: metrics.rank_items(score, ([0, 1, 1, 2], [2**62, 0])), "items")
case("rank_items negative item", lambda: metrics.rank_items(score, ([0, 1], [-1])), "items")
case("rank_items float item", lambda: metrics.rank_items(score, ([0, 1], [0.5])), "items")
case("rank_items both", lambda: metrics.rank_items(score, ([0, 1], [0]), exclude=([0, 1], [0])), "relevant and exclude")
case("rank_items no function", lambda: metrics.rank_items(SCORES, LISTS), "score")
case("rank_items NaN", lambda: metrics.rank_items(lambda u: torch.full((len(u), 4), np.nan), LISTS), "scores")
case("top_items users negative", lambda: metrics.top_items(score, [-1], 1, LISTS), "users")
case("top_items users out of range", lambda: metrics.top_items(score, [10**9], 1, LISTS), "users")
case("top_items k too large", lambda: metrics.top_items(score, [0], 4, LISTS), "k must be")
case("top_items NaN", lambda: metrics.top_items(lambda u: torch.full((len(u), 4), np.nan), [0], 1), "scores")
case("top_items exclude of a list", lambda: metrics.top_items(score, [0], 1, [0]), "exclude")
case("dot_product_scorer 1-D", lambda: metrics.dot_product_scorer([1.0], [[1.0]]), "user_vectors")
case("dot_product_scorer widths", lambda: metrics.dot_product_scorer([[1.0]], [[1.0, 2.0]]), "user_vectors")
case("dot_product_scorer user out of range", lambda: metrics.dot_product_scorer(np.eye(2), np.eye(2))(T([5])), "users")
case("dot_product_scorer negative user", lambda: metrics.dot_product_scorer(np.eye(2), np.eye(2))(T([-1])), "users")
case("dot_product_scorer float user", lambda: metrics.dot_product_scorer(np.eye(2), np.eye(2))(T([0.5])), "users")
case("rank_neighbors NaN", lambda: metrics.rank_neighbors([[np.nan], [1.0]], [0, 1, 2], [1, 0]), "embeddings")
case("rank_neighbors out of range", lambda: metrics.rank_neighbors(np.eye(2), [0, 1, 2], [5, 0]), "indices")
case("rank_impressions score text", lambda: metrics.rank_impressions([1], ["a"], [0], [0]), "score")
case("rank_impressions user float", lambda: metrics.rank_impressions([1], [1.0], [0.5], [0]), "user")
case("rank_impressions item float", lambda: metrics.rank_impressions([1], [1.0], [0], [0.5]), "item")
case("rank_impressions label 2", lambda: metrics.rank_impressions([2], [1.0], [0], [0]), "label")
case("auc of one class", lambda: metrics.auc([1, 1], [0.1, 0.2]), "label")
case("log_loss clip", lambda: metrics.log_loss([1], [0.5], clip="a"), "clip")
case("log_loss prob", lambda: metrics.log_loss([1], [1.5]), "prob")
case("base_rate_log_loss rate", lambda: metrics.base_rate_log_loss([1, 0], "a"), "rate")
case(
    "paired_bootstrap confidence",
    lambda: metrics.paired_bootstrap([1.0, 2.0], [0.0, 1.0], confidence="a"),
    "confidence",
)
case("skip_clip_scores stop", lambda: metrics.skip_clip_scores([[0.5, 0.5]], [9]), "stop")
case("survival_log_likelihood stop float", lambda: metrics.survival_log_likelihood([[0.5]], [0.5]), "stop")
case("feature_drift shapes", lambda: metrics.feature_drift(np.ones((2, 2)), np.ones((2, 3))), "now and before")
case("xauc constant", lambda: metrics.xauc([1.0, 1.0], [1.0, 2.0]), "true")
case("mean_absolute_error complex", lambda: metrics.mean_absolute_error([1j], [1.0]), "true")

case(
    "paired_bootstrap 10**9",
    lambda: metrics.paired_bootstrap([1.0, 2.0], [0.0, 1.0], num_resamples=10**9),
    "num_resamples",
)

# -- data: the cases of this room

SPARSE = sp.csr_array(np.eye(2))
CODES, IDS, EYE = np.array([0, 1]), pd.Index([5, 6]), {"x": np.eye(2)}


def relational(**change):
    parts = {"src": [0], "dst": [1], "features": data.Features([1, 2], EYE)} | change
    return data.RelationalData("toy", np.array(parts.pop("src")), np.array(parts.pop("dst")), **parts)


case(
    "data WatchLog(np.array([0.5, 1.0]), CODES, IDS, IDS)",
    lambda: WatchLog(np.array([0.5, 1.0]), CODES, IDS, IDS),
    "user must hold integers, got dtype float64",
)
case(
    "data WatchLog(np.array([np.nan, 1.0]), CODES, IDS, IDS)",
    lambda: WatchLog(np.array([np.nan, 1.0]), CODES, IDS, IDS),
    "user must hold integers, got dtype float",
)
case(
    "data WatchLog(CODES, np.array([True, False]), IDS, IDS)",
    lambda: WatchLog(CODES, np.array([True, False]), IDS, IDS),
    "video must hold integers, got dtype bool",
)
case(
    "data WatchLog(CODES, [0, 1], IDS, IDS)",
    lambda: WatchLog(CODES, [0, 1], IDS, IDS),
    "video must be an array, got list",
)
case(
    "data WatchLog(CODES, CODES, [5, 6], IDS)",
    lambda: WatchLog(CODES, CODES, [5, 6], IDS),
    "user_ids must be a pandas.Index, got list",
)
case(
    "data WatchLog(CODES[:, None], CODES, IDS, IDS)",
    lambda: WatchLog(CODES[:, None], CODES, IDS, IDS),
    r"user must have shape \(2,\), got \(2, 1\)",
)
case(
    "data WatchLog(CODES, CODES, IDS, IDS, duration=np.array([1, 2]))",
    lambda: WatchLog(CODES, CODES, IDS, IDS, duration=np.array(["1", "2"])),
    "duration must hold real",
)
case(
    "data WatchLog(CODES, CODES, IDS, IDS, duration=CODES * 1j)",
    lambda: WatchLog(CODES, CODES, IDS, IDS, duration=CODES * 1j),
    "duration must hold real numbers, got",
)
case(
    "data WatchLog(CODES, CODES, IDS, IDS).select([10**9])",
    lambda: WatchLog(CODES, CODES, IDS, IDS).select([10**9]),
    r"rows must be in \[0, 2\), got 1000000000",
)
case(
    "data WatchLog(CODES, CODES, IDS, IDS).select([-1])",
    lambda: WatchLog(CODES, CODES, IDS, IDS).select([-1]),
    r"rows must be in \[0, 2\), got -1 in row 0",
)
case(
    "data WatchLog(CODES, CODES, IDS, IDS).select([0.5])",
    lambda: WatchLog(CODES, CODES, IDS, IDS).select([0.5]),
    "rows must hold integers, got dtype float64",
)
case(
    "data WatchLog(CODES, CODES, IDS, IDS).select(0)",
    lambda: WatchLog(CODES, CODES, IDS, IDS).select(0),
    r"rows must have shape \(num_rows,\), got \(\)",
)
case(
    "data read_edges(/nonexistent.csv, None)",
    lambda: data.read_edges("/nonexistent.csv", None),
    "features must be a Features, got NoneType",
)
case("data WatchLog.read(None)", lambda: WatchLog.read(None), "path must be a path .*, got NoneType")
case("data load_features(7)", lambda: data.load_features(7), "path must be a path .*, got int")
case("data ClipFeatures.open(None)", lambda: data.ClipFeatures.open(None), "path must be a path .*, got NoneType")
case("data read_interactions(None)", lambda: data.read_interactions(None), "path must be a path .*, got NoneType")
case(
    "data read_splits(x, a.txt, None)",
    lambda: data.read_splits("x", "a.txt", None),
    "test must be a path .*, got NoneType",
)
case("data read_clip_files(None)", lambda: data.read_clip_files(None), "folder must be a path .*, got NoneType")
case("data read_kuairec(None)", lambda: data.read_kuairec(None), "path must be a path .*, got NoneType")
case("data read_kuairand([None])", lambda: data.read_kuairand([None]), "path must be a path .*, got NoneType")
case("data TikTok(7)", lambda: data.TikTok(7), "data_dir must be a path .*, got int")
case("data Features(ab, EYE)", lambda: data.Features("ab", EYE), "ids must be a sequence of ids, got 'ab'")
case("data Features(7, EYE)", lambda: data.Features(7, EYE), "ids must be a sequence of ids, got 7")
case(
    "data Features([[1], [2]], EYE)", lambda: data.Features([[1], [2]], EYE), "ids must be hashable, got list in row 0"
)
case(
    "data Features([1, 2], np.eye(2))",
    lambda: data.Features([1, 2], np.eye(2)),
    "modalities must be a mapping of names to tables, got ndarray",
)
case(
    "data Features([1, 2], {3: np.eye(2)})",
    lambda: data.Features([1, 2], {3: np.eye(2)}),
    "modalities must be a mapping of names to tables",
)
case(
    "data Features([1, 2], EYE).align(None)",
    lambda: data.Features([1, 2], EYE).align(None),
    "ids must be a sequence of ids, got None",
)
case(
    "data Features([1, 2], EYE).take([0.5])",
    lambda: data.Features([1, 2], EYE).take([0.5]),
    "rows must hold integers, got dtype float64",
)
case(
    "data Features([1, 2], EYE).take([0, 0])",
    lambda: data.Features([1, 2], EYE).take([0, 0]),
    "ids must be unique, got more than one row",
)
case(
    "data Features([a\\0, b], EYE).save(x.npz)",
    lambda: data.Features(["a\0", "b"], EYE).save("x.npz"),
    "must not end in a null character",
)
case(
    "data Features sparse rows", lambda: data.Features([1], {"x": SPARSE}), "one row for each of the 1 ids, got 2 rows"
)
case("data Features sparse complex", lambda: data.Features([1, 2], {"x": SPARSE * 1j}), "must have a real dtype")
case(
    "data load_features num_columns",
    lambda: data.load_features("x.npy", num_columns=0.5),
    "num_columns must be None or",
)
case("data MappedTable none", lambda: data.MappedTable([]), "parts must be at least one array, got none")
case("data MappedTable 1-D", lambda: data.MappedTable([np.ones(3)]), r"parts must have shape \(num_rows, dim\)")
case("data MappedTable text", lambda: data.MappedTable([np.array([["a"]])]), "parts must have a real dtype")
case(
    "data Standardizer sparse rows", lambda: data.Standardizer.fit(SPARSE, [2]), r"rows must be in \[0, 2\), got 2 to 2"
)
case("metrics rank_neighbors rows", lambda: metrics.rank_neighbors(np.eye(2), [0, 0], [], rows=[2]), "rows must ")
case(
    "metrics rank_neighbors table",
    lambda: metrics.rank_neighbors(SPARSE * np.inf, [0, 0, 0], []),
    "must be finite, got inf",
)
case("data relational(src=[0.5])", lambda: relational(src=[0.5]), "src must hold integers, got dtype float64")
case("data relational(dst=[7])", lambda: relational(dst=[7]), r"dst must be in \[0, 2\), got 7 in row 0")
case("data relational(dst=[1, 1])", lambda: relational(dst=[1, 1]), "src and dst must have equal lengths, got 1 and 2")
case(
    "data relational(weight=np.array([np.inf]))",
    lambda: relational(weight=np.array([np.inf])),
    "weight must be finite, got inf",
)
case(
    "data relational(weight=np.array([1j]))",
    lambda: relational(weight=np.array([1j])),
    "weight must hold real numbers, got complex128",
)
case(
    "data relational(labels=np.array([1]))",
    lambda: relational(labels=np.array([1])),
    r"labels must have shape \(2,\), got \(1,\)",
)
case("data relational(features=None)", lambda: relational(features=None), "features must be a Features, got NoneType")
case("Interactions.from_pairs huge user", lambda: Interactions.from_pairs([2**31 - 2], [1]), "users must be numbered")
case("Interactions.from_pairs huge item", lambda: Interactions.from_pairs([1], [2**31 - 2]), "items must be numbered")


NAMES = [name.replace("[", "(").replace("]", ")") for name, *_ in CASES]


@pytest.mark.parametrize(("call", "match"), [c[1:] for c in CASES], ids=NAMES)
def test_bad_argument(call, match):
    with pytest.raises(OURS, match=match) as caught:
        call()
    last = traceback.extract_tb(caught.value.__traceback__)[-1].filename
    assert last.startswith(PACKAGE), f"raised in {last}: {caught.value!r}"
    assert str(caught.value).count("\n") == 0, "one sentence"


def test_there_are_as_many_cases_as_were_tried_at_first():
    assert len(CASES) >= 340
    assert len({name for name, *_ in CASES}) == len(CASES)
