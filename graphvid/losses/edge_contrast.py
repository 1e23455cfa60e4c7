"""Losses of typed edges: for each anchor they pull the pairs of one kind together and push the others apart."""

from __future__ import annotations

from typing import Literal, TypeAlias, cast, get_args

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from graphvid._checks import check_choice, check_count, check_ids, check_number, check_tensor
from graphvid._precision import at_least_float32, no_autocast
from graphvid.losses.triplet import check_margin
from graphvid.ops.adjacency import Adjacency
from graphvid.ops.neighbors import expand_ranges
from graphvid.ops.segment import segment_logsumexp

AnchorEdges: TypeAlias = tuple[Tensor, Tensor, Tensor]  # rows of the anchors, rows of the other ends, weights
Mining = Literal["all", "hard", "semi-hard"]


class EdgeInfoNCE(nn.Module):
    r"""Cross entropy that separates a pulled pair from the pushed pairs of its anchor.

    .. math:: \ell = \frac{1}{\sum_e w_e} \sum_{e = (a, p)} w_e \Big[ \log \Big( \exp(z_a \cdot z_p / \tau)
        + \sum_{(a, n)} w_{an} \exp(z_a \cdot z_n / \tau) \Big) - z_a \cdot z_p / \tau \Big]

    with :math:`\tau` = ``temperature``. The sum over :math:`e` is over all pull edges of the graph. Each competes only with
    the push edges of its anchor, not with the other pull edges. A push edge with weight 64 counts 64 times, and weight 0
    removes it: the logarithm of the weight is added to the logit. The weight of a pull edge is its weight in the mean. An
    anchor without a push edge has loss 0 and counts in the mean.

    Parameters
    ----------
    temperature : float, default 0.1
        :math:`\tau > 0`.

    Raises
    ------
    ValueError
        The temperature is not a finite number above 0.

    Notes
    -----
    Time and memory O(num_edges * dim), plus O(num_anchors * num_queue * dim) for a queue that all anchors share. The queue
    needs one matrix product for its table of logits; edges would need a gather.

    References
    ----------
    He et al., "Momentum Contrast for Unsupervised Visual Representation Learning", CVPR 2020, for one pull edge an anchor
    and a queue.

    Examples
    --------
    >>> z = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> one = torch.ones(1)
    >>> pull, push = (torch.tensor([0]), torch.tensor([1]), one), (torch.tensor([0]), torch.tensor([2]), one)
    >>> round(float(EdgeInfoNCE(1.0)(z, pull, push)), 4)  # log(1 + exp(-1))
    0.3133
    >>> none = (torch.tensor([], dtype=torch.int64),) * 2 + (torch.tensor([]),)
    >>> round(float(EdgeInfoNCE(1.0)(z, pull, none, queue=z[2:])), 4)
    0.3133
    """

    def __init__(self, temperature: float = 0.1) -> None:
        super().__init__()
        self.temperature = check_number("temperature", temperature, "a finite float > 0", least=5e-324)

    def forward(
        self,
        z: Tensor,
        pull: AnchorEdges,
        push: AnchorEdges,
        *,
        queue: Tensor | None = None,
        excluded: Tensor | None = None,
    ) -> Tensor:
        """Compute the loss.

        Parameters
        ----------
        z : Tensor, shape (num_nodes, dim)
            Vectors, used without scaling; the methods with this loss normalise them.
        pull, push : tuple of three Tensors, each of shape (num_edges,)
            Rows of ``z`` of the anchors and of the other ends, and weights >= 0; see
            `graphvid.graphs.ClipGraph.pull` and ``push``.
        queue : Tensor, shape (num_queue, dim), optional
            Vectors from which the loss pushes every anchor with weight 1, instead of one edge for each.
        excluded : Tensor of bool, shape (num_nodes, num_queue), optional
            True if an entry of the queue is no negative of a node, such as an entry of its own video.

        Returns
        -------
        Tensor
            A scalar; a zero connected to ``z`` without pull edges.

        Raises
        ------
        TypeError, ValueError
            Shapes do not fit, a row is out of range, or a weight is negative or not a number.
        """
        z = _check_nodes(z)
        pull, push = _checked("pull", pull, z), _checked("push", push, z)
        if not len(pull[0]):
            return z.sum() * 0.0
        with no_autocast(z):
            positive = _dots(z, pull) / self.temperature
            most = positive.new_full((len(z),), -torch.inf)
            if len(push[0]):
                order = torch.argsort(push[0], stable=True)
                anchors, counts = torch.unique_consecutive(push[0][order], return_counts=True)
                logits = _dots(z, push) / self.temperature + push[2].log()
                indptr = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
                most = most.index_copy(0, anchors, segment_logsumexp(logits[order], indptr))
            if queue is None:
                losses = softplus(most[pull[0]] - positive, threshold=50.0)
            else:
                anchors, place = torch.unique(pull[0], return_inverse=True)
                logits = self._queue_logits(z, anchors, queue, excluded)
                columns = [positive[:, None], most[pull[0], None], logits[place]]
                losses = torch.cat(columns, dim=1).logsumexp(dim=1) - positive
        return (losses * pull[2]).sum() / pull[2].sum()

    def _queue_logits(self, z: Tensor, anchors: Tensor, queue: Tensor, excluded: Tensor | None) -> Tensor:
        check_tensor("queue", queue, floating=True)
        if queue.dim() != 2 or queue.shape[1] != z.shape[1]:
            raise ValueError(f"queue must have shape (num_queue, {z.shape[1]}), got {tuple(queue.shape)}")
        logits = z[anchors] @ queue.to(z.dtype).T / self.temperature
        if excluded is None:
            return logits
        check_tensor("excluded", excluded)
        if excluded.dtype != torch.bool or excluded.shape != (len(z), len(queue)):
            raise ValueError(
                f"excluded must be bool of shape ({len(z)}, {len(queue)}), got {excluded.dtype} of shape "
                f"{tuple(excluded.shape)}"
            )
        return logits.masked_fill(excluded[anchors], -torch.inf)

    def extra_repr(self) -> str:
        """Return the settings for ``repr``."""
        return f"temperature={self.temperature}"


class EdgeMargin(nn.Module):
    r"""Hinge by which the pushed ends of an anchor must be farther than the pulled one by a margin.

    .. math:: \ell = \frac{1}{\sum_e w_e} \sum_{e = (a, p)} w_e \sum_{n \in N_e} w_{an}
        [\, \lVert z_a - z_p \rVert - \lVert z_a - z_n \rVert + m \,]_+

    with :math:`m` = ``margin`` and :math:`N_e` the chosen push edges of :math:`a`: all of them, the nearest
    ``num_negatives`` (hard), or the nearest ``num_negatives`` with
    :math:`\lVert z_a - z_p \rVert < \lVert z_a - z_n \rVert < \lVert z_a - z_p \rVert + m` (semi-hard). If fewer are in that
    band, the loss takes those; if none is, the nearest of all.

    Parameters
    ----------
    margin : float, default 0.5
        :math:`m \ge 0`, in units of distance, not of its square.
    mining : {"all", "hard", "semi-hard"}, default "all"
        Choice of the push edges.
    num_negatives : int, default 1
        Number of push edges for each pull edge, except with ``"all"``.

    Raises
    ------
    ValueError
        An option is unknown or out of range.

    Notes
    -----
    `SemiHardMiner` searches one table of candidates that all anchors share, by squared distance and for one negative, and
    its band includes the upper bound; here the candidates are an anchor's own edges. Without an upper bound both choose the
    same. Time O(n log n) for n pairs of a pull and a push edge of one anchor.

    Examples
    --------
    >>> z = torch.tensor([[0.0, 0.0], [0.3, 0.0], [0.0, 0.6]])
    >>> pull = torch.tensor([0]), torch.tensor([1]), torch.ones(1)
    >>> push = torch.tensor([0]), torch.tensor([2]), torch.ones(1)
    >>> round(float(EdgeMargin(0.5)(z, pull, push)), 4)
    0.2
    """

    def __init__(self, margin: float = 0.5, mining: Mining = "all", num_negatives: int = 1) -> None:
        super().__init__()
        self.margin = check_margin(margin)
        check_choice("mining", mining, get_args(Mining))
        self.mining: Mining = mining
        self.num_negatives = check_count("num_negatives", num_negatives, 1)

    def forward(self, z: Tensor, pull: AnchorEdges, push: AnchorEdges) -> Tensor:
        """Compute the loss; arguments and errors are those of `EdgeInfoNCE`.

        Returns
        -------
        Tensor
            A scalar; a zero connected to ``z`` without pull edges.
        """
        z = _check_nodes(z)
        pull, push = _checked("pull", pull, z), _checked("push", push, z)
        if not len(pull[0]):
            return z.sum() * 0.0
        with no_autocast(z):
            near, far = (torch.linalg.vector_norm(z[edges[0]] - z[edges[1]], dim=1) for edges in (pull, push))
            edge, pair = self.chosen(near.detach(), far.detach(), pull[0], push[0], len(z))
            hinges = torch.relu(near[pair] - far[edge] + self.margin) * push[2][edge] * pull[2][pair]
        return hinges.sum() / pull[2].sum()

    def chosen(
        self, near: Tensor, far: Tensor, pull_anchor: Tensor, push_anchor: Tensor, num_nodes: int
    ) -> tuple[Tensor, Tensor]:
        """Return the chosen push edges and the pull edge that each is compared with, from their distances and anchors."""
        order = torch.argsort(push_anchor, stable=True)
        counts = torch.bincount(push_anchor, minlength=num_nodes)
        starts = counts.cumsum(0) - counts
        slots, pair = expand_ranges(starts[pull_anchor], counts[pull_anchor])
        edge = order[slots]
        if self.mining == "all":
            return edge, pair
        distance, own = far[edge], near[pair]
        inside = torch.ones_like(pair, dtype=torch.bool)
        if self.mining == "semi-hard":
            inside = (own < distance) & (distance < own + self.margin)
            has_band = torch.zeros(len(near), dtype=torch.bool, device=near.device).index_put(
                (pair[inside],), inside.new_ones(())
            )
            inside = inside | ~has_band[pair]
        edge, pair, distance = edge[inside], pair[inside], distance[inside]
        by_distance = torch.argsort(distance, stable=True)
        nearest = by_distance[torch.argsort(pair[by_distance], stable=True)]
        sizes = torch.bincount(pair, minlength=len(near))
        rank = torch.arange(len(pair), device=pair.device) - (sizes.cumsum(0) - sizes)[pair[nearest]]
        kept = nearest[rank < self.num_negatives]
        return edge[kept], pair[kept]

    def extra_repr(self) -> str:
        """Return the settings for ``repr``."""
        return f"margin={self.margin}, mining={self.mining!r}, num_negatives={self.num_negatives}"


def _dots(z: Tensor, edges: AnchorEdges) -> Tensor:
    """Return the product of the ends of each edge."""
    if len(edges[0]) <= 4 * len(z):  # as small as z: the gathered rows cost less than the adjacency
        return cast(Tensor, torch.linalg.vecdot(z[edges[0]], z[edges[1]]))
    return Adjacency.from_coo(edges[0], edges[1], num_src=len(z), num_dst=len(z)).sddmm(z, z)


def _check_nodes(z: Tensor) -> Tensor:
    check_tensor("z", z, floating=True)
    if z.dim() != 2:
        raise ValueError(f"z must have shape (num_nodes, dim), got {tuple(z.shape)}")
    return at_least_float32(z)


def _checked(name: str, edges: AnchorEdges, z: Tensor) -> AnchorEdges:
    """Return the edges of weight above 0; raise unless they are rows of ``z`` with weights >= 0."""
    if not isinstance(edges, tuple) or len(edges) != 3:
        raise TypeError(f"{name} must be three tensors (anchor, other, weight), got {type(edges).__name__}")
    anchor, other, weight = edges
    for end, rows in (("anchor", anchor), ("other", other)):
        check_ids(f"{name}: {end}", rows, len(z))
    check_tensor(f"{name}: weight", weight, floating=True)
    if anchor.dim() != 1 or anchor.shape != other.shape or anchor.shape != weight.shape:
        shapes = [tuple(x.shape) for x in edges]
        raise ValueError(f"{name} must be three 1-D tensors of equal length, got shapes {shapes}")
    if not bool(((weight >= 0) & (weight < torch.inf)).all()):
        raise ValueError(
            f"{name}: weight must be finite and >= 0, got {weight[~((weight >= 0) & (weight < torch.inf))][0]}"
        )
    if bool((weight > 0).all()):
        return anchor.long(), other.long(), weight.to(z.dtype)
    kept = weight > 0
    return anchor[kept].long(), other[kept].long(), weight[kept].to(z.dtype)
