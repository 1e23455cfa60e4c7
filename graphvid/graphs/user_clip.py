"""Builder of the graph of users and clips from clip labels: ``pos`` edges to liked clips, ``neg`` to those at a skip."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from graphvid._checks import check_choice, check_integer, node_ids
from graphvid._dgl import DGLGraph, dgl
from graphvid.graphs.clip_labels import ClipLabels

PositiveMode = Literal["complete", "prefix"]
NegativeMode = Literal["skip_clip", "skip_and_after", "none", "official"]

WeightedPairs = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]  # user, clip or video, weight


def user_clip_graph(
    labels: ClipLabels,
    *,
    num_users: int,
    num_videos: int,
    positive_mode: PositiveMode = "complete",
    negative_mode: NegativeMode = "skip_clip",
    multiplicity: Literal["binary", "count"] = "binary",
    resolve: Literal["both", "last"] = "both",
    timestamp: ArrayLike | None = None,
    shared_positives: bool = False,
) -> DGLGraph:
    """Return the bipartite graph of users and clips with positive and negative edges.

    Clip i of video v is node ``v * num_clips + i``.

    Parameters
    ----------
    labels : ClipLabels
        Labels of the rows that may become edges: training rows only, without the rows to predict.
    num_users, num_videos : int
        Sizes of the log's vocabularies; users and videos without a row are nodes without edges.
    positive_mode : {"complete", "prefix"}, default "complete"
        Positive clips of a row. ``"complete"``: all of a completed video and none of a skipped one, as in the paper.
        ``"prefix"``: all clips that were seen completely (those before a skip), as in the authors' code.
    negative_mode : {"skip_clip", "skip_and_after", "none", "official"}, default "skip_clip"
        Negative clips of a skip. ``"skip_clip"``: that of the skip, as in the paper. ``"skip_and_after"``: that and all
        later ones, which were not seen. ``"none"``: no clip. ``"official"``, as in the authors' code: that of the skip
        with weight k for a skip in clip k, so none for the first clip (only with ``multiplicity="count"``).
    multiplicity : {"binary", "count"}, default "binary"
        Weight of an edge: 1, or the number of views that produced it (``labels.count`` for positives). The authors'
        code counts.
    resolve : {"both", "last"}, default "both"
        Treatment of a user's repeated views of a video: use all, so that a clip may be positive and negative for one user;
        or only the latest. Of several at the latest time, the one that went furthest counts.
    timestamp : array_like of numbers, shape (num_rows,), optional
        Time of each row of ``labels``, ``log.timestamp[labels.row]``. Required with ``resolve="last"``, and only then.
    shared_positives : bool, default False
        Store the positives once a video instead of once a clip, with ``num_clips`` times fewer edges: with
        ``positive_mode="complete"`` all clips of a video have the same positive edges. The results are exact, see Notes.

    Returns
    -------
    DGLGraph
        Node types ``"user"`` and ``"clip"``; edge types ``("user", "pos", "clip")``, ``("user", "neg", "clip")``,
        sorted by (user, clip), and ``("clip", "pos_by", "user")``, ``("clip", "neg_by", "user")``, the reversed edges in
        the same order; ``edata["weight"]`` float32 on each; int64 ids; on the CPU. With
        ``shared_positives=True`` there is a node type ``"video"``, and the positives are ``("user", "pos", "video")``
        and ``("video", "pos_by", "user")``. A relation may have no edges.

    Raises
    ------
    TypeError
        ``labels`` is not a ClipLabels, ids that are not integers.
    ValueError
        An argument that is not among its choices, ids or clips out of range, ``resolve="last"`` without timestamps or
        timestamps without it, ``shared_positives=True`` with positives that are not whole videos, ``"official"``
        negatives without counts.

    Notes
    -----
    O(m log m) time and O(m) memory for the m edges before repeated ones are merged. The graph does not depend on the
    order of the rows.

    With shared positives both hops are exact for every norm of `edge_norms`: the first sums ``to_user * x_v`` over a
    user's videos, where ``x_v`` is the *sum* of the video's clip vectors. The second computes one vector for each video, which
    serves for each of its clips.

    References
    ----------
    "Learning Fine-grained User Interests for Micro-video Recommendation", SIGIR 2023.

    Examples
    --------
    User 0 completed video 0 and left video 1 in its second clip.

    >>> import pandas as pd
    >>> from graphvid.data import WatchLog
    >>> from graphvid.graphs import label_clips
    >>> frame = pd.DataFrame({"user_id": 7, "video_id": ["a", "b"], "duration": 8.0, "watch_time": [8.0, 5.0]})
    >>> log = WatchLog.from_frame(frame)
    >>> graph = user_clip_graph(label_clips(log, 2), num_users=log.num_users, num_videos=log.num_videos)
    >>> graph.edges(etype="pos"), graph.edges(etype="neg")
    ((tensor([0, 0]), tensor([0, 1])), (tensor([0]), tensor([3])))
    """
    _check_choices(positive_mode, negative_mode, multiplicity, resolve)
    if shared_positives and positive_mode != "complete":
        raise ValueError(f"shared_positives needs positive_mode='complete', got positive_mode={positive_mode!r}")
    if negative_mode == "official" and multiplicity != "count":
        raise ValueError(f"negative_mode='official' needs multiplicity='count', got multiplicity={multiplicity!r}")
    _check_labels(labels, num_users, num_videos)
    if (timestamp is None) == (resolve == "last"):
        given = "none" if timestamp is None else "some"
        raise ValueError(f"timestamp must be given with resolve='last' and only then, got {given} with {resolve!r}")
    if timestamp is not None:
        labels = _latest(labels, timestamp)
    positive = _positives(labels, positive_mode, num_videos, shared_positives)
    negative = _negatives(labels, negative_mode, num_videos)
    if multiplicity == "binary":
        positive, negative = ((user, node, np.ones_like(count)) for user, node, count in (positive, negative))
    num_nodes = {"user": num_users, "clip": num_videos * labels.num_clips}
    if shared_positives:
        num_nodes["video"] = num_videos
    relations = {"pos": ("video" if shared_positives else "clip", positive), "neg": ("clip", negative)}
    return _graph(relations, num_nodes)


def _check_choices(positive_mode: str, negative_mode: str, multiplicity: str, resolve: str) -> None:
    for name, value, choices in (
        ("positive_mode", positive_mode, get_args(PositiveMode)),
        ("negative_mode", negative_mode, get_args(NegativeMode)),
        ("multiplicity", multiplicity, ("binary", "count")),
        ("resolve", resolve, ("both", "last")),
    ):
        check_choice(name, value, choices)


def _check_labels(labels: ClipLabels, num_users: int, num_videos: int) -> None:
    if not isinstance(labels, ClipLabels):
        raise TypeError(f"labels must be a ClipLabels, got {type(labels).__name__}")
    check_integer("num_users", num_users, 1)
    check_integer("num_videos", num_videos, 1)
    check_integer("labels.num_clips", labels.num_clips, 1)
    sizes = {"user": num_users, "video": num_videos, "stop": labels.num_clips + 1}
    for name, size in sizes.items():
        node_ids(f"labels.{name}", getattr(labels, name), size, "(num_rows,)")
    count = np.asarray(labels.count)
    if count.size and count.dtype.kind not in "iu":
        raise TypeError(f"labels.count must hold integers, got dtype {count.dtype}")
    if count.size and not (count >= 1).all():
        raise ValueError(f"labels.count must be >= 1, got {count.min()}")
    most = int(num_users) * int(num_videos) * int(labels.num_clips)
    if most >= 2**63:
        raise ValueError(f"num_users * num_videos * num_clips must be below 2^63, got {most}")
    lengths = [len(getattr(labels, name)) for name in (*sizes, "count")]
    if len(set(lengths)) > 1:
        raise ValueError(f"user, video, stop and count of labels must have equal lengths, got {lengths}")


def _latest(labels: ClipLabels, timestamp: ArrayLike) -> ClipLabels:
    """Return the labels of each user's latest view of each video."""
    given = np.asarray(timestamp)
    if given.size and given.dtype.kind not in "iuf":
        raise TypeError(f"timestamp must hold real numbers, got dtype {given.dtype}")
    time = given.astype(np.float64)
    if time.shape != labels.user.shape:
        raise ValueError(
            f"timestamp must have shape {labels.user.shape}, as log.timestamp[labels.row], got {time.shape}"
        )
    if not np.isfinite(time).all():
        raise ValueError(f"timestamp must be finite, got {time[~np.isfinite(time)][0]}")
    order = np.lexsort((labels.count, labels.stop, time, labels.video, labels.user))
    user, video = labels.user[order], labels.video[order]
    is_last = np.ones(len(order), bool)
    is_last[:-1] = (user[1:] != user[:-1]) | (video[1:] != video[:-1])
    keep = np.sort(order[is_last])
    fields = ("user", "video", "stop", "count", "row")
    return labels._replace(**{name: getattr(labels, name)[keep] for name in fields})


def _positives(labels: ClipLabels, mode: str, num_videos: int, shared: bool) -> WeightedPairs:
    num_clips = labels.num_clips
    if mode == "prefix":
        row, clip = _clips(labels, np.zeros_like(labels.stop), labels.stop)
        return _merge(labels.user[row], clip, labels.count[row], num_videos * num_clips)
    done = labels.complete
    user, video, weight = _merge(labels.user[done], labels.video[done], labels.count[done], num_videos)
    if shared:
        return user, video, weight
    clip = (video[:, None] * num_clips + np.arange(num_clips)).ravel()
    return np.repeat(user, num_clips), clip, np.repeat(weight, num_clips)


def _negatives(labels: ClipLabels, mode: str, num_videos: int) -> WeightedPairs:
    stop, end = labels.stop, labels.stop + ~labels.complete
    if mode == "none":
        end = stop
    elif mode == "skip_and_after":
        end = np.full_like(stop, labels.num_clips)
    row, clip = _clips(labels, stop, end)
    weight = stop[row] if mode == "official" else np.ones_like(row)
    seen = weight > 0
    return _merge(labels.user[row[seen]], clip[seen], weight[seen], num_videos * labels.num_clips)


def _clips(
    labels: ClipLabels, first: NDArray[np.int64], end: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the clips ``first`` to ``end - 1`` of the video of each row, with their row."""
    length = end - first
    row = np.repeat(np.arange(len(length)), length)
    within = np.arange(len(row)) - np.repeat(np.cumsum(length) - length, length)
    return row, labels.video[row] * labels.num_clips + first[row] + within


def _merge(
    user: NDArray[np.int64], node: NDArray[np.int64], weight: NDArray[np.int64], num_nodes: int
) -> WeightedPairs:
    """Return each edge once, by (user, node), with the sum of its weights."""
    order = np.argsort(user * num_nodes + node)  # sums of integers: the order of equal edges does not matter
    user, node, weight = user[order], node[order], weight[order]
    is_start = np.ones(len(order), bool)
    is_start[1:] = (user[1:] != user[:-1]) | (node[1:] != node[:-1])
    starts = np.flatnonzero(is_start)
    if starts.size:
        weight = np.add.reduceat(weight, starts)
    return user[starts], node[starts], weight


def _graph(relations: dict[str, tuple[str, WeightedPairs]], num_nodes: dict[str, int]) -> DGLGraph:
    ends, weights = {}, {}
    for name, (ntype, (user, node, weight)) in relations.items():
        src, dst = torch.from_numpy(user), torch.from_numpy(node)
        forward, backward = ("user", name, ntype), (ntype, f"{name}_by", "user")
        ends[forward], ends[backward] = (src, dst), (dst, src)
        weights[forward] = torch.from_numpy(weight.astype(np.float32))
        weights[backward] = weights[forward].clone()
    graph = dgl.heterograph(ends, num_nodes_dict=num_nodes, idtype=torch.int64)
    for etype, values in weights.items():
        graph.edges[etype].data["weight"] = values
    return graph
