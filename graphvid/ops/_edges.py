"""Structure of a relation: its edges, weights and norm, and its groupings, each computed once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

import torch
from torch import Tensor

from graphvid._checks import check_choice, check_tensor
from graphvid._precision import HALF
from graphvid.ops._rows import Rows, group_edges
from graphvid.ops.backends import as_device

if TYPE_CHECKING:
    from graphvid._dgl import DGLGraph

Norm = Literal["none", "left", "right", "both"]
Side = Literal["src", "dst"]
POWERS: dict[Norm, tuple[float, float]] = {
    "none": (0.0, 0.0),
    "left": (1.0, 0.0),
    "right": (0.0, 1.0),
    "both": (0.5, 0.5),
}
_FLOATS = (torch.float32, torch.float64, *HALF)
_T = TypeVar("_T")
_E = TypeVar("_E", bound="EdgeStructure")


class EdgeStructure:
    """Edges of a bipartite relation with their weights and norm; groupings by either end are computed on first use.

    Base of `graphvid.ops.Adjacency`; `graphvid.ops._edge_input` makes it.
    """

    __slots__ = ("_cache", "_ends", "_flip", "_powers", "_sizes", "weight")

    def __init__(
        self,
        ends: tuple[Tensor, Tensor],
        sizes: tuple[int, int],
        weight: Tensor | None,
        powers: tuple[float, float],
        cache: dict[Any, Any] | None = None,
        flip: int = 0,
    ) -> None:
        self._ends, self._sizes, self.weight, self._powers = ends, sizes, weight, powers
        self._cache: dict[Any, Any] = {} if cache is None else cache  # shared with the transpose
        self._flip = flip

    def dgl_graph(self) -> DGLGraph:
        """Return the relation as a DGLGraph from node type ``src`` to ``dst``, with its edges in the given order."""
        from graphvid._dgl import dgl

        nodes = {"src": self.num_src, "dst": self.num_dst}
        ends = {("src", "to", "dst"): self._ends}
        return self._cached(("graph", self._flip), lambda: dgl.heterograph(ends, num_nodes_dict=nodes))

    @property
    def num_src(self) -> int:
        """Number of source nodes."""
        return self._sizes[0]

    @property
    def num_dst(self) -> int:
        """Number of destination nodes."""
        return self._sizes[1]

    @property
    def num_edges(self) -> int:
        """Number of edges."""
        return self._ends[0].numel()

    @property
    def norm(self) -> Norm:
        """The given norm of the messages; in the transpose, ``"left"`` and ``"right"`` are exchanged."""
        return next(name for name, powers in POWERS.items() if powers == self._powers)

    @property
    def device(self) -> torch.device:
        """Device of the edges."""
        return self._ends[0].device

    def __repr__(self) -> str:
        shape = None if self.weight is None else tuple(self.weight.shape)
        return (
            f"Adjacency(num_src={self.num_src}, num_dst={self.num_dst}, num_edges={self.num_edges}, weight={shape}, "
            f"device='{self.device}')"
        )

    def t(self: _E) -> _E:
        """Return the relation with reversed edges: the transposed matrix, with its weights and norm."""
        turned = (self._ends[1], self._ends[0]), (self._sizes[1], self._sizes[0])
        powers = (self._powers[1], self._powers[0])
        return type(self)(*turned, self.weight, powers, self._cache, 1 - self._flip)

    def to(self: _E, device: torch.device | str) -> _E:
        """Return the relation on ``device``, with the groupings computed so far."""
        device = as_device(device)
        if device == self.device:
            return self
        cache = {key: value.to(device) for key, value in self._cache.items() if key[0] == "rows"}
        ends = (self._ends[0].to(device), self._ends[1].to(device))
        weight = None if self.weight is None else self.weight.to(device)
        return type(self)(ends, self._sizes, weight, self._powers, cache, self._flip)

    def with_weight(self: _E, weight: Tensor | None) -> _E:
        """Return the relation with other weights, (num_edges,) or (num_edges, num_heads), and the same groupings.

        Raises
        ------
        TypeError, ValueError
            The length, the device or the dtype of ``weight`` does not fit.
        """
        if weight is not None:
            self._check_weight(weight)
        cache = {key: value for key, value in self._cache.items() if key[0] != "weight"}
        return type(self)(self._ends, self._sizes, weight, self._powers, cache, self._flip)

    def degrees(self, side: Side = "dst") -> Tensor:
        """Return the number of edges of every node of one side, int64: in-degrees for ``"dst"``, else out-degrees."""
        check_choice("side", side, get_args(Side))
        return self.rows(side).indptr.diff().long()

    def ends(self, side: Side) -> Tensor:
        """Return the sources or the destinations of the edges, (num_edges,), int32 or int64."""
        return self._ends[side == "dst"]

    def rows(self, side: Side) -> Rows:
        """Return the edges grouped by ``side``."""
        here = int(side == "dst")
        ends, size = (self._ends[here], self._ends[1 - here]), self._sizes[here]
        return self._cached(("rows", here ^ self._flip), lambda: group_edges(*ends, size))

    def scales(self, dtype: torch.dtype, *, mean: bool) -> tuple[Tensor | None, Tensor | None]:
        """Return the factors of the norm, and of a mean, at the sources and at the destinations; None for 1.

        In float32 for shorter dtypes, because kernels sum in float32.
        """
        dtype = torch.float32 if dtype in HALF else dtype
        powers = (self._powers[0], self._powers[1] + mean)
        return self._scale("src", powers[0], dtype), self._scale("dst", powers[1], dtype)

    def _scale(self, side: Side, power: float, dtype: torch.dtype) -> Tensor | None:
        if not power:
            return None
        key = ("scale", int(side == "dst") ^ self._flip, power, dtype)
        return self._cached(key, lambda: self.degrees(side).clamp(min=1).double().pow(-power).to(dtype))

    def edge_values(self, values: Tensor | None, side: Side) -> Tensor | None:
        """Return values of edges in the order of `rows`; those of fixed weights are cached until the weights change."""
        if values is None:
            return None
        if values.requires_grad or self.weight is None or values.data_ptr() != self.weight.data_ptr():
            return self.rows(side).take(values)
        key = ("weight", int(side == "dst") ^ self._flip, values.shape, values.dtype)
        version = 0 if self.weight.is_inference() else self.weight._version  # counts in-place changes
        if self._cache.get(key, (None, None))[0] != version:
            self._cache[key] = (version, self.rows(side).take(values))
        taken: Tensor = self._cache[key][1]
        return taken

    def _cached(self, key: tuple[Any, ...], make: Callable[[], _T]) -> _T:
        if key not in self._cache:
            self._cache[key] = make()
        found: _T = self._cache[key]
        return found

    def check_features(self, name: str, x: Tensor, side: Side, dims: tuple[int, ...]) -> None:
        size = self._sizes[side == "dst"]
        check_tensor(name, x)
        if x.dtype not in _FLOATS:
            raise TypeError(f"{name} must be float32, float64, float16 or bfloat16, got {x.dtype}")
        if x.dim() not in dims or len(x) != size:
            raise ValueError(
                f"{name} must have shape ({size}, dim) or ({size}, num_heads, dim), one row per node of num_{side}, "
                f"got {tuple(x.shape)}"
            )
        check_device(name, x, self.device)

    def _check_weight(self, weight: Tensor, name: str = "weight") -> None:
        check_tensor(name, weight)
        if weight.dtype not in _FLOATS:
            raise TypeError(f"{name} must be float32, float64, float16 or bfloat16, got {weight.dtype}")
        if weight.dim() not in (1, 2) or len(weight) != self.num_edges:
            raise ValueError(
                f"{name} must have shape ({self.num_edges},) or ({self.num_edges}, num_heads), one row per edge, "
                f"got {tuple(weight.shape)}"
            )
        check_device(name, weight, self.device)


def check_device(name: str, x: Tensor, device: torch.device) -> None:
    """Raise unless a tensor is on the device of the edges."""
    if x.device != device:
        raise ValueError(f"{name} must be on {device} like the edges, got {x.device}")
