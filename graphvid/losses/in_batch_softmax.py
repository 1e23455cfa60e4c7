"""In-batch softmax loss over the positives of the batch, without true neighbours among the negatives."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphvid._checks import check_ids, check_number, check_tensor
from graphvid._precision import at_least_float32, no_autocast
from graphvid.losses.candidates import CandidateLookup
from graphvid.ops.neighbors import NeighborTable, check_table


class InBatchSoftmaxLoss(nn.Module):
    r"""Cross entropy that separates each anchor's positive from the positives of the other rows.

    .. math:: \ell_i = -\log \frac{\exp(a_i \cdot p_i / \tau)}
        {\exp(a_i \cdot p_i / \tau) + \sum_{j \in N_i} \exp(a_i \cdot p_j / \tau)}

    with :math:`\tau` = ``temperature`` and :math:`N_i` the rows whose positive is, by video id, neither :math:`a_i` nor
    :math:`p_i` nor a true neighbour of :math:`a_i`. The loss is the mean over rows, in nats.

    Parameters
    ----------
    temperature : float, default 0.1
        :math:`\tau > 0`. For unit vectors 0.1 lets the logits reach from -10 to 10.
    symmetric : bool, default False
        Also separate each positive's anchor from the other anchors, and take the mean of both directions.

    Raises
    ------
    ValueError
        The temperature is not a finite number above 0.

    Notes
    -----
    The (batch, batch) logits and their softmax are kept for the backward pass: ``8 * batch ** 2`` bytes in float32 a
    direction, 34 MB at 2,048 rows and 740 MB at 9,600. Time O(batch ** 2 * dim).

    References
    ----------
    van den Oord et al., Representation Learning with Contrastive Predictive Coding, 2018, eq. 4.

    Examples
    --------
    >>> a = torch.eye(2)
    >>> loss = InBatchSoftmaxLoss(temperature=1.0)(a, a, torch.tensor([0, 1]), torch.tensor([2, 3]))
    >>> round(float(loss), 4)  # log(1 + exp(-1))
    0.3133
    """

    def __init__(self, temperature: float = 0.1, *, symmetric: bool = False) -> None:
        super().__init__()
        self.temperature = check_number("temperature", temperature, "a finite float > 0", least=5e-324)
        self.symmetric = symmetric

    def forward(
        self,
        anchor: Tensor,
        positive: Tensor,
        anchor_ids: Tensor,
        positive_ids: Tensor,
        neighbors: NeighborTable | None = None,
    ) -> Tensor:
        """Compute the loss.

        Parameters
        ----------
        anchor, positive : Tensor, shape (batch, dim)
            Embeddings of the two ends of ``batch`` edges.
        anchor_ids, positive_ids : Tensor, shape (batch,), int64
            Their video ids.
        neighbors : NeighborTable, optional
            True neighbours of all videos; without it only equal ids are masked.

        Returns
        -------
        Tensor
            A scalar; a zero connected to the inputs for an empty batch.

        Raises
        ------
        ValueError
            Shapes differ, or an id is not in the table.
        TypeError
            Ids are not integers.
        """
        check_tensor("anchor", anchor, floating=True)
        check_tensor("positive", positive, floating=True)
        if neighbors is not None:
            check_table("neighbors", neighbors)
        if anchor.shape != positive.shape or anchor.dim() != 2:
            raise ValueError(
                f"anchor and positive must be 2-D of one shape, got {tuple(anchor.shape)} and {tuple(positive.shape)}"
            )
        for name, ids in (("anchor_ids", anchor_ids), ("positive_ids", positive_ids)):
            check_tensor(name, ids)
            if ids.shape != anchor.shape[:1]:
                raise ValueError(f"{name} must have shape ({anchor.shape[0]},), got {tuple(ids.shape)}")
            check_ids(name, ids, None if neighbors is None else neighbors.num_nodes)
        anchor, positive = at_least_float32(anchor), at_least_float32(positive)
        if not anchor.shape[0]:
            return (anchor.sum() + positive.sum()) * 0.0
        with no_autocast(anchor):
            loss = self._one_way(anchor, positive, anchor_ids, positive_ids, neighbors)
            if self.symmetric:
                loss = (loss + self._one_way(positive, anchor, positive_ids, anchor_ids, neighbors)) / 2
        return loss

    def _one_way(
        self, query: Tensor, target: Tensor, query_ids: Tensor, target_ids: Tensor, neighbors: NeighborTable | None
    ) -> Tensor:
        logits = query @ target.T / self.temperature  # (batch, batch)
        rows, columns = CandidateLookup(target_ids, neighbors).excluded(query_ids, target_ids)
        others = rows != columns  # do not mask the row's own target
        logits[rows[others], columns[others]] = -torch.inf
        return F.cross_entropy(logits, torch.arange(len(logits), device=logits.device))

    def extra_repr(self) -> str:
        """Return the settings for ``repr``."""
        return f"temperature={self.temperature}, symmetric={self.symmetric}"
