"""Contrastive loss of two views that corrects for false negatives."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize, softplus

from graphvid._checks import check_choice, check_ids, check_number, check_tensor
from graphvid._precision import at_least_float32, no_autocast

Debias = Literal["counted", "released"]


class AnchorLosses(NamedTuple):
    """Loss of each anchor; the first views come before the second ones.

    Parameters
    ----------
    losses : Tensor, shape (2 * batch,)
        In nats.
    clamped : Tensor, shape (2 * batch,), bool
        Anchors whose estimate of the negatives is at its floor, so that the negatives give no gradient.
    """

    losses: Tensor
    clamped: Tensor


class DebiasedContrastiveLoss(nn.Module):
    r"""InfoNCE of two views of a batch, minus the expected share of positives among its negatives.

    .. math:: \ell_i = -\log \frac{p_i}{p_i + g_i}, \qquad
        g_i = \max\Bigl(\frac{S_i - \rho N_i p_i}{1 - \rho},\; f_i\Bigr), \qquad
        p_i = e^{\langle z_i, z_i^+ \rangle / T}, \quad S_i = \sum_j e^{\langle z_i, z_j \rangle / T}

    with :math:`\rho` = ``prior``, :math:`T` = ``temperature`` and :math:`z_i^+` the other view of the same item. The sum is
    over :math:`N_i` negatives: the views of all other items of the batch, and the memory rows of other items. The loss is
    the mean over both views of the batch.

    Parameters
    ----------
    temperature : float, default 0.4
        :math:`T > 0`.
    prior : float, default 0.1
        :math:`\rho` in [0, 1): probability that a random item is of the anchor's class, a tenth with ten equal classes. 0 is
        InfoNCE.
    debias : {"counted", "released"}
        ``"counted"``: :math:`N_i` counts the negatives that are in :math:`S_i` and the floor is
        :math:`f_i = N_i e^{-1/T}`, as in the paper on debiasing. ``"released"``: as in the released code of MeCoQ, N = 2
        batch - 2 also with memory rows in S, which subtracts too little; the floor is :math:`e^{-N/T}`, nearly 0, at which
        an anchor has almost no loss and no gradient.
    normalize_memory : bool, default True
        Scale the rows of the memory to unit length like the views; the released code does not.

    Raises
    ------
    ValueError
        An argument is outside its range.

    Notes
    -----
    Views are scaled to unit length. Computed in the log domain, in float32 for shorter dtypes: O(batch * (batch +
    num_entries) * dim) time, ``8 * batch * (2 * batch + num_entries)`` bytes for the scores. An anchor without a negative
    has the loss 0.

    References
    ----------
    Chuang et al., Debiased Contrastive Learning, NeurIPS 2020, eq. 8. Wang et al., Contrastive Quantization with Code
    Memory for Unsupervised Image Retrieval, AAAI 2022.

    Examples
    --------
    >>> views = torch.eye(2)
    >>> loss = DebiasedContrastiveLoss(temperature=1.0, prior=0.0)(views, views)
    >>> round(float(loss), 4)  # log(1 + 2 / e)
    0.5514
    """

    def __init__(
        self,
        temperature: float = 0.4,
        *,
        prior: float = 0.1,
        debias: Debias = "counted",
        normalize_memory: bool = True,
    ) -> None:
        super().__init__()
        self.temperature = check_number("temperature", temperature, "a finite float > 0", least=5e-324)
        self.prior = check_number("prior", prior, "a float in [0, 1)", least=0, most=math.nextafter(1, 0))
        check_choice("debias", debias, get_args(Debias))
        self.debias, self.normalize_memory = debias, bool(normalize_memory)

    def forward(
        self,
        first: Tensor,
        second: Tensor,
        ids: Tensor | None = None,
        memory: Tensor | None = None,
        memory_ids: Tensor | None = None,
    ) -> Tensor:
        """Compute the loss.

        Parameters
        ----------
        first, second : Tensor, shape (batch, dim)
            Two views of the same items.
        ids : Tensor, shape (batch,), integer, optional
            The items; equal ones are not negatives of each other. Default: all are different.
        memory : Tensor, shape (num_entries, dim), optional
            Further negatives of all anchors.
        memory_ids : Tensor, shape (num_entries,), integer, optional
            Items of the memory rows; a row is not a negative of its own item. Needs ``ids``.

        Returns
        -------
        Tensor
            A scalar, in nats; a zero connected to the inputs for an empty batch.

        Raises
        ------
        ValueError
            Shapes do not fit together.
        TypeError
            Ids are not integers.
        """
        losses = self.per_anchor(first, second, ids, memory, memory_ids).losses
        return losses.sum() / max(len(losses), 1)

    def per_anchor(
        self,
        first: Tensor,
        second: Tensor,
        ids: Tensor | None = None,
        memory: Tensor | None = None,
        memory_ids: Tensor | None = None,
    ) -> AnchorLosses:
        """Return the loss of every anchor and whether it was clamped; arguments and errors as in `forward`."""
        memory = _check(first, second, ids, memory, memory_ids)
        batch = len(first)
        with no_autocast(first):
            views = normalize(at_least_float32(torch.cat([first, second])), dim=1, eps=1e-12)
            rows = at_least_float32(memory).to(views.dtype)
            rows = normalize(rows, dim=1, eps=1e-12) if self.normalize_memory else rows
            scores = views @ torch.cat([views, rows]).T / self.temperature  # (2 * batch, 2 * batch + num_entries)
        of_views = (torch.arange(batch, device=first.device) if ids is None else ids.long()).repeat(2)
        known = of_views if memory_ids is None else torch.cat([of_views, memory_ids.long()])
        same = of_views[:, None] == known
        if memory_ids is None:
            same = torch.cat([same, same.new_zeros(2 * batch, len(rows))], dim=1)
        anchors = torch.arange(2 * batch, device=first.device)
        positive = scores[anchors, (anchors + batch) % max(2 * batch, 1)]
        return self._losses(positive, scores.masked_fill(same, -torch.inf), (~same).sum(dim=1))

    def _losses(self, positive: Tensor, negatives: Tensor, counts: Tensor) -> AnchorLosses:
        """Return log(1 + g / p), from log g = log S + log(1 - rho N p / S) - log(1 - rho)."""
        lonely = counts == 0
        negatives = negatives.masked_fill(lonely[:, None], 0.0)  # a softmax over nothing has no gradient
        total = negatives.logsumexp(dim=1)
        count = counts.to(total.dtype)
        if self.debias == "released":
            count = torch.full_like(total, max(len(total) - 2, 0))
        floor = count.log() - 1 / self.temperature if self.debias == "counted" else -count / self.temperature
        log_share = (self.prior * count).log() + positive - total
        kept = log_share < 0
        share = torch.where(kept, log_share, -1.0).exp()  # the exponential of other values may be infinite
        estimate = total + torch.log1p(-share) - math.log1p(-self.prior)
        clamped = ~kept | (estimate <= floor)
        losses = softplus(torch.where(clamped, floor, estimate) - positive)
        return AnchorLosses(torch.where(lonely, positive * 0.0, losses), clamped & ~lonely)

    def extra_repr(self) -> str:
        """Return the settings for ``repr``."""
        return (
            f"temperature={self.temperature}, prior={self.prior}, debias={self.debias!r}, "
            f"normalize_memory={self.normalize_memory}"
        )


def _check(
    first: Tensor, second: Tensor, ids: Tensor | None, memory: Tensor | None, memory_ids: Tensor | None
) -> Tensor:
    """Return the memory, empty if there is none; raise if shapes or ids do not fit together."""
    for name, x in (("first", first), ("second", second), *([] if memory is None else [("memory", memory)])):
        check_tensor(name, x, floating=True)
    if first.shape != second.shape or first.dim() != 2:
        raise ValueError(
            f"first and second must be 2-D of one shape, got {tuple(first.shape)} and {tuple(second.shape)}"
        )
    memory = first.new_empty(0, first.shape[1]) if memory is None else memory
    if memory.dim() != 2 or memory.shape[1] != first.shape[1]:
        raise ValueError(f"memory must have shape (num_entries, {first.shape[1]}), got {tuple(memory.shape)}")
    if memory_ids is not None and ids is None:
        raise ValueError("memory_ids need ids, got None")
    for name, given, rows in (("ids", ids, first), ("memory_ids", memory_ids, memory)):
        if given is not None:
            check_ids(name, given, None)
            if given.shape != rows.shape[:1]:
                raise ValueError(f"{name} must have shape ({len(rows)},), got {tuple(given.shape)}")
    return memory
