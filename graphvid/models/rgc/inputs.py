"""Rows of features as input of the encoder: tensors or sparse rows on the device of the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor, nn

from graphvid.data import Features, MappedTable, Table
from graphvid.data.feature_tables import mapping_of
from graphvid.data.sparse_features import canonical_csr
from graphvid.nn import FeatureRows
from graphvid.ops import Adjacency

Tables: TypeAlias = "Features | Mapping[str, NDArray[np.floating] | MappedTable | sparse.csr_array | Tensor]"


def tables_of(features: Tables) -> dict[str, Table]:
    """Return the tables of features by modality: float32 arrays, sparse rows, or tables on disk; copies none of these.

    Raises
    ------
    TypeError, ValueError
        A sparse matrix that `graphvid.data.Features` would refuse.
    """
    given = features.modalities if isinstance(features, Features) else features
    return {name: _table(table) for name, table in given.items()}


def rows_on(block: Any, device: torch.device) -> FeatureRows:  # Any: a Block
    """Return some rows of a table as input of the encoder: a Tensor, or an Adjacency from columns to rows."""
    if not sparse.issparse(block):
        return torch.from_numpy(block).to(device)
    indptr, indices, values = (torch.from_numpy(x).to(device) for x in (block.indptr, block.indices, block.data))
    return Adjacency.from_rows(indptr, indices, num_src=block.shape[1], weight=values, trusted=True)


class TrainingRows(nn.Module):
    """Features of the nodes of a graph, fetched by node.

    Arrays in memory are buffers, which move with the model to its device. Rows of sparse and memory-mapped tables are read
    on the host and moved. The tables themselves are not copied, for any choice of rows.

    Parameters
    ----------
    tables : mapping of str to Table, each of shape (num_videos, dim)
        By modality.
    rows : ndarray of int64, shape (num_nodes,)
        Row of every node.
    """

    rows: Tensor

    def __init__(self, tables: Mapping[str, Table], rows: NDArray[np.int64]) -> None:
        super().__init__()
        self.register_buffer("rows", torch.from_numpy(rows), persistent=False)
        self.on_host = {name: table for name, table in tables.items() if not isinstance(table, np.ndarray)}
        self.names = list(tables)
        for name, table in tables.items():
            if isinstance(table, np.ndarray):
                self.register_buffer(f"features_{name}", torch.from_numpy(table), persistent=False)

    @property
    def tables(self) -> dict[str, Table]:
        """The features by modality, in memory or on disk."""
        return {
            name: self.on_host[name] if name in self.on_host else self.get_buffer(f"features_{name}").cpu().numpy()
            for name in self.names
        }

    def forward(self, ids: Tensor) -> dict[str, FeatureRows]:
        """Return the rows of nodes by modality."""
        rows = self.rows[ids]
        on_host = {name: table[rows.cpu().numpy()] for name, table in self.on_host.items()}
        return {
            name: rows_on(on_host[name], rows.device) if name in on_host else self.get_buffer(f"features_{name}")[rows]
            for name in self.names
        }


def _table(table: Any) -> Table:
    if isinstance(table, MappedTable):
        return table
    if sparse.issparse(table):
        csr: Table = canonical_csr(table)
        return csr
    return MappedTable([table]) if mapping_of(table) else np.asarray(table, dtype=np.float32)
