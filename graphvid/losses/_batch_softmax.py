"""Cross entropy of the pairs of a batch: each user's item against the other items of the batch and fixed vectors."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphvid._precision import no_autocast


class BatchCrossEntropy(torch.autograd.Function):
    r"""Cross entropy in which the positive of row i is item i, and the negatives are the other items and a memory.

    With P the softmax over items V and memory M and :math:`G = P - \text{positives}`, users get :math:`G [V; M] / \tau`.
    Items get their part of :math:`G^\top U / \tau`; with ``split``, G for this is of the softmax over only the items. The
    memory gets no gradient.
    """

    @staticmethod
    def forward(
        ctx: Any,
        users: Tensor,
        items: Tensor,
        memory: Tensor,
        temperature: float,
        correction: Tensor | None,
        mask: Tensor | None,
        split: bool,
    ) -> Tensor:
        """Return (batch,), the losses of the softmax over items and memory."""
        vectors = torch.cat([items, memory])
        shift = users.new_zeros(1) if correction is None else -correction
        logits = torch.addmm(shift, users, vectors.T, alpha=1 / temperature)
        positive = logits.diagonal().clone()
        if mask is not None:
            logits.masked_fill_(~mask, -torch.inf)
        logits.diagonal().fill_(-torch.inf)
        of_items = None
        if split and len(memory):
            _, of_items = _softmax(logits[:, : len(items)].clone(), positive)
        losses, of_all = _softmax(logits, positive)
        ctx.temperature, ctx.num_items = temperature, len(items)
        ctx.save_for_backward(users, vectors, of_all, of_items)
        return losses

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of users and items."""
        users, vectors, of_all, of_items = ctx.saved_tensors
        scale = (grad / ctx.temperature)[:, None]
        of_items = of_all[:, : ctx.num_items] if of_items is None else of_items
        with no_autocast(users):
            return (of_all @ vectors).mul_(scale), of_items.T @ (users * scale), None, None, None, None, None


def _softmax(logits: Tensor, positive: Tensor) -> tuple[Tensor, Tensor]:
    """Return the losses and their gradients by the logits; the positives are on the diagonal; overwrites ``logits``."""
    top = logits.amax(dim=1).clamp_(min=torch.finfo(logits.dtype).min)  # finite, also if all entries are masked
    weight = logits.sub_(top[:, None]).exp_()
    total = weight.sum(dim=1)
    gap = total.log() + top - positive  # -inf if all entries are masked: loss and gradient are 0
    share = torch.sigmoid(gap)
    gradient = weight.mul_((share / total.clamp(min=1))[:, None])  # the largest weight is 1, or all are 0
    gradient.diagonal().copy_(-share)
    return F.softplus(gap), gradient
