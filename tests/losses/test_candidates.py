from __future__ import annotations

import numpy as np
import pytest
import torch

from graphvid.losses.candidates import CandidateLookup
from graphvid.ops import NeighborTable


@pytest.mark.parametrize("with_table", [True, False])
def test_lookup_finds_every_excluded_entry(with_table):
    rng = np.random.default_rng(1)
    src, dst = torch.from_numpy(rng.integers(0, 20, size=(2, 80)))
    table = NeighborTable.from_edges(src, dst, num_nodes=20) if with_table else None
    candidates, queries, partners = (torch.from_numpy(rng.integers(0, 20, size=n)) for n in (40, 15, 15))
    found = torch.zeros(15, 40, dtype=torch.bool)
    found[CandidateLookup(candidates, table).excluded(queries, partners)] = True
    for i, (q, p) in enumerate(zip(queries.tolist(), partners.tolist(), strict=True)):
        barred = {q, p} | (set(table.indices[table.indptr[q] : table.indptr[q + 1]].tolist()) if table else set())
        assert found[i].tolist() == [c in barred for c in candidates.tolist()]
