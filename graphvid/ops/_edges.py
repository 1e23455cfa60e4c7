"""Structure of a relation: its edges, weights and norm, and its groupings, each made once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast, get_args

import torch
from torch import Tensor

from graphvid._checks import check_choice, check_ids, check_indptr, check_integer, check_tensor
from graphvid._precision import HALF
from graphvid.ops._rows import Rows, group_edges
from graphvid.ops.backends import as_device

if TYPE_CHECKING:
    from graphvid._dgl import DGLGraph

Norm = Literal["none", "left", "right", "both"]
Side = Literal["src", "dst"]
_POWERS: dict[Norm, tuple[float, float]] = {
    "none": (0.0, 0.0),
    "left": (1.0, 0.0),
    "right": (0.0, 1.0),
    "both": (0.5, 0.5),
}
_FLOATS = (torch.float32, torch.float64, *HALF)
_T = TypeVar("_T")
_E = TypeVar("_E", bound="EdgeStructure")


class EdgeStructure:
    """Edges of a bipartite relation with their weights and norm, grouped by either end when first asked for.

    What `graphvid.ops.Adjacency` passes messages over.
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

    @classmethod
    def from_coo(
        cls: type[_E],
        src: Tensor,
        dst: Tensor,
        *,
        num_src: int,
        num_dst: int,
        weight: Tensor | None = None,
        norm: Norm = "none",
    ) -> _E:
        """Make it from the ends of edges; needs no DGL.

        Parameters
        ----------
        src, dst : Tensor, shape (num_edges,), integer
            Ids in ``[0, num_src)`` and ``[0, num_dst)``, on one device. Duplicates are edges of their own.
        num_src, num_dst : int
            Numbers of nodes.
        weight : Tensor, shape (num_edges,) or (num_edges, num_heads), floating, optional
            Default: every edge counts once. It may require a gradient.
        norm : {"none", "left", "right", "both"}
            Divide by the out-degree of the source, the in-degree of the destination, or the roots of both.

        Raises
        ------
        ValueError, TypeError
            When lengths differ, an id is out of range, devices are mixed or ``norm`` is unknown.
        """
        check_tensor("src", src)
        check_tensor("dst", dst)
        if src.dim() != 1 or src.shape != dst.shape:
            raise ValueError(
                f"src and dst must be 1-D of equal length, got shapes {tuple(src.shape)} and {tuple(dst.shape)}"
            )
        check_integer("num_src", num_src, 0)
        check_integer("num_dst", num_dst, 0)
        for name, ids, size in (("src", src, num_src), ("dst", dst, num_dst)):
            _check_device(name, ids, src.device)
            check_ids(name, ids, size)
        _check_norm(norm)
        ends = tuple(x.to(_id_type(len(src), num_src, num_dst)).contiguous() for x in (src, dst))
        made = cls((ends[0], ends[1]), (int(num_src), int(num_dst)), None, _POWERS[norm])
        return made if weight is None else made.with_weight(weight)

    @classmethod
    def from_dgl(
        cls: type[_E],
        graph: DGLGraph,
        etype: str | tuple[str, str, str] | None = None,
        *,
        weight: str | Tensor | None = None,
        norm: Norm = "none",
    ) -> _E:
        """Make it from one relation of a graph.

        Parameters
        ----------
        graph : DGLGraph
            Or a block; see `from_block`.
        etype : str or (str, str, str), optional
            The relation; may be left out if there is one.
        weight : str or Tensor, optional
            Name of the edge data with the weights, or the weights; see `from_coo`.
        norm : {"none", "left", "right", "both"}
            See `from_coo`.

        Raises
        ------
        TypeError, ValueError, KeyError
            When ``graph`` is no DGLGraph, the relation or the edge data is not there, or as in `from_coo`.
        """
        from graphvid._dgl import DGLGraph

        if not isinstance(graph, DGLGraph):
            raise TypeError(f"graph must be a DGLGraph, got {type(graph).__name__}")
        relation = _relation(graph, etype)
        if isinstance(weight, str):
            data = graph.edges[relation].data
            if weight not in data:
                raise KeyError(f"unknown edge data {weight!r}; relation {relation} has {sorted(data)}")
            weight = cast(Tensor, data[weight])
        src, dst = graph.edges(etype=relation, order="eid")
        return cls.from_coo(
            src,
            dst,
            num_src=graph.num_src_nodes(relation[0]),
            num_dst=graph.num_dst_nodes(relation[2]),
            weight=weight,
            norm=norm,
        )

    @classmethod
    def from_block(
        cls: type[_E],
        block: DGLGraph,
        etype: str | tuple[str, str, str] | None = None,
        *,
        weight: str | Tensor | None = None,
        norm: Norm = "none",
    ) -> _E:
        """Make it from one relation of a sampled block; as `from_dgl`, for what `dgl.to_block` and its loaders return.

        Raises
        ------
        TypeError, ValueError, KeyError
            As `from_dgl`, and when ``block`` is not a block.
        """
        if not getattr(block, "is_block", False):
            raise TypeError(f"block must be a DGLGraph made by dgl.to_block, got {type(block).__name__}")
        return cls.from_dgl(block, etype, weight=weight, norm=norm)

    @classmethod
    def from_rows(
        cls: type[_E],
        indptr: Tensor,
        src: Tensor,
        *,
        num_src: int,
        weight: Tensor | None = None,
        norm: Norm = "none",
        trusted: bool = False,
    ) -> _E:
        """Make it from edges that are grouped by destination: ``src[indptr[v] : indptr[v + 1]]`` go to node ``v``.

        Parameters
        ----------
        indptr : Tensor, shape (num_dst + 1,), integer
            Start of each destination's edges, from 0 to num_edges, ascending.
        src : Tensor, shape (num_edges,), integer
            Ids in ``[0, num_src)``, on the same device.
        num_src : int
            Number of source nodes.
        weight, norm
            See `from_coo`.
        trusted : bool, default False
            Do not look at the values of ``indptr`` and ``src``. Only for edges that the caller has made itself, such as
            those of a sampler: a wrong id then reads or writes out of bounds later.

        Raises
        ------
        ValueError, TypeError
            When a shape, a dtype or a device does not fit, ``norm`` is unknown, ``indptr`` does not rise from 0 to
            num_edges, or an id is out of range.

        Notes
        -----
        O(num_edges) time, without a grouping; on a GPU the host waits only for the checks of values.

        Examples
        --------
        >>> from graphvid.ops import Adjacency
        >>> adjacency = Adjacency.from_rows(torch.tensor([0, 2, 2, 3]), torch.tensor([1, 0, 1]), num_src=2)
        >>> adjacency.ends("dst").tolist()
        [0, 0, 2]
        >>> adjacency.spmm(torch.tensor([[1.0], [10.0]])).tolist()
        [[11.0], [0.0], [10.0]]
        """
        check_tensor("indptr", indptr)
        check_tensor("src", src)
        if indptr.dim() != 1 or not len(indptr) or src.dim() != 1:
            raise ValueError(
                f"indptr must have shape (num_dst + 1,) and src shape (num_edges,), got {tuple(indptr.shape)} and "
                f"{tuple(src.shape)}"
            )
        check_ids("indptr", indptr, None)
        check_ids("src", src, None)
        _check_device("indptr", indptr, src.device)
        check_integer("num_src", num_src, 0)
        _check_norm(norm)
        if not trusted:
            check_indptr("indptr", indptr, len(src))
            check_ids("src", src, num_src)
        num_edges, num_dst = len(src), len(indptr) - 1
        ids = _id_type(num_edges, num_src, num_dst)
        indptr, src = indptr.to(ids).contiguous(), src.to(ids).contiguous()
        dst = torch.repeat_interleave(indptr.diff(), output_size=num_edges)
        made = cls((src, dst), (int(num_src), num_dst), None, _POWERS[norm])
        made._cache[("rows", 1)] = Rows(indptr, src, None)
        return made if weight is None else made.with_weight(weight)

    @classmethod
    def from_segments(cls: type[_E], indptr: Tensor) -> _E:
        """Make the relation of consecutive elements to the segments that hold them, ``indptr[i]`` to ``indptr[i + 1]``."""
        check_tensor("indptr", indptr)
        check_indptr("indptr", indptr, int(indptr[-1]) if indptr.dim() == 1 and len(indptr) else 0)
        num_edges = int(indptr[-1])
        element = torch.arange(num_edges + 1, dtype=_id_type(num_edges, indptr.numel() - 1), device=indptr.device)
        made = cls.from_rows(indptr, element[:-1], num_src=num_edges, trusted=True)
        made._cache[("rows", 0)] = Rows(element, made.ends("dst"), None)
        return made

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
        """The norm as given, by which messages are divided; ``"left"`` and ``"right"`` change places in the transpose."""
        return next(name for name, powers in _POWERS.items() if powers == self._powers)

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
        """Return the relation with its edges turned round: the transposed matrix, with its weights and norm."""
        turned = (self._ends[1], self._ends[0]), (self._sizes[1], self._sizes[0])
        powers = (self._powers[1], self._powers[0])
        return type(self)(*turned, self.weight, powers, self._cache, 1 - self._flip)

    def to(self: _E, device: torch.device | str) -> _E:
        """Return the relation on ``device``, grouped as far as it is here."""
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
            When the length, the device or the dtype of ``weight`` does not fit.
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
        """Return what the norm, and a mean, multiply by at the sources and at the destinations; None for 1.

        In float32 for shorter dtypes, as kernels add up in it.
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
        """Return values of edges in the order of `rows`; those of fixed weights are kept until the weights change."""
        if values is None:
            return None
        if values.requires_grad or self.weight is None or values.data_ptr() != self.weight.data_ptr():
            return self.rows(side).take(values)
        key = ("weight", int(side == "dst") ^ self._flip, values.shape, values.dtype)
        version = 0 if self.weight.is_inference() else self.weight._version  # counts changes in place
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
        _check_device(name, x, self.device)

    def _check_weight(self, weight: Tensor, name: str = "weight") -> None:
        check_tensor(name, weight)
        if weight.dtype not in _FLOATS:
            raise TypeError(f"{name} must be float32, float64, float16 or bfloat16, got {weight.dtype}")
        if weight.dim() not in (1, 2) or len(weight) != self.num_edges:
            raise ValueError(
                f"{name} must have shape ({self.num_edges},) or ({self.num_edges}, num_heads), one row per edge, "
                f"got {tuple(weight.shape)}"
            )
        _check_device(name, weight, self.device)


def _id_type(*sizes: int) -> torch.dtype:
    return torch.int32 if max(sizes) < 2**31 else torch.int64


def _check_norm(norm: object) -> None:
    check_choice("norm", norm, _POWERS)


def _check_device(name: str, x: Tensor, device: torch.device) -> None:
    if x.device != device:
        raise ValueError(f"{name} must be on {device} like the edges, got {x.device}")


def _relation(graph: DGLGraph, etype: str | tuple[str, str, str] | None) -> tuple[str, str, str]:
    """Return the canonical relation that ``etype`` names."""
    relations = [tuple(x) for x in graph.canonical_etypes]
    found = [x for x in relations if etype is None or etype in (x, x[1])]
    if len(found) != 1:
        raise ValueError(f"etype must name one relation, got {etype!r}; graph has {relations}")
    src, name, dst = found[0]
    return src, name, dst
