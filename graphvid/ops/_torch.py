"""Message passing with PyTorch's sparse and segment operations, on any device. Reads of scattered rows are PyTorch's."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from graphvid.ops._rows import Rows

_BLOCK = 1 << 24  # entries of messages in memory at once


def spmm(
    rows: Rows,
    x: Tensor,
    weights: Tensor | None,
    src_scale: Tensor | None,
    dst_scale: Tensor | None,
    chosen: Tensor | None = None,
    relu: bool = False,
) -> Tensor:
    """Return the weighted sum over each row's edges of the rows of ``x``, (num_rows, num_heads, dim)."""
    if chosen is not None:
        out = _chosen_sum(rows, x, weights, src_scale, chosen)
    else:
        x = x if src_scale is None else x * src_scale[:, None, None]
        heads = range(x.shape[1])
        out = torch.stack([_product(rows, x[:, h], None if weights is None else weights[:, h]) for h in heads], dim=1)
    out = out if dst_scale is None else out * dst_scale[:, None, None]
    return torch.relu(out) if relu else out


def _product(rows: Rows, x: Tensor, weight: Tensor | None) -> Tensor:
    values = x.new_ones(rows.indices.numel()) if weight is None else weight.contiguous()
    with warnings.catch_warnings():  # "Sparse CSR tensor support is in beta state"
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support", category=UserWarning)
        matrix = torch.sparse_csr_tensor(
            rows.indptr, rows.indices, values, size=(rows.num_rows, len(x)), check_invariants=False
        )
        return matrix @ x.contiguous()


def _chosen_sum(rows: Rows, x: Tensor, weights: Tensor | None, src_scale: Tensor | None, chosen: Tensor) -> Tensor:
    """Return `spmm` of the entries of ``x`` whose chosen edge it is; on CUDA the order of summation is not fixed."""
    slot = torch.empty(rows.indices.numel(), dtype=torch.int64, device=x.device)
    slot[rows.ids().long()] = torch.arange(len(slot), device=x.device)
    flat, edge = x.flatten(1), chosen.flatten(1)
    found = edge >= 0
    place = slot[torch.where(found, edge, 0).long()] if len(slot) else torch.zeros_like(edge, dtype=torch.int64)
    values = torch.where(found, flat, 0)
    if weights is not None and len(slot):
        heads = torch.arange(flat.shape[1], device=x.device) // (flat.shape[1] // weights.shape[1])
        values = values * weights[place, heads]
    if src_scale is not None:
        values = values * src_scale[:, None]
    target = _owners(rows)[place] if len(slot) else place
    out = x.new_zeros(rows.num_rows, flat.shape[1])
    if rows.num_rows:
        out.scatter_add_(0, target, values)
    return out.reshape(rows.num_rows, *x.shape[1:])


def spmm_max(rows: Rows, x: Tensor, weights: Tensor | None, src_scale: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return the largest weighted row of ``x`` of each row's edges, entry by entry, and the ids of those edges."""
    num_edges, width = rows.indices.numel(), x.shape[1] * x.shape[2]
    out = x.new_zeros(rows.num_rows, x.shape[1], x.shape[2])
    chosen = torch.full(out.shape, -1, dtype=rows.indices.dtype, device=x.device)
    if not num_edges or not width:
        return out, chosen
    x = x if src_scale is None else x * src_scale[:, None, None]
    owner, ids, empty = _owners(rows), rows.ids(), rows.indptr[1:] == rows.indptr[:-1]
    flat, best, edge = x.flatten(1), out.flatten(1), chosen.flatten(1)
    step = max(1, _BLOCK // num_edges)
    for first in range(0, width, step):
        columns = slice(first, first + step)
        messages = flat[:, columns][rows.indices]
        if weights is not None:
            heads = torch.arange(width, device=x.device)[columns] // (width // weights.shape[1])
            messages = messages * weights[:, heads]
        top = torch.segment_reduce(messages, "max", offsets=rows.indptr.long(), axis=0, initial=None, unsafe=True)
        top[empty] = 0
        reaches = (messages == top[owner]) | messages.isnan()
        place = torch.where(reaches, torch.arange(num_edges, device=x.device)[:, None], num_edges)
        at = torch.full_like(top, num_edges, dtype=torch.int64)
        at.scatter_reduce_(0, owner[:, None].expand_as(place), place, "amin")
        best[:, columns] = top
        edge[:, columns] = torch.where(empty[:, None], -1, ids[at.clamp(max=num_edges - 1)])
    return out, chosen


def dot(src: Tensor, dst: Tensor, u: Tensor, v: Tensor, chosen: Tensor | None = None) -> Tensor:
    """Return the product of u[src] and v[dst] of every edge and head, (num_edges, num_heads)."""
    out = u.new_empty(len(src), u.shape[1])
    step = max(1, _BLOCK // max(1, u.shape[1] * u.shape[2]))
    for first in range(0, len(src), step):
        edges = slice(first, first + step)
        products = u[src[edges]] * v[dst[edges]]
        if chosen is not None:
            ids = torch.arange(first, first + len(products), device=u.device)
            products = products * (chosen[dst[edges]] == ids[:, None, None])
        out[edges] = products.sum(-1)
    return out


def softmax(rows: Rows, logits: Tensor) -> Tensor:
    """Return the softmax of the logits (num_edges, num_heads) over each row's edges, in the given order."""
    if not len(logits):
        return logits.clone()
    owner, ids, values = _owners(rows), rows.ids().long(), rows.take(logits)
    offsets = rows.indptr.long()
    top = torch.segment_reduce(values, "max", offsets=offsets, axis=0, unsafe=True)
    values = torch.exp(values - top[owner])
    total = torch.segment_reduce(values, "sum", offsets=offsets, axis=0, unsafe=True)
    out = torch.empty_like(logits)
    out[ids] = values / total[owner]
    return out


def softmax_backward(rows: Rows, result: Tensor, grad: Tensor) -> Tensor:
    """Return the gradient of the logits."""
    if not len(result):
        return grad.clone()
    products = rows.take(result * grad)
    total = torch.segment_reduce(products, "sum", offsets=rows.indptr.long(), axis=0, unsafe=True)
    sums = torch.empty_like(grad)
    sums[rows.ids().long()] = total[_owners(rows)]
    return result * (grad - sums)


def _owners(rows: Rows) -> Tensor:
    """Return the row of every edge, int64, in the rows' order."""
    widths = (rows.indptr[1:] - rows.indptr[:-1]).long()
    return torch.repeat_interleave(widths, output_size=rows.indices.numel())
