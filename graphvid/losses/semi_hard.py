"""Online semi-hard mining: it takes the batch's nearest negative that is farther than the positive, within the margin."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn

from graphvid._checks import check_choice, check_count, check_ids, check_tensor
from graphvid._precision import no_autocast
from graphvid.losses._mining import Batch, mine_fused, mine_tensors
from graphvid.losses.triplet import check_margin
from graphvid.ops.neighbors import NeighborTable, check_table

CandidatePool = Literal["negatives", "all"]
Fallback = Literal["own", "farthest_easy", "drop"]
_UNIT_TOLERANCE = 1e-2  # of the squared norm; bfloat16 keeps 8 bits


class MinedTriplets(NamedTuple):
    """The negative chosen for each row of a batch.

    Parameters
    ----------
    chosen : Tensor, shape (batch,), int64
        Row of `SemiHardMiner.bank` chosen as the negative; the row's own number if nothing was chosen.
    kept : Tensor, shape (batch,), bool
        Rows that have a negative; all of them unless ``fallback`` dropped some.
    semi_hard : Tensor, shape (batch,), bool
        Rows that had a semi-hard candidate; the others use the fallback.
    same_video : Tensor, shape (batch,), bool
        Rows whose chosen negative is the video of their own negative, at any position.
    """

    chosen: Tensor
    kept: Tensor
    semi_hard: Tensor
    same_video: Tensor

    @property
    def triplets(self) -> tuple[Tensor, Tensor, Tensor]:
        """Rows of anchor, positive and bank of the kept triplets, for `TripletLoss`."""
        rows = self.kept.nonzero().squeeze(1)
        return rows, rows, self.chosen[rows]

    def statistics(self) -> dict[str, float]:
        """Return the shares to log, each in [0, 1] and 0 for an empty batch.

        Returns
        -------
        dict of str to float
            ``retention_position``, ``retention_video``: share of the rows whose negative is their own one, by place in the
            batch and by video id, including rows on the fallback. ``mined_retention_position``, ``mined_retention_video``:
            the same among the rows with a semi-hard candidate; for random negatives it stays near 1 / batch.
            ``semi_hard_share``, ``fallback_share``, ``dropped_share``.
        """
        own = self.chosen == torch.arange(self.chosen.numel(), device=self.chosen.device)
        parts = (
            own & self.kept,
            self.same_video,
            own & self.semi_hard,
            self.same_video & self.semi_hard,
            self.semi_hard,
            self.kept,
        )
        counts = torch.stack([part.sum() for part in parts]).tolist()
        rows, mined = max(self.chosen.numel(), 1), max(counts[4], 1)
        return {
            "retention_position": counts[0] / rows,
            "retention_video": counts[1] / rows,
            "mined_retention_position": counts[2] / mined,
            "mined_retention_video": counts[3] / mined,
            "semi_hard_share": counts[4] / rows,
            "fallback_share": (self.chosen.numel() - counts[4]) / rows,
            "dropped_share": (self.chosen.numel() - counts[5]) / rows,
        }


class SemiHardMiner(nn.Module):
    r"""Choose for every row the nearest semi-hard negative among the candidates of the batch.

    With :math:`d(x, y) = \lVert x - y \rVert^2` on unit vectors and :math:`\alpha` = ``margin``, candidate :math:`j` is
    semi-hard for row :math:`i` when

    .. math:: 0 < d(a_i, n_j) - d(a_i, p_i) \le \alpha ,

    and :math:`n_j` is neither :math:`a_i` nor :math:`p_i` nor a true neighbour of :math:`a_i`, compared by video id. The
    miner chooses the smallest :math:`d(a_i, n_j)`, of equal ones the smallest :math:`j`.

    Parameters
    ----------
    margin : float, default 0.5
        :math:`\alpha`, in units of squared distance; use that of the loss.
    candidates : {"negatives", "all"}, default "negatives"
        The negatives of all rows, or those followed by all anchors and all positives.
    fallback : {"own", "farthest_easy", "drop"}, default "own"
        For a row without a semi-hard candidate: keep its own sampled negative; take the farthest candidate that is not
        excluded (without one, drop the row); or drop the row.
    block_size : int, default 512
        Rows handled at once. The result does not depend on it; the memory is
        ``block_size * num_candidates`` floats, 20 MB at 9,600 candidates.

    Raises
    ------
    ValueError
        An option is unknown, the margin is negative or not finite, or ``block_size < 1``.

    Notes
    -----
    The time is that of one ``(batch, dim) x (dim, num_candidates)`` product plus the selection. On the CPU in float32 the
    selection is one pass of a Numba kernel over each block, on PyTorch's threads; elsewhere it is tensor operations.
    Distances are ``2 - 2 * a.n``, so choices may differ from exact ones among candidates closer than the rounding, about
    1e-6 in float32 (1e-3 on a GPU if `torch.set_float32_matmul_precision` allows TF32). Deterministic, the same for any
    number of threads. Runs without gradient.

    References
    ----------
    Schroff et al., FaceNet, CVPR 2015, section 3.2; Lee et al., Large Scale Video Representation Learning via
    Relational Graph Clustering, CVPR 2020.

    Examples
    --------
    >>> def at(degrees):
    ...     angle = torch.deg2rad(torch.tensor(degrees))
    ...     return torch.stack([angle.cos(), angle.sin()], dim=1)
    >>> ids = torch.tensor([0, 1]), torch.tensor([2, 3]), torch.tensor([4, 5])
    >>> mined = SemiHardMiner(margin=0.5)(at([0.0, 90.0]), at([20.0, 80.0]), at([30.0, 60.0]), *ids)
    >>> mined.chosen.tolist(), mined.semi_hard.tolist()
    ([0, 1], [True, True])
    """

    def __init__(
        self,
        margin: float = 0.5,
        candidates: CandidatePool = "negatives",
        fallback: Fallback = "own",
        block_size: int = 512,
    ) -> None:
        super().__init__()
        self.margin = check_margin(margin)
        check_choice("candidates", candidates, get_args(CandidatePool))
        check_choice("fallback", fallback, get_args(Fallback))
        self.candidates: CandidatePool = candidates
        self.fallback: Fallback = fallback
        self.block_size = check_count("block_size", block_size, 1)

    def bank(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """Return the candidates, in the order of `MinedTriplets.chosen`.

        Works on embeddings and on ids; keeps the gradient. It is ``negative`` itself with ``candidates="negatives"``, else
        negatives, anchors and positives concatenated, so that row ``i`` is always the own negative of row ``i``.
        """
        return negative if self.candidates == "negatives" else torch.cat([negative, anchor, positive])

    @torch.no_grad()
    def forward(
        self,
        anchor: Tensor,
        positive: Tensor,
        negative: Tensor,
        anchor_ids: Tensor,
        positive_ids: Tensor,
        negative_ids: Tensor,
        neighbors: NeighborTable | None = None,
    ) -> MinedTriplets:
        """Mine one batch.

        Parameters
        ----------
        anchor, positive, negative : Tensor, shape (batch, dim)
            Unit vectors; half precision is computed in float32.
        anchor_ids, positive_ids, negative_ids : Tensor, shape (batch,), integer
            Their video ids.
        neighbors : NeighborTable, optional
            True neighbours of all videos, on the same device; without it only the row's own anchor and positive are
            excluded.

        Returns
        -------
        MinedTriplets

        Raises
        ------
        ValueError
            Shapes differ, an id is not in the table, or a vector does not have unit length (also NaN).
        TypeError
            Ids are not integers.
        """
        if neighbors is not None:
            check_table("neighbors", neighbors)
        embeddings, ids = (anchor, positive, negative), (anchor_ids, positive_ids, negative_ids)
        _check_shapes(embeddings, ids, None if neighbors is None else neighbors.num_nodes)
        dtype = torch.float64 if anchor.dtype == torch.float64 else torch.float32
        anchor, positive, negative = (x.detach().to(dtype) for x in embeddings)
        _check_unit(anchor=anchor, positive=positive, negative=negative)
        anchor_ids, positive_ids, negative_ids = (x.long() for x in ids)
        bank = self.bank(anchor, positive, negative)
        bank_ids = self.bank(anchor_ids, positive_ids, negative_ids)
        batch = Batch(anchor, positive, bank, anchor_ids, positive_ids, bank_ids, neighbors)
        mine = mine_fused if anchor.device.type == "cpu" and dtype == torch.float32 else mine_tensors
        with no_autocast(anchor):
            chosen, farthest = mine(batch, self.margin, self.block_size, self.fallback == "farthest_easy")
        semi_hard = chosen >= 0
        own = torch.arange(chosen.numel(), device=chosen.device)
        kept = torch.ones_like(semi_hard)
        if self.fallback == "drop":
            kept = semi_hard
        elif self.fallback == "farthest_easy":
            chosen = torch.where(semi_hard, chosen, farthest)
            kept = chosen >= 0
        index = torch.where(chosen >= 0, chosen, own)
        return MinedTriplets(index, kept, semi_hard, kept & (bank_ids[index] == negative_ids))

    def extra_repr(self) -> str:
        """Return the settings for ``repr``."""
        return (
            f"margin={self.margin}, candidates={self.candidates!r}, fallback={self.fallback!r}, "
            f"block_size={self.block_size}"
        )


def _check_shapes(embeddings: tuple[Tensor, ...], ids: tuple[Tensor, ...], num_nodes: int | None) -> None:
    """Raise unless the batch is three sets of vectors of the same shape with their ids."""
    for name, x in zip(("anchor", "positive", "negative"), embeddings, strict=True):
        check_tensor(name, x, floating=True)
    shapes = [tuple(x.shape) for x in embeddings]
    if len(set(shapes)) != 1 or embeddings[0].dim() != 2:
        raise ValueError(f"anchor, positive and negative must be 2-D of one shape, got shapes {shapes}")
    for name, rows in zip(("anchor_ids", "positive_ids", "negative_ids"), ids, strict=True):
        check_tensor(name, rows)
        if rows.shape != embeddings[0].shape[:1]:
            raise ValueError(f"{name} must have shape ({shapes[0][0]},), got {tuple(rows.shape)}")
        check_ids(name, rows, num_nodes)


def _check_unit(**embeddings: Tensor) -> None:
    """Raise unless all rows have unit length."""
    for name, x in embeddings.items():
        norms = torch.linalg.vector_norm(x, dim=1)
        wrong = ~((norms.square() - 1).abs() <= _UNIT_TOLERANCE)
        if wrong.any():
            row = int(wrong.nonzero()[0])
            raise ValueError(f"{name} must hold unit vectors, row {row} has length {float(norms[row]):.4g}")
