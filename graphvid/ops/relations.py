"""Several relations into the same destinations, summed in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from graphvid._autograd import apply
from graphvid._checks import check_choice
from graphvid.ops._edges import Side
from graphvid.ops._rows import Parts, cut_long_rows
from graphvid.ops.adjacency import Adjacency
from graphvid.ops.backends import backend_for

Combine = Literal["sum", "mean", "stack"]
Activation = Literal["relu"]


class Relations:
    """Relations with the same destinations, such as clips watched and clips skipped by a user.

    .. math:: y_v = c \\sum_r \\sigma\\Bigl(\\sum_{e \\in E_r: dst(e) = v} a_e \\, x^r_{src(e)}\\Bigr)

    with :math:`c = 1` for ``combine="sum"`` and one over the number of relations for ``"mean"``. The backend ``"triton"``
    computes all relations, the norm, the activation and the sum in one launch, with a second one for rows that are too long
    for one program; the other backends compute one relation after another.

    Parameters
    ----------
    adjacencies : sequence of Adjacency
        At least one; with the same ``num_dst``, on one device.

    Raises
    ------
    ValueError
        There is none, or they differ in ``num_dst`` or device.

    Examples
    --------
    >>> watched = Adjacency.from_coo(torch.tensor([0, 1]), torch.tensor([0, 0]), num_src=2, num_dst=1)
    >>> skipped = Adjacency.from_coo(torch.tensor([1]), torch.tensor([0]), num_src=2, num_dst=1)
    >>> x = torch.tensor([[1.0], [10.0]])
    >>> Relations([watched, skipped]).spmm([x, -x], activation="relu").tolist()
    [[11.0]]
    """

    def __init__(self, adjacencies: Sequence[Adjacency]) -> None:
        if not adjacencies:
            raise ValueError("adjacencies must hold at least one Adjacency, got none")
        for i, adjacency in enumerate(adjacencies):
            if not isinstance(adjacency, Adjacency):
                raise TypeError(f"adjacencies[{i}] must be an Adjacency, got {type(adjacency).__name__}")
        kinds = {(a.num_dst, a.device) for a in adjacencies}
        if len(kinds) > 1:
            raise ValueError(f"adjacencies must have one num_dst and one device, got {sorted(map(str, kinds))}")
        self.adjacencies = tuple(adjacencies)
        self._cuts: dict[Side, Parts] = {}

    def spmm(
        self, features: Sequence[Tensor], *, combine: Combine = "sum", activation: Activation | None = None
    ) -> Tensor:
        """Return the combined messages of all relations at every destination.

        Parameters
        ----------
        features : sequence of Tensor, each of shape (num_src of its relation, dim)
            One for each relation, of one dtype and ``dim``. Views of one tensor (``stacked.unbind()``) are not copied.
        combine : {"sum", "mean", "stack"}
            ``"mean"`` divides by the number of relations, also if one has no edge; ``"stack"`` keeps them separate.
        activation : "relu", optional
            Applied to each relation's sum before they are combined.

        Returns
        -------
        Tensor, shape (num_dst, dim), or (num_relations, num_dst, dim) for ``"stack"``

        Raises
        ------
        TypeError, ValueError
            Number, shape, dtype or device of the features do not fit, or a choice is unknown.
        """
        check_choice("combine", combine, get_args(Combine))
        if activation is not None:
            check_choice("activation", activation, get_args(Activation))
        if len(features) != len(self.adjacencies):
            raise ValueError(f"features must hold {len(self.adjacencies)} tensors, one a relation, got {len(features)}")
        for i, (adjacency, x) in enumerate(zip(self.adjacencies, features)):
            adjacency.check_features(f"features[{i}]", x, "src", (2,))
            if x.shape[1] != features[0].shape[1] or x.dtype != features[0].dtype:
                raise ValueError(
                    f"features must have one dim and one dtype, got {[(x.shape[1], x.dtype) for x in features]}"
                )
        relu = activation == "relu"
        if backend_for(self.adjacencies[0].device) == "triton" and all(
            _plain(a, features[0]) for a in self.adjacencies
        ):
            weights = [None if a.weight is None else a.weight[:, None] for a in self.adjacencies]
            xs = [x[:, None] for x in features]
            return apply(FusedSpMM, self, relu, combine, *xs, *weights).squeeze(-2)
        sums = [a.spmm(x, relu=relu) for a, x in zip(self.adjacencies, features)]
        if combine == "stack":
            return torch.stack(sums)
        total = sums[0]
        for other in sums[1:]:
            total = total + other
        return total / len(sums) if combine == "mean" else total

    def cut(self, side: Side, longest: int) -> Parts:
        """Return the rows by ``side`` that have more than ``longest`` edges in some relation, cut into parts."""
        if side not in self._cuts:
            self._cuts[side] = cut_long_rows([a.rows(side).indptr for a in self.adjacencies], longest)
        return self._cuts[side]


def _plain(adjacency: Adjacency, x: Tensor) -> bool:
    """Return whether the fused kernel supports a relation: without weights, or one for each edge in the features' dtype."""
    return adjacency.weight is None or (adjacency.weight.dim() == 1 and adjacency.weight.dtype == x.dtype)


class FusedSpMM(torch.autograd.Function):
    """`Relations.spmm` by one Triton launch forward and one backward, with gradients for features and edge weights."""

    @staticmethod
    def forward(ctx: Any, relations: Relations, relu: bool, combine: str, *tensors: Tensor | None) -> Tensor:
        """Return (num_dst, 1, dim), or one for each relation; ``tensors`` are features, then weights (num_edges, 1)."""
        from graphvid.ops import _triton as kernels

        adjacencies = relations.adjacencies
        xs = [x for x in tensors[: len(adjacencies)] if x is not None]
        weights = tensors[len(adjacencies) :]
        factor = 1.0 / len(adjacencies) if combine == "mean" else 1.0
        out, positive = kernels.spmm_relations(
            [a.rows("dst") for a in adjacencies],
            xs,
            *_edge_factors(adjacencies, xs[0], weights, "dst"),
            relations.cut("dst", kernels.LONGEST),
            relu=relu,
            stack=combine == "stack",
            mark=relu,
            factor=factor,
        )
        asked = any(w is not None and w.requires_grad for w in weights)
        ctx.save_for_backward(positive, *(xs if asked else [None] * len(xs)), *weights)
        ctx.relations, ctx.stacked, ctx.factor = relations, combine == "stack", factor
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of the features and the weights."""
        from graphvid.ops import _triton as kernels

        adjacencies = ctx.relations.adjacencies
        count = len(adjacencies)
        positive, *saved = ctx.saved_tensors
        xs, weights = saved[:count], saved[count:]
        grads = grad if ctx.stacked else (grad * ctx.factor).expand(count, *grad.shape)
        grads = (grads if positive is None else grads * positive).contiguous().unbind()
        asked = ctx.needs_input_grad[3 : 3 + count]
        grad_xs: list[Tensor | None] = [None] * count
        values, columns, ends = _edge_factors(adjacencies, grad, weights, "src")
        if all(asked) and len({a.num_src for a in adjacencies}) == 1:
            rows = [a.rows("src") for a in adjacencies]
            cut = ctx.relations.cut("src", kernels.LONGEST)
            grad_xs = list(kernels.spmm_relations(rows, grads, values, columns, ends, cut, stack=True)[0].unbind())
        else:
            for i in range(count):
                if asked[i]:
                    rows_i = adjacencies[i].rows("src")
                    grad_xs[i] = kernels.spmm(rows_i, grads[i], values[i], columns[i], ends[i])
        grad_weights: list[Tensor | None] = [None] * count
        for i, adjacency in enumerate(adjacencies):
            if ctx.needs_input_grad[3 + count + i]:
                src_scale, dst_scale = adjacency.scales(grad.dtype, mean=False)
                u = xs[i] if src_scale is None else xs[i] * src_scale[:, None, None]
                v = grads[i] if dst_scale is None else grads[i] * dst_scale[:, None, None]
                grad_weights[i] = kernels.dot(adjacency.ends("src"), adjacency.ends("dst"), u, v)
        return None, None, None, *grad_xs, *grad_weights


def _edge_factors(
    adjacencies: Sequence[Adjacency], x: Tensor, weights: Sequence[Tensor | None], side: Side
) -> tuple[list[Tensor | None], list[Tensor | None], list[Tensor | None]]:
    """Return weights, scales of the columns and scales of the rows by ``side``; ones if only some relations have them."""
    values = [a.edge_values(w, side) for a, w in zip(adjacencies, weights)]
    pairs = [a.scales(x.dtype, mean=False) for a in adjacencies]
    columns, rows = ([pair[i] for pair in pairs] for i in ((0, 1) if side == "dst" else (1, 0)))
    sizes = [(a.num_src, a.num_dst) if side == "dst" else (a.num_dst, a.num_src) for a in adjacencies]
    return (
        _all_or_none(values, [(a.num_edges, 1) for a in adjacencies], x),
        _all_or_none(columns, [(size[0],) for size in sizes], x),
        _all_or_none(rows, [(size[1],) for size in sizes], x),
    )


def _all_or_none(tensors: Sequence[Tensor | None], shapes: Sequence[tuple[int, ...]], x: Tensor) -> list[Tensor | None]:
    if all(t is None for t in tensors):
        return list(tensors)
    return [x.new_ones(shape) if t is None else t for t, shape in zip(tensors, shapes)]
