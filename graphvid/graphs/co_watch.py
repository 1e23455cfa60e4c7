"""Builder of the co-watch graph from a watch log: two videos share an edge if the same users watched both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from graphvid._checks import check_choice, check_integer, check_seed
from graphvid._dgl import DGLGraph
from graphvid.data import WatchLog
from graphvid.graphs import _kernels
from graphvid.graphs.alignment import carry_ids
from graphvid.graphs.relation import undirected_graph

Weight = Literal["count", "binary", "cosine", "npmi"]

_KINDS = {"count": _kernels.COUNT, "binary": _kernels.BINARY, "cosine": _kernels.COSINE, "npmi": _kernels.NPMI}


def co_watch_graph(
    log: WatchLog,
    *,
    weight: Weight = "count",
    min_count: int = 1,
    top_k: int | None = 50,
    max_videos_per_user: int | None = 100,
    seed: int = 0,
    chunk_size: int = 1 << 24,
    progress: bool = False,
) -> DGLGraph:
    r"""Return the graph in which videos watched by the same users are neighbours.

    Write :math:`c_{ij}` for the number of users who watched both :math:`i` and :math:`j`, :math:`n_i` for the number who
    watched :math:`i`, and :math:`N` for the number of users in the log. The weight of an edge is

    ==========  ==================================================================================================
    "count"     :math:`c_{ij}`
    "binary"    1
    "cosine"    :math:`c_{ij} / \sqrt{n_i n_j}`
    "npmi"      :math:`\log\frac{c_{ij} N}{n_i n_j} \big/ \log\frac{N}{c_{ij}}`, in (0, 1]: pointwise mutual information
                divided by its largest value. A pair that is together no more often than chance
                (:math:`c_{ij} N \le n_i n_j`) is not an edge, so that all weights are positive similarities.
    ==========  ==================================================================================================

    A user counts once for a pair, however often the log repeats it.

    Parameters
    ----------
    log : WatchLog
        At least two users.
    weight : {"count", "binary", "cosine", "npmi"}, default "count"
        Weight of an edge; the count is the weight of Lee et al. (KDD 2018).
    min_count : int, default 1
        Smallest number of common users of an edge, >= 1.
    top_k : int or None, default 50
        Keep an edge if it is among the ``top_k`` heaviest of *either* end. So a video may have more than ``top_k``
        neighbours, and keeps all if it has fewer. A seeded hash of the edge orders equal weights; "binary" takes the
        heaviest by count. The authors of the method report about 50 partners per video. None keeps all.
    max_videos_per_user : int or None, default 100
        Of a user with more videos only this many count, >= 2, chosen by a hash of ``seed``, the video's id and the set of
        the user's videos; :math:`n_i` counts the same choice. None takes all. A user with d videos makes d (d - 1) / 2
        pairs, so without a limit a few heavy users make most of the graph: in the TikTok log 103 of 9,308 users have more
        than 100 videos and make 99.7 % of the pairs. The disadvantage: a video that only heavy users saw may lose all its
        edges. In the TikTok log these are 1,331 of 6,710 videos with a limit of 100, and 2 with None.
    seed : int, default 0
        Seed of the choice among the videos of heavy users and among equally heavy edges, >= 0.
    chunk_size : int, default 2 ** 24
        Pairs of views counted at a time. It bounds the memory and sets the steps of the progress bar; the result does not
        depend on it.
    progress : bool, default False
        Show a progress bar.

    Returns
    -------
    DGLGraph
        Node type ``"video"`` with ``log.num_videos`` nodes, node i being ``log.video_ids[i]``; edge type
        ``("video", "co_watch", "video")`` with both directions of each edge, sorted by (source, destination);
        ``edata["weight"]`` float32; ``ndata["id_hash"]`` int64, with which `check_alignment` detects features in another
        order; int64 ids; on the CPU.

    Raises
    ------
    TypeError
        ``log`` is not a WatchLog.
    ValueError
        An argument outside its range, a log of one user, or a log in which no pair of videos makes an edge.

    Notes
    -----
    A row-by-row sparse product of the user-video matrix with itself, never dense: time O(sum over users of d^2), memory
    O(num_interactions + num_videos * top_k + chunk_size). The graph is the same for any order of the rows, any
    numbering of users, any vocabulary that holds the videos (ids are hashed, not row numbers) and any ``chunk_size``.

    References
    ----------
    Lee et al., "Large Scale Video Representation Learning via Relational Graph Clustering", CVPR 2020. The construction
    of the edges is not published; ``top_k`` follows Lee et al., "Collaborative Deep Metric Learning for Video
    Understanding", KDD 2018, and a lecture of its authors. NPMI: Bouma, "Normalized (Pointwise) Mutual Information in
    Collocation Extraction", GSCL 2009; only its positive part is kept.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"user_id": [1, 1, 1, 2, 2], "video_id": ["a", "b", "c", "a", "b"]})
    >>> graph = co_watch_graph(WatchLog.from_frame(frame))
    >>> graph.edges()
    (tensor([0, 0, 1, 1, 2, 2]), tensor([1, 2, 0, 2, 0, 1]))
    >>> graph.edata["weight"]
    tensor([2., 1., 2., 1., 1., 1.])
    """
    if not isinstance(log, WatchLog):
        raise TypeError(f"log must be a WatchLog, got {type(log).__name__}")
    check_choice("weight", weight, get_args(Weight))
    check_integer("min_count", min_count, 1)
    check_integer("top_k", top_k, 1, none=True)
    check_integer("max_videos_per_user", max_videos_per_user, 2, none=True)
    check_seed(seed)
    check_integer("chunk_size", chunk_size, 1)
    keys = _kernels.seeded_keys(_id_hashes(log.video_ids), np.uint64(seed))
    views = _distinct_views(log, keys, max_videos_per_user)
    if views.num_users < 2:
        raise ValueError(f"log must have at least 2 users who watched something, got {views.num_users}")
    src, dst, scores = _strongest_partners(views, keys, _KINDS[weight], min_count, top_k, chunk_size, progress)
    if not len(src):
        raise ValueError(
            f"the log has no edge: no two videos share min_count={min_count} users with a positive {weight} weight"
        )
    values = np.ones(len(src), np.float32) if weight == "binary" else scores.astype(np.float32)
    return carry_ids(undirected_graph(src, dst, values, log.num_videos), log.video_ids)


def _id_hashes(ids: pd.Index) -> NDArray[np.uint64]:
    """Return a hash of each id: of an integer its value, of anything else its text."""
    values = ids.to_numpy()
    if not np.issubdtype(values.dtype, np.integer):
        values = np.array([str(value) for value in ids], dtype=object)
    return pd.util.hash_array(values)


class _Views(NamedTuple):
    """Distinct (user, video) pairs in both orders, as CSR with ascending rows."""

    by_user: tuple[NDArray[np.int64], NDArray[np.int32]]
    by_video: tuple[NDArray[np.int64], NDArray[np.int32]]
    popularity: NDArray[np.int64]
    num_users: int


def _distinct_views(log: WatchLog, keys: NDArray[np.uint64], limit: int | None) -> _Views:
    pairs = np.sort(log.user * log.num_videos + log.video)
    pairs = pairs[np.concatenate([[True], pairs[1:] != pairs[:-1]])]  # np.unique hashes, and takes 20 times as long
    user, video = pairs // log.num_videos, pairs % log.num_videos
    if limit is not None:
        keep = _kernels.kept_of_users(_indptr(user, log.num_users), video, keys, limit)
        user, video = user[keep], video[keep]
    order = np.argsort(video, kind="stable")
    return _Views(
        by_user=(_indptr(user, log.num_users), video.astype(np.int32)),
        by_video=(_indptr(video, log.num_videos), user[order].astype(np.int32)),
        popularity=np.bincount(video, minlength=log.num_videos),
        num_users=int(np.count_nonzero(np.bincount(user))),
    )


def _indptr(rows: NDArray[np.int64], num_rows: int) -> NDArray[np.int64]:
    indptr = np.zeros(num_rows + 1, np.int64)
    np.cumsum(np.bincount(rows, minlength=num_rows), out=indptr[1:])
    return indptr


def _strongest_partners(
    views: _Views,
    keys: NDArray[np.uint64],
    kind: int,
    min_count: int,
    top_k: int | None,
    chunk_size: int,
    progress: bool,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return (src, dst, score) of the edges, each once."""
    num_videos = len(keys)
    video_ptr, users = views.by_video
    others = np.diff(views.by_user[0])[users] - 1  # views that form a pair with this view
    work = np.diff(np.concatenate([[0], np.cumsum(others)])[video_ptr])
    most = np.minimum(work, num_videos - 1 if top_k is None else min(top_k, num_videos - 1))
    counts = np.zeros(num_videos, np.int32)
    lengths, partners, scores = [], [], []
    bar = tqdm(total=int(work.sum()), desc="co-watch pairs", unit="pair", unit_scale=True, disable=not progress)
    with bar:
        for first, last in _chunks(work, chunk_size):
            size = int(most[first:last].sum())
            out = (np.empty(last - first, np.int64), np.empty(size, np.int64), np.empty(size, np.float64))
            written = _kernels.partners_of_rows(
                (first, last),
                views.by_video,
                views.by_user,
                views.popularity,
                views.num_users,
                kind,
                min_count,
                top_k or 0,
                keys,
                counts,
                out,
            )
            lengths.append(out[0])
            partners.append(out[1][:written].copy())
            scores.append(out[2][:written].copy())
            bar.update(int(work[first:last].sum()))
    length, partner, score = np.concatenate(lengths), np.concatenate(partners), np.concatenate(scores)
    src = np.repeat(np.arange(num_videos), length)
    if top_k is None:
        return src, partner, score
    once = _kernels.is_first_mention(np.concatenate([[0], np.cumsum(length)]), partner)
    return src[once], partner[once], score[once]


def _chunks(work: NDArray[np.int64], chunk_size: int) -> Iterator[tuple[int, int]]:
    """Cut the rows into ranges of about ``chunk_size`` work, at least one row each."""
    done = np.cumsum(work)
    first = 0
    while first < len(work):
        before = int(done[first - 1]) if first else 0
        last = max(int(np.searchsorted(done, before + chunk_size, side="right")), first + 1)
        yield first, last
        first = last
