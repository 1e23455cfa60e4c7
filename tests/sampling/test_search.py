from __future__ import annotations

import bisect

import torch
from hypothesis import given
from hypothesis import strategies as st

from graphvid.sampling._search import first_slot


@given(st.data())
def test_the_first_slot_is_that_of_bisect(data):
    values = sorted(data.draw(st.lists(st.integers(0, 9), max_size=30)))
    slot = st.integers(0, len(values))
    rows = data.draw(st.lists(st.tuples(slot, slot, st.integers(-1, 10)), max_size=10))
    lo, hi = [min(row[:2]) for row in rows], [max(row[:2]) for row in rows]
    target = torch.tensor([row[2] for row in rows], dtype=torch.int64)
    found = first_slot(
        lambda at: torch.tensor([*values, 0])[at] > target, (torch.tensor(lo).long(), torch.tensor(hi).long())
    )
    assert found.tolist() == [bisect.bisect_right(values, row[2], a, b) for row, a, b in zip(rows, lo, hi, strict=True)]
