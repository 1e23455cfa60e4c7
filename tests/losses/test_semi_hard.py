from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from graphvid.losses import SemiHardMiner, TripletLoss
from graphvid.losses._mining import Batch, mine_fused, mine_tensors
from graphvid.ops import NeighborTable

ALL_ROWS = 10  # more than any video of the hand-made batches


def make_batch(rows: int, num_nodes: int, seed: int, dim: int = 6, dtype: torch.dtype = torch.float64):
    """Unit vectors by video, ids with repetitions, and a table of neighbours."""
    rng = np.random.default_rng(seed)
    vectors = F.normalize(torch.from_numpy(rng.standard_normal((num_nodes, dim))), dim=1).to(dtype)
    ids = [torch.from_numpy(rng.integers(0, num_nodes, size=rows)) for _ in range(3)]
    src, dst = torch.from_numpy(rng.integers(0, num_nodes, size=(2, 2 * num_nodes)))
    table = NeighborTable.from_edges(src, dst, num_nodes=num_nodes)
    return [vectors[x] for x in ids], ids, table


def brute_force(embeddings, ids, table, margin, candidates):
    """Smallest distance in the semi-hard set and largest eligible distance of each row, in float64; None if empty."""
    anchor, positive, negative = (x.double().numpy() for x in embeddings)
    bank = negative if candidates == "negatives" else np.concatenate([negative, anchor, positive])
    bank_ids = torch.cat(ids[2:] if candidates == "negatives" else [ids[2], ids[0], ids[1]]).tolist()
    results = []
    for i, (a, p) in enumerate(zip(ids[0].tolist(), ids[1].tolist(), strict=True)):
        barred = {a, p}
        if table is not None:
            barred |= set(table.indices[table.indptr[a] : table.indptr[a + 1]].tolist())
        near = ((anchor[i] - positive[i]) ** 2).sum()
        far = {j: ((anchor[i] - x) ** 2).sum() for j, x in enumerate(bank) if bank_ids[j] not in barred}
        semi_hard = [d for d in far.values() if 0 < d - near <= margin]
        results.append((min(semi_hard, default=None), max(far.values(), default=None), far, near))
    return results


def on_axis(*cosines: float, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Unit vectors whose product with (1, 0) is exactly the given cosine."""
    return torch.tensor([[c, math.sqrt(1 - c * c)] for c in cosines], dtype=dtype)


@pytest.fixture(params=[torch.float32, torch.float64], ids=["fused", "tensors"])
def dtype(request):
    """float32 on the CPU takes the fused kernel, float64 the tensor operations."""
    return request.param


def mine_row(cosines, dtype, *, positive=0.75, margin=0.5, ids=None, fallback="own", neighbors=None):
    """Mine the first row of a batch whose candidates have the given cosines to its anchor."""
    rows = len(cosines)
    anchor, pos = on_axis(*[1.0] * rows, dtype=dtype), on_axis(*[positive] * rows, dtype=dtype)
    negative_ids = torch.tensor(ids if ids is not None else range(2, rows + 2))
    own = torch.zeros(rows, dtype=torch.int64)
    miner = SemiHardMiner(margin, fallback=fallback)
    return miner(anchor, pos, on_axis(*cosines, dtype=dtype), own, own + 1, negative_ids, neighbors)


@pytest.mark.parametrize(
    ("cosines", "expected"),
    [
        ([0.75, 0.5], 1),  # as far as the positive: not semi-hard; farther by the margin itself: semi-hard
        ([0.875, 0.5], 1),  # nearer than the positive
        ([0.25, 0.625, 0.5], 1),  # the nearest of the set
        ([0.25, 0.5, 0.625, 0.625], 2),  # ties to the first
        ([0.75, 0.4375], None),  # one too near, one too far
        ([0.75 - 2**-20, 0.625], 0),  # just beyond the positive
        ([0.5 - 2**-20, 0.25], None),  # just beyond the margin
    ],
)
def test_boundaries(cosines, expected, dtype):
    mined = mine_row(cosines, dtype)
    assert mined.semi_hard[0].item() is (expected is not None)
    assert mined.chosen[0].item() == (0 if expected is None else expected)


def test_anchor_equal_to_positive(dtype):
    """At distance zero nothing at distance zero is farther, whatever the rounding says."""
    mined = mine_row([1.0, 0.875], dtype, positive=1.0)
    assert mined.chosen[0] == 1


def test_zero_margin_mines_nothing(dtype):
    assert not mine_row([0.75, 0.625], dtype, margin=0.0).semi_hard.any()


def test_every_occurrence_of_an_excluded_video_is_masked(dtype):
    neighbors = NeighborTable.from_edges(torch.tensor([0]), torch.tensor([5]), num_nodes=ALL_ROWS)
    cosines, ids = [0.7, 0.7, 0.69, 0.69, 0.68, 0.67, 0.6], [5, 5, 0, 1, 5, 1, 7]
    assert mine_row(cosines, dtype, ids=ids, neighbors=neighbors).chosen[0] == 6
    assert mine_row(cosines, dtype, ids=ids).chosen[0] == 0  # without the table video 5 is a candidate


def test_fallbacks(dtype):
    cosines = [0.875, -0.5, -0.75, -0.75]
    own = mine_row(cosines, dtype, fallback="own")
    assert (own.chosen.tolist(), own.kept.all().item()) == ([0, 1, 2, 3], True)
    farthest = mine_row(cosines, dtype, fallback="farthest_easy")
    assert (farthest.chosen.tolist(), farthest.kept.all().item()) == ([2, 2, 2, 2], True)
    drop = mine_row(cosines, dtype, fallback="drop")
    assert not drop.kept.any()
    assert all(not len(rows) for rows in drop.triplets)
    assert not any(mined.semi_hard.any() for mined in (own, farthest, drop))


def test_farthest_easy_drops_a_row_without_candidates(dtype):
    mined = mine_row([0.6, 0.2], dtype, ids=[1, 0], fallback="farthest_easy")
    assert not mined.kept.any()
    assert mined.chosen.tolist() == [0, 1]
    assert mined.statistics()["dropped_share"] == 1


@pytest.mark.parametrize("candidates", ["negatives", "all"])
@pytest.mark.parametrize("fallback", ["own", "farthest_easy", "drop"])
@pytest.mark.parametrize("with_table", [True, False])
def test_equals_brute_force(candidates, fallback, with_table, dtype):
    tolerance = 1e-5 if dtype == torch.float32 else 1e-12  # rounding of 2 - 2 * cosine
    for seed, margin in enumerate((0.05, 0.5, 0.5, 4.0)):
        embeddings, ids, table = make_batch(40, 25, seed, dtype=dtype)
        table = table if with_table else None
        mined = SemiHardMiner(margin, candidates, fallback, block_size=7)(*embeddings, *ids, table)
        oracle = brute_force(embeddings, ids, table, margin, candidates)
        for i, (best, farthest, far, near) in enumerate(oracle):
            j = mined.chosen[i].item()
            bounds = [abs(d - near - edge) for d in far.values() for edge in (0, margin)]
            if min(bounds, default=1) > tolerance:  # else rounding may decide whether a candidate is in the set
                assert mined.semi_hard[i].item() is (best is not None)
            if mined.semi_hard[i]:
                assert j in far
                assert best is None or abs(far[j] - best) <= tolerance or min(bounds) <= tolerance
            elif fallback == "farthest_easy" and farthest is not None:
                assert abs(far[j] - farthest) <= tolerance
            else:
                assert j == i
                assert mined.kept[i].item() is (fallback == "own")


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 30),
    num_nodes=st.integers(1, 40),
    seed=st.integers(0, 10_000),
    margin=st.sampled_from([0.0, 0.1, 0.5, 4.0]),
    block_size=st.integers(1, 40),
    farthest=st.booleans(),
)
def test_fused_kernel_equals_tensor_operations(rows, num_nodes, seed, margin, block_size, farthest):
    embeddings, ids, table = make_batch(rows, num_nodes, seed, dtype=torch.float32)
    parts = Batch(*embeddings, *ids, table)
    fused = mine_fused(parts, margin, block_size, farthest)
    plain = mine_tensors(parts, margin, block_size, farthest)
    assert torch.equal(fused[0], plain[0])
    on_fallback = fused[0] < 0  # the kernel looks for the farthest only where it is needed
    if farthest:
        assert torch.equal(fused[1][on_fallback], plain[1][on_fallback])


@pytest.mark.parametrize("num_columns", [511, 512, 513, 1500])
def test_fused_kernel_over_several_chunks(num_columns):
    embeddings, ids, table = make_batch(num_columns, 4000, seed=num_columns, dtype=torch.float32)
    parts = Batch(*embeddings, *ids, table)
    assert torch.equal(mine_fused(parts, 0.5, 100, False)[0], mine_tensors(parts, 0.5, 100, False)[0])


def test_threads_and_block_size_change_nothing(dtype):
    embeddings, ids, table = make_batch(300, 200, seed=5, dtype=dtype)
    threads = torch.get_num_threads()
    try:
        mined = []
        for num_threads, block_size in ((1, 512), (1, 13), (2, 64), (3, 300)):
            torch.set_num_threads(num_threads)
            mined.append(SemiHardMiner(block_size=block_size, fallback="farthest_easy")(*embeddings, *ids, table))
    finally:
        torch.set_num_threads(threads)
    for one, other in pairwise(mined):
        assert all(torch.equal(x, y) for x, y in zip(one, other, strict=True))


def test_order_of_the_rows_does_not_matter(dtype):
    embeddings, ids, table = make_batch(80, 500, seed=6, dtype=dtype)
    order = torch.randperm(80, generator=torch.Generator().manual_seed(0))
    miner = SemiHardMiner()
    plain = miner(*embeddings, *ids, table)
    moved = miner(*(x[order] for x in embeddings), *(x[order] for x in ids), table)
    rows = plain.semi_hard[order] & moved.semi_hard
    torch.testing.assert_close(embeddings[2][plain.chosen][order][rows], embeddings[2][order][moved.chosen][rows])


def test_half_precision_is_mined_in_float32():
    embeddings, ids, table = make_batch(50, 40, seed=7, dtype=torch.bfloat16)
    mined = SemiHardMiner()(*embeddings, *ids, table)
    again = SemiHardMiner()(*(x.float() for x in embeddings), *ids, table)
    assert torch.equal(mined.chosen, again.chosen)


def test_int32_ids():
    embeddings, ids, table = make_batch(50, 40, seed=7, dtype=torch.float32)
    mined = SemiHardMiner()(*embeddings, *(x.int() for x in ids), table)
    assert torch.equal(mined.chosen, SemiHardMiner()(*embeddings, *ids, table).chosen)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("fallback", ["own", "farthest_easy", "drop"])
def test_cuda_mines_the_same(fallback):
    embeddings, ids, table = make_batch(500, 400, seed=9, dtype=torch.float64)
    miner = SemiHardMiner(fallback=fallback)
    ours = miner(*embeddings, *ids, table)
    theirs = miner(*(x.cuda() for x in (*embeddings, *ids)), table.to("cuda"))
    assert theirs.chosen.is_cuda
    assert all(torch.equal(x, y.cpu()) for x, y in zip(ours, theirs, strict=True))


def test_no_gradient_goes_through_mining_but_through_the_bank():
    embeddings, ids, table = make_batch(30, 40, seed=8)
    for x in embeddings:
        x.requires_grad_()
    miner = SemiHardMiner(candidates="all")
    mined = miner(*embeddings, *ids, table)
    assert not any(x.requires_grad for x in mined)
    TripletLoss()(*embeddings[:2], miner.bank(*embeddings), mined.triplets).backward()
    assert all(x.grad.any() for x in embeddings)


@pytest.mark.parametrize("fallback", ["own", "drop", "farthest_easy"])
def test_empty_batch(fallback, dtype):
    x, ids = torch.zeros(0, 3, dtype=dtype), torch.empty(0, dtype=torch.int64)
    mined = SemiHardMiner(fallback=fallback)(x, x, x, ids, ids, ids)
    assert mined.chosen.shape == mined.kept.shape == (0,)
    assert set(mined.statistics().values()) == {0.0}


def test_statistics_by_hand():
    anchor = on_axis(1.0, 1.0, 1.0, 1.0, dtype=torch.float64)
    positive = on_axis(0.75, 0.75, 0.75, 1.0, dtype=torch.float64)
    negative = on_axis(0.625, 0.5, 0.5, 0.5, dtype=torch.float64)
    ids = torch.tensor([0, 1, 2, 3]), torch.tensor([4, 4, 4, 4]), torch.tensor([7, 7, 8, 9])
    mined = SemiHardMiner(margin=0.5)(anchor, positive, negative, *ids)
    assert mined.chosen.tolist() == [0, 0, 0, 3]  # rows 0 to 2 take candidate 0, row 3 falls back
    assert mined.statistics() == {
        "retention_position": 0.5,  # rows 0 and 3
        "retention_video": 0.75,  # row 1 as well: its own negative is video 7, at another place
        "mined_retention_position": pytest.approx(1 / 3),
        "mined_retention_video": pytest.approx(2 / 3),
        "semi_hard_share": 0.75,
        "fallback_share": 0.25,
        "dropped_share": 0.0,
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"margin": -1.0}, "margin must be a finite float >= 0, got -1.0"),
        ({"candidates": "anchors"}, r"candidates must be one of \['negatives', 'all'\], got 'anchors'"),
        ({"fallback": "random"}, r"fallback must be one of \['own', 'farthest_easy', 'drop'\], got 'random'"),
        ({"block_size": 0}, "block_size must be an integer >= 1, got 0"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        SemiHardMiner(**options)


def _change(part: int, value: torch.Tensor):
    def change(embeddings, ids):
        (embeddings if part < 3 else ids)[part % 3] = value

    return change


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (_change(2, torch.zeros(3, 6)), ValueError, "2-D of one shape, got shapes"),
        (_change(0, torch.full((4, 6), torch.nan)), ValueError, "anchor must hold unit vectors, row 0 has length nan"),
        (_change(1, torch.ones(4, 6)), ValueError, "positive must hold unit vectors, row 0 has length 2.449"),
        (_change(3, torch.zeros(3, dtype=torch.int64)), ValueError, r"anchor_ids must have shape \(4,\), got \(3,\)"),
        (_change(5, torch.zeros(4)), TypeError, "negative_ids must be an integer tensor, got dtype torch.float32"),
        (_change(4, torch.tensor([0, 9, 0, 0])), ValueError, r"positive_ids must lie in \[0, 9\), got 0 to 9"),
    ],
)
def test_bad_batch(change, error, message):
    embeddings, ids, table = make_batch(4, 9, seed=0, dtype=torch.float32)
    change(embeddings, ids)
    with pytest.raises(error, match=message):
        SemiHardMiner()(*embeddings, *ids, table)


def test_repr_names_the_settings():
    expected = "SemiHardMiner(margin=0.5, candidates='negatives', fallback='own', block_size=512)"
    assert repr(SemiHardMiner()) == expected
