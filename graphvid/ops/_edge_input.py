"""Constructors of a relation: from the ends of edges, graphs and blocks of DGL, grouped edges, and segments."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

import torch
from torch import Tensor

from graphvid._checks import check_choice, check_ids, check_indptr, check_integer, check_tensor
from graphvid.ops._edges import POWERS, EdgeStructure, Norm, check_device
from graphvid.ops._rows import Rows

if TYPE_CHECKING:
    from graphvid._dgl import DGLGraph

_M = TypeVar("_M", bound="MadeEdges")


class MadeEdges(EdgeStructure):
    """Edges of a bipartite relation with constructors that check their input once."""

    __slots__ = ()

    @classmethod
    def from_coo(
        cls: type[_M],
        src: Tensor,
        dst: Tensor,
        *,
        num_src: int,
        num_dst: int,
        weight: Tensor | None = None,
        norm: Norm = "none",
    ) -> _M:
        """Make it from the ends of edges; needs no DGL.

        Parameters
        ----------
        src, dst : Tensor, shape (num_edges,), integer
            Ids in ``[0, num_src)`` and ``[0, num_dst)``, on one device. Duplicates are separate edges.
        num_src, num_dst : int
            Numbers of nodes.
        weight : Tensor, shape (num_edges,) or (num_edges, num_heads), floating, optional
            Default: every edge counts once. It may require a gradient.
        norm : {"none", "left", "right", "both"}
            Divide by the out-degree of the source, the in-degree of the destination, or the roots of both.

        Raises
        ------
        ValueError, TypeError
            Lengths differ, an id is out of range, devices are mixed or ``norm`` is unknown.
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
            check_device(name, ids, src.device)
            check_ids(name, ids, size)
        _check_norm(norm)
        ends = tuple(x.to(_id_type(len(src), num_src, num_dst)).contiguous() for x in (src, dst))
        made = cls((ends[0], ends[1]), (int(num_src), int(num_dst)), None, POWERS[norm])
        return made if weight is None else made.with_weight(weight)

    @classmethod
    def from_dgl(
        cls: type[_M],
        graph: DGLGraph,
        etype: str | tuple[str, str, str] | None = None,
        *,
        weight: str | Tensor | None = None,
        norm: Norm = "none",
    ) -> _M:
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
        cls: type[_M],
        block: DGLGraph,
        etype: str | tuple[str, str, str] | None = None,
        *,
        weight: str | Tensor | None = None,
        norm: Norm = "none",
    ) -> _M:
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
        cls: type[_M],
        indptr: Tensor,
        src: Tensor,
        *,
        num_src: int,
        weight: Tensor | None = None,
        norm: Norm = "none",
        trusted: bool = False,
    ) -> _M:
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
            Do not check the values of ``indptr`` and ``src``. Only for edges that the caller has made itself, such as those
            of a sampler: a wrong id then reads or writes out of bounds later.

        Raises
        ------
        ValueError, TypeError
            A shape, a dtype or a device does not fit, ``norm`` is unknown, ``indptr`` does not rise from 0 to
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
        check_device("indptr", indptr, src.device)
        check_integer("num_src", num_src, 0)
        _check_norm(norm)
        if not trusted:
            check_indptr("indptr", indptr, len(src))
            check_ids("src", src, num_src)
        num_edges, num_dst = len(src), len(indptr) - 1
        ids = _id_type(num_edges, num_src, num_dst)
        indptr, src = indptr.to(ids).contiguous(), src.to(ids).contiguous()
        dst = torch.repeat_interleave(indptr.diff(), output_size=num_edges)
        made = cls((src, dst), (int(num_src), num_dst), None, POWERS[norm])
        made._cache[("rows", 1)] = Rows(indptr, src, None)
        return made if weight is None else made.with_weight(weight)

    @classmethod
    def from_segments(cls: type[_M], indptr: Tensor) -> _M:
        """Make the relation of consecutive elements to the segments that hold them, ``indptr[i]`` to ``indptr[i + 1]``."""
        check_tensor("indptr", indptr)
        check_indptr("indptr", indptr, int(indptr[-1]) if indptr.dim() == 1 and len(indptr) else 0)
        num_edges = int(indptr[-1])
        element = torch.arange(num_edges + 1, dtype=_id_type(num_edges, indptr.numel() - 1), device=indptr.device)
        made = cls.from_rows(indptr, element[:-1], num_src=num_edges, trusted=True)
        made._cache[("rows", 0)] = Rows(element, made.ends("dst"), None)
        return made


def _id_type(*sizes: int) -> torch.dtype:
    return torch.int32 if max(sizes) < 2**31 else torch.int64


def _check_norm(norm: object) -> None:
    check_choice("norm", norm, POWERS)


def _relation(graph: DGLGraph, etype: str | tuple[str, str, str] | None) -> tuple[str, str, str]:
    """Return the canonical relation that ``etype`` names."""
    relations = [tuple(x) for x in graph.canonical_etypes]
    found = [x for x in relations if etype is None or etype in (x, x[1])]
    if len(found) != 1:
        raise ValueError(f"etype must name one relation, got {etype!r}; graph has {relations}")
    src, name, dst = found[0]
    return src, name, dst
