"""A layer for heterogeneous graphs: one layer for each relation, and an aggregate at the destinations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from graphvid._checks import check_choice, check_mapping, check_tensor
from graphvid.ops import Adjacency

Relation = tuple[str, str, str]
Aggregate = Literal["sum", "mean", "max", "stack"]
OnEmpty = Literal["zero", "skip", "raise"]


class HeteroConv(nn.Module):
    r"""Run a layer on every relation and aggregate the results at each node type.

    .. math:: y^{(d)} = \operatorname{aggregate}_{r: (s, r, d)} f_r(A_r, x^{(s)}, x^{(d)})

    with :math:`f_r` = ``layers[r]``, :math:`A_r` = ``adjacencies[s, r, d]`` and :math:`x^{(t)}` = ``features[t]``.

    Parameters
    ----------
    layers : mapping of str or (str, str, str) to Module
        The layer of each relation, under its name or its canonical triple ``(source type, relation, destination type)``;
        the triple goes before the name. One name serves all relations that have it, with shared weights. A layer is
        called as ``layer(adjacency, (x_src, x_dst))``, as `GraphConv` and `SAGEConv` can be.
    aggregate : {"sum", "mean", "max", "stack"}, default "sum"
        Over the relations that end in a type, entry by entry. ``"stack"`` keeps them apart, shape (num_dst,
        num_relations, ...), in the sorted order of their triples.
    empty : {"zero", "skip", "raise"}, default "zero"
        Treatment of a relation without an edge, and of a layer whose relation is missing from ``adjacencies``:

        - ``"zero"``: its layer is evaluated with no message, so that its bias and its part for the node itself count,
          and the mean divides by it too. The default, because the result of a node then does not depend on which other
          edges are in the batch. A layer under a name cannot be evaluated if no relation has the name, because its node
          types are unknown: this raises, and a triple as the key avoids it.
        - ``"skip"``: it is left out of the aggregate, also of the divisor. A type at which nothing arrives is absent
          from the result. Not with ``"stack"``, whose columns would move.
        - ``"raise"``: an error that names it.

    Attributes
    ----------
    layers : ModuleDict
        The layers under ``"source type:relation:destination type"``, or ``"*:relation:*"`` for one under a name. In the
        parts ``%``, ``.``, ``:`` and ``*`` are written ``%25``, ``%2E``, ``%3A`` and ``%2A``, so keys never clash and
        ``state_dict`` depends on names alone.

    Raises
    ------
    ValueError, TypeError
        When ``layers`` is empty, a key or a layer is of another type, ``aggregate`` or ``empty`` is unknown, or
        ``"stack"`` is to skip.

    Notes
    -----
    Relations are evaluated and aggregated in the sorted order of their triples: the order of the mappings does not
    change a bit of the result. The gradient of ``"max"`` is shared equally by relations that tie. With ``"zero"`` the
    result is that of `dgl.nn.HeteroGraphConv` (DGL 1.1.3), except that DGL leaves out a layer whose relation is missing
    and a relation whose sources have no features. Memory: the results of all relations that end in one type at once.

    References
    ----------
    Schlichtkrull et al., Modeling Relational Data with Graph Convolutional Networks, ESWC 2018, eq. 2: the sum over
    relations.

    Examples
    --------
    >>> from graphvid.nn import GraphConv
    >>> watch = Adjacency.from_coo(torch.tensor([0, 1]), torch.tensor([0, 0]), num_src=2, num_dst=1)
    >>> likes = Adjacency.from_coo(torch.tensor([0]), torch.tensor([0]), num_src=2, num_dst=1)
    >>> conv = HeteroConv({"watch": GraphConv(1, 1), ("user", "likes", "video"): GraphConv(1, 1)})
    >>> for parameter in conv.parameters():
    ...     _ = nn.init.ones_(parameter)
    >>> relations = {("user", "watch", "video"): watch, ("user", "likes", "video"): likes}
    >>> result = conv(relations, {"user": torch.tensor([[10.0], [20.0]]), "video": torch.zeros(1, 1)})
    >>> {ntype: y.tolist() for ntype, y in result.items()}
    {'video': [[42.0]]}
    """

    def __init__(
        self, layers: Mapping[str | Relation, nn.Module], *, aggregate: Aggregate = "sum", empty: OnEmpty = "zero"
    ) -> None:
        super().__init__()
        check_mapping("layers", layers)
        if not layers:
            raise ValueError("layers must name at least one relation, got none")
        for relation, layer in layers.items():
            if not isinstance(layer, nn.Module):
                raise TypeError(f"layers[{relation!r}] must be a Module, got {type(layer).__name__}")
        check_choice("aggregate", aggregate, get_args(Aggregate))
        check_choice("empty", empty, get_args(OnEmpty))
        if aggregate == "stack" and empty == "skip":
            raise ValueError('empty must be "zero" or "raise" with aggregate="stack", got \'skip\'')
        self.aggregate, self.empty = aggregate, empty
        self._keys = {relation: _module_key(relation) for relation in layers}
        self.layers = nn.ModuleDict({self._keys[relation]: layer for relation, layer in layers.items()})

    def forward(self, adjacencies: Mapping[Relation, Adjacency], features: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Compute the layer.

        Parameters
        ----------
        adjacencies : mapping of (str, str, str) to Adjacency
            The relations of the graph, or of a block, by canonical triple.
        features : mapping of str to Tensor
            Features of both types of every relation that is evaluated. ``features[t]`` has one row per source where
            ``t`` is a source, shape (num_src, width); as a destination ``t`` has the first num_dst of these rows, as in
            a block. A type without features that only `GraphConv` layers end in may have zero columns.

        Returns
        -------
        dict of str to Tensor
            For every type in which an evaluated relation ends, shape (num_dst, ...), in sorted order. Other types are
            absent, whatever features they have.

        Raises
        ------
        KeyError
            A relation has no layer, or a type no features.
        ValueError, TypeError
            A key is not a triple, numbers of nodes disagree, the layers of one destination type return different
            shapes, or ``empty`` forbids what came.
        """
        for name, value in (("adjacencies", adjacencies), ("features", features)):
            check_mapping(name, value)
        layer_of = {relation: self._layer(relation, adjacencies) for relation in adjacencies}
        num_dst = _num_dst(adjacencies)
        relations = dict(adjacencies)
        missing = [key for key in self._keys if key not in layer_of.values()]
        if self.empty == "raise":
            self._refuse(missing, relations)
        elif self.empty == "skip":
            relations = {relation: adjacency for relation, adjacency in relations.items() if adjacency.num_edges}
        else:
            for key in missing:
                relation = self._triple(key, num_dst)
                layer_of[relation] = relation
                relations[relation] = _without_edges(relation, num_dst[relation[2]], features)
        outputs: dict[str, dict[Relation, Tensor]] = {}
        for relation in sorted(relations):
            adjacency = relations[relation]
            x = _pair(relation, adjacency, features)
            layer = self.layers[self._keys[layer_of[relation]]]
            outputs.setdefault(relation[2], {})[relation] = layer(adjacency, x)
        return {ntype: self._combine(ntype, outputs[ntype]) for ntype in sorted(outputs)}

    def _layer(self, relation: Relation, adjacencies: Mapping[Relation, Adjacency]) -> str | Relation:
        """Return the key of ``layers`` that serves a relation."""
        if not _is_triple(relation):
            raise TypeError(f"adjacencies must have keys (source type, relation, destination type), got {relation!r}")
        for key in (relation, relation[1]):
            if key in self._keys:
                return key
        raise KeyError(f"no layer for relation {relation}; layers are for {list(self._keys)}")

    def _refuse(self, missing: list[str | Relation], relations: Mapping[Relation, Adjacency]) -> None:
        empty = sorted(relation for relation, adjacency in relations.items() if not adjacency.num_edges)
        if empty or missing:
            raise ValueError(f"every relation must have an edge, got none in {empty} and no adjacency for {missing}")

    def _triple(self, key: str | Relation, num_dst: Mapping[str, int]) -> Relation:
        """Return the triple of a missing relation; raise if it or its number of destinations is unknown."""
        if isinstance(key, str):
            raise ValueError(
                f"adjacencies must have relation {key!r}, or its layer the key (source type, {key!r}, destination type) "
                f'for empty="zero", got neither'
            )
        if key[2] not in num_dst:
            raise ValueError(
                f"adjacencies must have a relation that ends in {key[2]!r}, with or without edges, to tell the number of "
                f'destinations of the missing {key} for empty="zero", got none'
            )
        return key

    def _combine(self, ntype: str, outputs: Mapping[Relation, Tensor]) -> Tensor:
        shapes = {relation: tuple(y.shape) for relation, y in outputs.items()}
        if len(set(shapes.values())) > 1:
            raise ValueError(f"layers of relations that end in {ntype!r} must return one shape, got {shapes}")
        stacked = torch.stack(list(outputs.values()), dim=1)  # (num_dst, num_relations, ...)
        if self.aggregate == "stack":
            return stacked
        if self.aggregate == "max":
            return stacked.amax(dim=1)
        return stacked.mean(dim=1) if self.aggregate == "mean" else stacked.sum(dim=1)

    def extra_repr(self) -> str:
        """Return the settings for ``repr``."""
        return f"aggregate={self.aggregate!r}, empty={self.empty!r}"


def _is_triple(relation: object) -> bool:
    return isinstance(relation, tuple) and len(relation) == 3 and all(isinstance(part, str) for part in relation)


def _module_key(relation: str | Relation) -> str:
    """Return the key of a relation in a ModuleDict, which takes no dot and no name of its own methods."""
    if isinstance(relation, str):
        return f"*:{_escape(relation)}:*"
    if not _is_triple(relation):
        raise TypeError(f"layers must have keys that are str or (str, str, str), got {relation!r}")
    return ":".join(_escape(part) for part in relation)


def _escape(part: str) -> str:
    for sign in "%.:*":
        part = part.replace(sign, f"%{ord(sign):02X}")
    return part


def _num_dst(adjacencies: Mapping[Relation, Adjacency]) -> dict[str, int]:
    """Return the number of destinations of every type in which a relation ends."""
    found: dict[str, int] = {}
    for relation, adjacency in adjacencies.items():
        expected = found.setdefault(relation[2], adjacency.num_dst)
        if adjacency.num_dst != expected:
            raise ValueError(
                f"relations that end in {relation[2]!r} must have one num_dst, got {expected} and, for {relation}, "
                f"{adjacency.num_dst}"
            )
    return found


def _without_edges(relation: Relation, num_dst: int, features: Mapping[str, Tensor]) -> Adjacency:
    x = _features(relation, relation[0], features)
    none = torch.empty(0, dtype=torch.int64, device=x.device)
    return Adjacency.from_coo(none, none, num_src=len(x), num_dst=num_dst)


def _pair(relation: Relation, adjacency: Adjacency, features: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Return the features of the sources and of the destinations of a relation."""
    x_src, x_dst = (_features(relation, relation[end], features) for end in (0, 2))
    if len(x_src) != adjacency.num_src:
        raise ValueError(
            f"features[{relation[0]!r}] must have the num_src={adjacency.num_src} rows of {relation}, got {len(x_src)}"
        )
    if len(x_dst) < adjacency.num_dst:
        raise ValueError(
            f"features[{relation[2]!r}] must have at least the num_dst={adjacency.num_dst} rows of {relation}, "
            f"got {len(x_dst)}"
        )
    return x_src, x_dst[: adjacency.num_dst]


def _features(relation: Relation, ntype: str, features: Mapping[str, Tensor]) -> Tensor:
    if ntype not in features:
        raise KeyError(f"no features for {ntype!r}, which relation {relation} needs; features are for {list(features)}")
    check_tensor(f"features[{ntype!r}]", features[ntype])
    return features[ntype]
