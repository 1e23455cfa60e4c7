"""Neighbour softmax loss over the other videos of a batch, in which all true neighbours are positives."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphvid._checks import check_ids, check_number, check_tensor
from graphvid._precision import at_least_float32, no_autocast
from graphvid.ops.neighbors import NeighborTable, check_table, expand_ranges


class NeighborSoftmaxLoss(nn.Module):
    r"""Cross entropy that separates a video's neighbours from the other videos of the batch.

    .. math:: \ell = \frac{1}{|\{i : P_i \neq \emptyset\}|} \sum_{i : P_i \neq \emptyset}
        \frac{-1}{|P_i|} \sum_{p \in P_i}
        \log \frac{\exp(z_i \cdot z_p / \tau)}{\sum_{j \neq i} \exp(z_i \cdot z_j / \tau)}

    with :math:`\tau` = ``temperature``, :math:`z_i` the rows of ``embeddings`` and :math:`P_i` the rows of the batch
    whose videos are neighbours of video i in the graph. This is the supervised contrastive loss with edges instead of
    labels: every edge inside the batch is a positive pair. The denominator sums over all other videos of the batch, so the
    term of a neighbour p has the other neighbours of i in its denominator too.

    Parameters
    ----------
    temperature : float, default 0.1
        :math:`\tau > 0`. For unit vectors 0.1 lets the logits reach from -10 to 10.

    Raises
    ------
    ValueError
        The temperature is not a finite number above 0.

    Notes
    -----
    The (batch, batch) logits and their softmax are kept for the backward pass: ``8 * batch ** 2`` bytes in float32,
    34 MB at 2,048 videos. Time O(batch ** 2 * dim + sum of the degrees in the batch).

    References
    ----------
    Khosla et al., "Supervised Contrastive Learning", NeurIPS 2020, eq. 2 (:math:`L^{sup}_{out}`).

    Examples
    --------
    >>> z = torch.eye(3)[torch.tensor([0, 0, 1])]
    >>> edge = NeighborTable.from_edges(torch.tensor([4, 5]), torch.tensor([5, 4]), num_nodes=10)
    >>> loss = NeighborSoftmaxLoss(temperature=1.0)(z, torch.tensor([4, 5, 9]), edge)
    >>> round(float(loss), 4)  # log(1 + exp(-1)), for videos 4 and 5; video 9 has no neighbour here
    0.3133
    """

    def __init__(self, temperature: float = 0.1) -> None:
        super().__init__()
        self.temperature = check_number("temperature", temperature, "a finite float > 0", least=5e-324)

    def forward(self, embeddings: Tensor, ids: Tensor, neighbors: NeighborTable) -> Tensor:
        """Compute the loss.

        Parameters
        ----------
        embeddings : Tensor, shape (batch, dim)
            One row for each video.
        ids : Tensor, shape (batch,), int64
            Their video ids, distinct.
        neighbors : NeighborTable
            True neighbours of all videos, on the same device.

        Returns
        -------
        Tensor
            A scalar; a zero connected to the inputs if no two videos of the batch are neighbours.

        Raises
        ------
        ValueError
            Shapes differ, an id occurs twice or is not in the table.
        TypeError
            Ids are not integers.
        """
        check_tensor("embeddings", embeddings, floating=True)
        check_tensor("ids", ids)
        check_table("neighbors", neighbors)
        if embeddings.dim() != 2 or ids.shape != embeddings.shape[:1]:
            raise ValueError(
                f"embeddings must be 2-D with one id a row, got shapes {tuple(embeddings.shape)} and {tuple(ids.shape)}"
            )
        check_ids("ids", ids, neighbors.num_nodes)
        embeddings = at_least_float32(embeddings)
        rows, columns = _pairs_within(ids, neighbors)
        if not rows.numel():
            return embeddings.sum() * 0.0
        with no_autocast(embeddings):
            logits = embeddings @ embeddings.T / self.temperature
        logits.fill_diagonal_(-torch.inf)
        degree = torch.bincount(rows, minlength=ids.numel())
        has_positive = degree > 0
        positive = logits.new_zeros(ids.numel()).index_add(0, rows, logits[rows, columns])
        losses = logits.logsumexp(dim=1) - positive / degree.clamp(min=1)
        return losses[has_positive].mean()

    def extra_repr(self) -> str:
        """Return the settings for ``repr``."""
        return f"temperature={self.temperature}"


def _pairs_within(ids: Tensor, neighbors: NeighborTable) -> tuple[Tensor, Tensor]:
    """Return the rows ``(i, j)`` of all pairs in which ``ids[j]`` is a neighbour of ``ids[i]``."""
    ordered, place = torch.sort(ids)
    if bool((ordered[1:] == ordered[:-1]).any()):
        twice = int(ordered[1:][ordered[1:] == ordered[:-1]][0])
        raise ValueError(f"ids must be distinct, got {twice} more than once")
    starts = neighbors.indptr[ids]
    slots, rows = expand_ranges(starts, neighbors.indptr[ids + 1] - starts)
    found = neighbors.indices[slots]
    at = torch.searchsorted(ordered, found).clamp(max=max(ids.numel() - 1, 0))
    inside = ordered[at] == found
    return rows[inside], place[at[inside]]
