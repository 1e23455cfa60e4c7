"""Graphs of videos: of scored pairs, of a batch of pairs, and of the frames, tokens and tags inside videos."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from graphvid._checks import check_integer, node_ids
from graphvid._dgl import DGLGraph, dgl
from graphvid.data.tag_vocabulary import TagVocabulary
from graphvid.data.video_pairs import ScoredPairs
from graphvid.data.video_records import IdLists

OF_VIDEO = ("frame", "of", "video")
NEXT = ("frame", "next", "frame")
TOKEN_OF_VIDEO = ("token", "of", "video")
HAS_TAG = ("video", "has", "tag")


def video_pair_graph(pairs: ScoredPairs, num_videos: int) -> DGLGraph:
    """Return the graph of scored pairs: nodes are videos, edges are pairs.

    Parameters
    ----------
    pairs : ScoredPairs
    num_videos : int
        Number of nodes, including those without a pair.

    Returns
    -------
    DGLGraph
        Homogeneous; edge e runs from the query to the candidate of pair e and has ``edata["score"]``, float32. int64 ids,
        on the CPU.

    Raises
    ------
    ValueError
        An end outside ``[0, num_videos)``.

    Notes
    -----
    Repeated pairs and pairs of a video with itself stay as separate edges.

    Examples
    --------
    >>> pairs = ScoredPairs(np.array([0, 0]), np.array([1, 2]), np.array([0.25, 1.0]))
    >>> video_pair_graph(pairs, 3).edata["score"]
    tensor([0.2500, 1.0000])
    """
    check_integer("num_videos", num_videos, 1)
    ends = [
        torch.from_numpy(node_ids(name, getattr(pairs, name), num_videos, "(num_pairs,)"))
        for name in ("query", "candidate")
    ]
    graph = dgl.graph((ends[0], ends[1]), num_nodes=num_videos, idtype=torch.int64)
    graph.edata["score"] = torch.from_numpy(pairs.score.astype(np.float32))
    return graph


def pair_subgraph(graph: DGLGraph, edges: Tensor) -> DGLGraph:
    """Return a batch of pairs as a separate graph, in which each video is one node, also with several pairs.

    Parameters
    ----------
    graph : DGLGraph
        From `video_pair_graph`.
    edges : Tensor of int64, shape (num_pairs,)
        Edge ids, in the order that the batch keeps.

    Returns
    -------
    DGLGraph
        ``ndata[dgl.NID]`` is the video of each node, ``edata["score"]`` the scores of the batch.

    Examples
    --------
    >>> pairs = ScoredPairs(np.array([0, 0, 3]), np.array([1, 2, 2]), np.array([0.25, 1.0, 0.5]))
    >>> batch = pair_subgraph(video_pair_graph(pairs, 4), torch.tensor([1, 0]))
    >>> batch.num_nodes(), batch.edata["score"]
    (3, tensor([1.0000, 0.2500]))
    """
    return dgl.edge_subgraph(graph, edges, relabel_nodes=True)


def content_graph(
    frame_counts: ArrayLike,
    token_counts: ArrayLike,
    *,
    tags: IdLists | None = None,
    vocabulary: TagVocabulary | None = None,
) -> DGLGraph:
    """Return the frames, tokens and tags of some videos as a graph, without padding.

    Parameters
    ----------
    frame_counts, token_counts : array_like of int, shape (num_videos,)
        Numbers of frames and word pieces of each video; the nodes are numbered video by video.
    tags : IdLists, optional
        Tags of each video.
    vocabulary : TagVocabulary, optional
        Required with ``tags``, and only then: the tags that are nodes. Other tags have no edge.

    Returns
    -------
    DGLGraph
        Node types ``video``, ``frame``, ``token`` and, with tags, ``tag``; edge types ``("frame", "of", "video")``,
        ``("token", "of", "video")``, ``("frame", "next", "frame")`` from each frame to the one after it in its video, and
        ``("video", "has", "tag")``. int64 ids, on the CPU.

    Raises
    ------
    TypeError, ValueError
        Counts that are no integers >= 0, columns of unequal length, tags without a vocabulary.

    Examples
    --------
    >>> graph = content_graph([3, 1], [2, 2])
    >>> graph.edges(etype="next"), graph.num_nodes("token")
    ((tensor([0, 1]), tensor([1, 2])), 4)
    """
    frames, tokens = _counts("frame_counts", frame_counts), _counts("token_counts", token_counts)
    if len(frames) != len(tokens):
        raise ValueError(f"frame_counts and token_counts must have equal lengths, got {len(frames)} and {len(tokens)}")
    if (tags is None) != (vocabulary is None):
        raise ValueError("tags and vocabulary must be given together")
    frame_video, token_video = (np.repeat(np.arange(len(count)), count) for count in (frames, tokens))
    follows = np.flatnonzero(frame_video[1:] == frame_video[:-1])
    ends = {
        OF_VIDEO: (np.arange(len(frame_video)), frame_video),
        TOKEN_OF_VIDEO: (np.arange(len(token_video)), token_video),
        NEXT: (follows, follows + 1),
    }
    sizes = {"video": len(frames), "frame": len(frame_video), "token": len(token_video)}
    if tags is not None and vocabulary is not None:
        if len(tags.indptr) - 1 != len(frames):
            raise ValueError(f"tags must have one list a video, {len(frames)}, got {len(tags.indptr) - 1}")
        video, column = np.nonzero(vocabulary.labels(tags))
        ends[HAS_TAG] = (video, column)
        sizes["tag"] = vocabulary.num_tags
    return dgl.heterograph(
        {etype: (torch.from_numpy(src), torch.from_numpy(dst)) for etype, (src, dst) in ends.items()},
        num_nodes_dict=sizes,
        idtype=torch.int64,
    )


def _counts(name: str, values: ArrayLike) -> NDArray[np.int64]:
    counts = np.asarray(values)
    if counts.ndim != 1 or counts.dtype.kind not in "iu":
        raise TypeError(f"{name} must be integers of shape (num_videos,), got {counts.dtype} of shape {counts.shape}")
    if (counts < 0).any():
        raise ValueError(f"{name} must be >= 0, got {counts.min()}")
    return counts.astype(np.int64)
