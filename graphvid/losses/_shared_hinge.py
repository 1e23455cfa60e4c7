"""Hinges of products with vectors that a batch shares: the few products above the margin are edges of a graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphvid._precision import no_autocast
from graphvid.losses._kernels import list_above
from graphvid.ops import Adjacency

FEW_SCORES = 1 << 19  # below it the scores themselves cost less; see benchmarks/speed/shared_hinge.py
_MANY = 0.05  # share of pairs above the margin from which a dense product costs less than a sum over edges


class SharedHingeSum(torch.autograd.Function):
    r"""Sum :math:`\sum_j [\,u_i \cdot v_j - m\,]_+` for each row :math:`i` of ``users``, over the ``items`` that count.

    With :math:`A_i` the items above the margin, the sum is :math:`u_i \cdot \sum_{j \in A_i} v_j - m |A_i|`: message
    passing over the pairs above the margin. So is its gradient. Where these pairs are many, it is the dense product.
    """

    @staticmethod
    def forward(ctx: Any, users: Tensor, items: Tensor, margin: float, mask: Tensor | None) -> Tensor:
        """Return (batch,); users are (batch, dim), items (num_items, dim), ``mask`` (batch, num_items) says who counts."""
        scores = users @ items.T
        ctx.pairs = pairs_above(scores, margin, mask)
        if ctx.pairs is None:
            active = _active(scores, margin, mask)
            ctx.save_for_backward(users, items, active)
            return scores.sub_(margin).masked_fill_(~active, 0).sum(dim=1)
        total = ctx.pairs.spmm(items)
        ctx.save_for_backward(users, total)
        pushed: Tensor = (users * total).sum(dim=1) - margin * ctx.pairs.degrees().to(total.dtype)
        return pushed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of users and items."""
        with no_autocast(grad):
            return *SharedHingeSum._gradients(ctx, grad), None, None

    @staticmethod
    def _gradients(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        if ctx.pairs is not None:
            users, total = ctx.saved_tensors
            of_users, of_items = total * grad[:, None], ctx.pairs.t().spmm(users * grad[:, None])
        else:
            users, items, active = ctx.saved_tensors
            push = active.view(torch.uint8).to(grad.dtype).mul_(grad[:, None])  # bool * float takes 8 times as long
            of_users, of_items = push @ items, push.T @ users
        return of_users, of_items


def pairs_above(scores: Tensor, margin: float, mask: Tensor | None) -> Adjacency | None:
    """Return the pairs that count and are above the margin, as edges from columns to rows; None where they are many."""
    rows, columns = scores.shape
    most = int(_MANY * scores.numel())
    if scores.device.type == "cpu":
        indptr, found = np.zeros(rows + 1, dtype=np.int64), np.empty(most + columns, dtype=np.int32)
        counted = np.empty((0, 0), dtype=np.bool_) if mask is None else mask.numpy()
        values = scores.numpy()
        if not list_above(values, values.dtype.type(margin), counted, most, indptr, found):
            return None
        edges = torch.from_numpy(indptr), torch.from_numpy(found[: indptr[-1]])
        return Adjacency.from_rows(*edges, num_src=columns, trusted=True)
    active = _active(scores, margin, mask)
    count = active.sum(dim=1)
    if int(count.sum()) > most:
        return None
    return Adjacency.from_rows(
        torch.nn.functional.pad(count.cumsum(0), (1, 0)), active.nonzero()[:, 1], num_src=columns, trusted=True
    )


def _active(scores: Tensor, margin: float, mask: Tensor | None) -> Tensor:
    active = ~(scores <= margin)  # what is no number counts, so that it is seen
    return active if mask is None else active.logical_and_(mask)
