"""Damped max-product messages between the mentions of documents, with ragged lists of candidates."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from graphvid.nn import _kernels
from graphvid.ops import segment_logsumexp
from graphvid.ops.neighbors import expand_ranges


class AssignmentLayout:
    """Places of pair scores and messages of documents whose mentions have any numbers of candidates, without padding.

    The assignment graph of a document has a node for every (mention, candidate) and an edge between any two nodes of
    different mentions. A message goes from a mention to each node of the others.

    Parameters
    ----------
    doc_indptr : Tensor of int64, shape (num_docs + 1,)
        Document d has the mentions ``doc_indptr[d]`` to ``doc_indptr[d + 1] - 1``.
    cand_indptr : Tensor of int64, shape (num_mentions + 1,)
        Mention m has the candidates ``cand_indptr[m]`` to ``cand_indptr[m + 1] - 1``; it may have none.

    Attributes
    ----------
    num_nodes, num_entries, num_pairs : int
        Candidates, messages, and ordered pairs of candidates of one document: N, n * N and N * N summed over documents.
    node_start, entry_start, pair_start : Tensor of int64, shape (num_docs + 1,)
        Start of each document's nodes, entries and pairs; pair (s, t) of a document with N nodes is
        ``pair_start + s * N + t``.
    entry_node : Tensor of int64, shape (num_entries,)
        Target node of each message.
    sends : Tensor of bool, shape (num_entries,)
        False for messages of a mention to itself, or from a mention without candidates.

    Raises
    ------
    ValueError
        An indptr that falls or does not start at 0, or two that do not fit together.
    """

    def __init__(self, doc_indptr: Tensor, cand_indptr: Tensor) -> None:
        for name, indptr in (("doc_indptr", doc_indptr), ("cand_indptr", cand_indptr)):
            if indptr.dim() != 1 or not len(indptr) or int(indptr[0]) != 0 or (indptr.diff() < 0).any():
                raise ValueError(f"{name} must be 1-D, start at 0 and never fall, got {indptr}")
        if int(doc_indptr[-1]) != len(cand_indptr) - 1:
            raise ValueError(f"doc_indptr must end at the {len(cand_indptr) - 1} mentions, got {int(doc_indptr[-1])}")
        self.doc_indptr, self.cand_indptr = doc_indptr, cand_indptr
        self.node_start = cand_indptr[doc_indptr]
        size = self.node_start.diff()
        zero = size.new_zeros(1)
        self.entry_start = torch.cat([zero, (doc_indptr.diff() * size).cumsum(0)])
        self.pair_start = torch.cat([zero, size.square().cumsum(0)])
        self.num_nodes, self.num_entries = int(cand_indptr[-1]), int(self.entry_start[-1])
        self.num_pairs = int(self.pair_start[-1])
        mention_doc = torch.repeat_interleave(torch.arange(len(size), device=size.device), doc_indptr.diff())
        self.entry_node, source = expand_ranges(self.node_start[:-1][mention_doc], size[mention_doc])
        counts = cand_indptr.diff()
        node_mention = torch.repeat_interleave(torch.arange(len(counts), device=size.device), counts)
        target = node_mention[self.entry_node]
        self.sends = (source != target) & (counts[source] > 0)
        # Messages to the nodes of one mention follow each other: a segment to normalise over.
        starts = torch.ones_like(self.sends)
        starts[1:] = (source[1:] != source[:-1]) | (target[1:] != target[:-1])
        self.segment = starts.cumsum(0) - 1
        self.segment_indptr = torch.cat([starts.nonzero()[:, 0], starts.new_tensor([len(starts)], dtype=torch.int64)])


def max_product(
    local: Tensor, pair: Tensor, layout: AssignmentLayout, *, num_rounds: int = 10, damping: float = 0.5
) -> Tensor:
    r"""Return beliefs of candidates after rounds of messages between the mentions of each document.

    .. math::
        q_{i \to j}(e_j) = \max_{e_i} \Big[ \psi(e_i) + \phi(e_i, e_j) + \sum_{k \ne i, j} m_{k \to i}(e_i) \Big], \qquad
        m_{i \to j} \leftarrow \log\big(\delta\, \mathrm{softmax}_j(q_{i \to j}) + (1 - \delta)\, e^{m_{i \to j}}\big)

    and the belief is :math:`\psi(e_j) + \sum_i m_{i \to j}(e_j)`.

    Parameters
    ----------
    local : Tensor, shape (num_nodes,)
        :math:`\psi`, a score of each candidate by itself.
    pair : Tensor, shape (num_pairs,)
        :math:`\phi`, in the order of ``layout``. Pairs of candidates of one mention are not read.
    layout : AssignmentLayout
    num_rounds : int, default 10
        Rounds, >= 0. Each computes all messages from those of the previous round; the first messages are 0.
    damping : float, default 0.5
        :math:`\delta` in (0, 1], the share of the new message. The public code of mulrel-nel passes its dropout rate here.

    Returns
    -------
    Tensor, shape (num_nodes,)
        ``local`` itself for a document with one mention, or after no round.

    Raises
    ------
    ValueError
        Shapes that do not fit the layout, rounds or damping out of range.

    Notes
    -----
    O(num_rounds * num_pairs) time; memory of the pairs and, with gradients, of ``num_rounds * num_entries`` messages. On two
    mentions with ``damping=1`` the belief, after one round, is the max-marginal up to a constant of each mention. On the
    CPU the maxima run in Numba, and without gradients all rounds do, in one kernel; the gradient goes to the first
    candidate that attains the maximum.

    References
    ----------
    Ganea and Hofmann, EMNLP 2017, equations 9 to 11; Le and Titov, ACL 2018.

    Examples
    --------
    Two mentions with two candidates each; the second of one fits the second of the other.

    >>> layout = AssignmentLayout(torch.tensor([0, 2]), torch.tensor([0, 2, 4]))
    >>> pair = torch.zeros(4, 4)
    >>> pair[1, 3] = pair[3, 1] = 2.0
    >>> max_product(torch.zeros(4), pair.flatten(), layout, num_rounds=1, damping=1.0).exp().round(decimals=2)
    tensor([0.1200, 0.8800, 0.1200, 0.8800])
    """
    if local.shape != (layout.num_nodes,) or pair.shape != (layout.num_pairs,):
        raise ValueError(
            f"local and pair must have shapes ({layout.num_nodes},) and ({layout.num_pairs},), "
            f"got {tuple(local.shape)} and {tuple(pair.shape)}"
        )
    if isinstance(num_rounds, bool) or not isinstance(num_rounds, int) or num_rounds < 0:
        raise ValueError(f"num_rounds must be an integer >= 0, got {num_rounds!r}")
    if not 0 < damping <= 1:
        raise ValueError(f"damping must be in (0, 1], got {damping!r}")
    if not layout.num_entries or not num_rounds:
        return local
    if local.device.type == "cpu" and not (torch.is_grad_enabled() and (local.requires_grad or pair.requires_grad)):
        return _without_gradient(local, pair, layout, num_rounds, damping)
    message = local.new_zeros(layout.num_entries)
    for _ in range(num_rounds):
        told = local + _sum_messages(message, layout)
        base = told.index_select(0, layout.entry_node) - message
        reached = _maxima(base, pair, layout)
        total = segment_logsumexp(reached, layout.segment_indptr)
        new = reached - total.index_select(0, layout.segment)
        if damping < 1:
            new = torch.logaddexp(new + math.log(damping), message + math.log1p(-damping))
        message = torch.where(layout.sends, new, 0.0)
    return local + _sum_messages(message, layout)


def _without_gradient(local: Tensor, pair: Tensor, layout: AssignmentLayout, num_rounds: int, damping: float) -> Tensor:
    belief = torch.empty_like(local)
    scores = (x.detach().contiguous().numpy() for x in (local, pair))
    places = (x.numpy() for x in (layout.doc_indptr, layout.cand_indptr, layout.pair_start))
    _kernels.max_product(*places, *scores, num_rounds, damping, belief.numpy())
    return belief


def _sum_messages(message: Tensor, layout: AssignmentLayout) -> Tensor:
    return message.new_zeros(layout.num_nodes).index_add(0, layout.entry_node, message)


def _maxima(base: Tensor, pair: Tensor, layout: AssignmentLayout) -> Tensor:
    if base.device.type == "cpu":
        reached: Tensor = _GroupedMax.apply(base, pair, layout)  # type: ignore[no-untyped-call]
        return reached
    return _maxima_by_scatter(base, pair, layout)


def _maxima_by_scatter(base: Tensor, pair: Tensor, layout: AssignmentLayout) -> Tensor:
    """Return the result of `_GroupedMax` by tensor operations on any device, with a term for every pair of candidates."""
    counts = layout.cand_indptr.diff()
    node_mention = torch.repeat_interleave(torch.arange(len(counts), device=base.device), counts)
    size = layout.node_start.diff()
    node_doc = torch.repeat_interleave(torch.arange(len(size), device=base.device), size)
    target, source = expand_ranges(layout.node_start[node_doc], size[node_doc])  # pair order: source, then target
    doc = node_doc[source]
    first_node, first_entry = layout.node_start[doc], layout.entry_start[doc]
    first_mention = layout.doc_indptr[doc]
    to = first_entry + (node_mention[source] - first_mention) * size[doc] + target - first_node
    frm = first_entry + (node_mention[target] - first_mention) * size[doc] + source - first_node
    value = pair + base.index_select(0, frm)
    reached = value.new_full((layout.num_entries,), -math.inf).scatter_reduce(0, to, value, "amax")
    return torch.where(layout.sends, reached, 0.0)


class _GroupedMax(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, base: Tensor, pair: Tensor, layout: AssignmentLayout) -> Tensor:  # Any: PyTorch's context
        out = torch.empty_like(base)
        best = torch.empty(len(base), dtype=torch.int32)
        _kernels.grouped_max(
            *_places(layout), base.detach().numpy(), pair.detach().contiguous().numpy(), out.numpy(), best.numpy()
        )
        ctx.layout, ctx.num_pairs = layout, len(pair)
        ctx.save_for_backward(best)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:  # Any: see forward
        (best,) = ctx.saved_tensors
        grad_base, grad_pair = torch.zeros_like(grad), grad.new_zeros(ctx.num_pairs)
        _kernels.grouped_max_backward(
            *_places(ctx.layout), best.numpy(), grad.contiguous().numpy(), grad_base.numpy(), grad_pair.numpy()
        )
        return grad_base, grad_pair, None


def _places(layout: AssignmentLayout) -> tuple[Any, ...]:  # Any: arrays for the kernels
    return tuple(x.numpy() for x in (layout.doc_indptr, layout.cand_indptr, layout.entry_start, layout.pair_start))
