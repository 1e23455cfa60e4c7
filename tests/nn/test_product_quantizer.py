"""ProductQuantizer against loops over parts and codewords; its graph form against its dense form; repair of codewords."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from graphvid._random import seeded
from graphvid.nn import ProductQuantizer, kmeans_codebooks
from graphvid.nn.product_quantizer import largest


@pytest.fixture(autouse=True)
def _fixed_draws():
    with seeded(0):
        yield


def by_loops(quantizer: ProductQuantizer, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, list[list[int]]]:
    """Weights, soft reconstructions and codes of every item and codebook, one at a time."""
    books, size = quantizer.codebooks, quantizer.dim // quantizer.num_codebooks
    weights, vectors, codes = [], [], []
    for row in x:
        for m, book in enumerate(books):
            part = row[m * size : (m + 1) * size]
            if quantizer.unit:
                scores = [float(part @ c / max(float(part.norm()), 1e-12)) for c in book.detach()]
            else:
                scores = [-float((part - c).square().sum()) / 2 for c in book.detach()]
            kept = sorted(range(len(scores)), key=lambda k: (-scores[k], k))[: quantizer.top_n or len(scores)]
            raw = [
                math.exp(quantizer.sharpness * (scores[k] - max(scores))) if k in kept else 0
                for k in range(len(scores))
            ]
            weights.append([r / sum(raw) for r in raw])
            vectors.append(sum(w * c for w, c in zip(weights[-1], book.detach(), strict=True)))
            codes.append(kept[0])
    shape = len(x), len(books)
    return (
        torch.tensor(weights).view(*shape, -1),
        torch.stack(vectors).view(len(x), -1),
        torch.tensor(codes).view(shape).tolist(),
    )


@pytest.mark.parametrize("unit", [True, False])
@pytest.mark.parametrize("top_n", [None, 1, 3, 5])
def test_weights_reconstructions_and_codes_are_those_of_loops(unit, top_n):
    quantizer, x = ProductQuantizer(6, 3, 5, sharpness=4.0, top_n=top_n, unit=unit), torch.randn(7, 6)
    found, (weights, vectors, codes) = quantizer(x), by_loops(quantizer, x)
    torch.testing.assert_close(found.log_weights.exp(), weights)
    torch.testing.assert_close(found.vectors.detach(), vectors)
    assert found.codes.tolist() == codes == quantizer.encode(x).tolist()
    torch.testing.assert_close(found.log_weights.exp().sum(-1), torch.ones(7, 3))


@pytest.mark.parametrize("unit", [True, False])
@pytest.mark.parametrize("top_n", [None, 1, 4, 16])
def test_the_graph_form_has_the_values_and_gradients_of_the_dense_form(unit, top_n):
    quantizer = ProductQuantizer(12, 3, 16, top_n=top_n, unit=unit)
    x = torch.randn(20, 12, requires_grad=True)
    graph, dense = quantizer.assignment_graph(x), quantizer(x)
    mixed, pull = quantizer.mix(graph), torch.randn(20, 12)
    torch.testing.assert_close(mixed, dense.vectors, atol=1e-5, rtol=0)
    ends = [x, quantizer.codebooks]
    for a, b in zip(
        torch.autograd.grad(mixed, ends, pull), torch.autograd.grad(dense.vectors, ends, pull), strict=True
    ):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=0)
    assert graph.num_edges == 20 * 3 * (top_n or 16)
    kept = (dense.log_weights > -torch.inf).sum(dim=0).flatten()
    assert graph.degrees("src").tolist() == kept.tolist()


@pytest.mark.parametrize("unit", [True, False])
def test_gradients_in_float64(unit):
    with seeded(3):
        quantizer, x = ProductQuantizer(4, 2, 3, sharpness=2.0, top_n=2, unit=unit).double(), torch.randn(3, 4).double()
    torch.autograd.gradcheck(
        lambda v, c: torch.func.functional_call(quantizer, {"codebooks": c}, v).vectors,
        (x.requires_grad_(), quantizer.codebooks.detach().requires_grad_()),
    )


def test_masked_codewords_get_no_gradient_and_kept_ones_do():
    quantizer, x = ProductQuantizer(4, 2, 8, top_n=3), torch.randn(1, 4)
    found = quantizer(x)
    (gradient,) = torch.autograd.grad(found.vectors.square().sum(), quantizer.codebooks)
    kept = found.log_weights[0] > -torch.inf
    assert kept.sum(-1).tolist() == [3, 3]
    assert (gradient[~kept] == 0).all()
    assert (gradient[kept].abs().sum(-1) > 0).all()


def test_top_1_is_the_hard_code_and_top_k_is_the_softmax():
    x = torch.randn(9, 6)
    one, all_of_them, none = (ProductQuantizer(6, 2, 4, top_n=n) for n in (1, 4, None))
    for other in (all_of_them, none):
        other.set_codebooks(one.codebooks.detach())
    assert torch.equal(one(x).vectors, one.decode(one.encode(x)))
    assert torch.equal(all_of_them(x).vectors, none(x).vectors)


def test_straight_through_has_the_hard_value_and_the_soft_gradient():
    soft, hard = ProductQuantizer(6, 2, 4), ProductQuantizer(6, 2, 4, estimator="straight_through")
    hard.set_codebooks(soft.codebooks.detach())
    x = torch.randn(5, 6, requires_grad=True)
    torch.testing.assert_close(hard(x).vectors, hard.decode(hard.encode(x.detach())))
    pull = torch.randn(5, 6)
    (a,), (b,) = (torch.autograd.grad(q(x).vectors, x, pull) for q in (soft, hard))
    torch.testing.assert_close(a, b)


def test_ties_at_the_border_go_to_the_lower_codeword():
    scores = torch.tensor([[1.0, 2.0, 1.0, 1.0], [5.0, 5.0, 5.0, 5.0]])
    assert largest(scores, 2).tolist() == [[True, True, False, False], [True, True, False, False]]
    quantizer = ProductQuantizer(2, 1, 4, top_n=2)
    quantizer.set_codebooks(torch.tensor([[[1.0, 0], [1, 0], [0, 1], [1, 0]]]))
    graph = quantizer.assignment_graph(torch.tensor([[1.0, 0.0]]))
    assert graph.ends("src").tolist() == [0, 1]
    assert quantizer.encode(torch.tensor([[1.0, 0.0]])).tolist() == [[0]]


def test_a_zero_part_stays_zero_and_attends_to_all_alike():
    quantizer = ProductQuantizer(4, 2, 4)
    found = quantizer(torch.tensor([[0.0, 0.0, 1.0, 2.0]], requires_grad=True))
    torch.testing.assert_close(found.log_weights[0, 0].exp(), torch.full((4,), 0.25))
    assert found.codes[0, 0] == 0
    assert torch.isfinite(torch.autograd.grad(found.vectors.sum(), quantizer.codebooks)[0]).all()


def test_a_huge_sharpness_is_one_hot_and_finite():
    quantizer = ProductQuantizer(4, 2, 8, sharpness=1e4)
    x = torch.randn(6, 4, requires_grad=True)
    found = quantizer(x)
    torch.testing.assert_close(found.vectors, quantizer.decode(found.codes))
    assert torch.isfinite(torch.autograd.grad(found.vectors.sum(), x)[0]).all()


def test_codewords_have_unit_length_and_rescale_keeps_it():
    quantizer = ProductQuantizer(6, 2, 4)
    lengths = quantizer.codebooks.norm(dim=-1)
    torch.testing.assert_close(lengths, torch.ones(2, 4))
    with torch.no_grad():
        quantizer.codebooks.mul_(3)
    torch.testing.assert_close(quantizer.rescale().codebooks.norm(dim=-1), torch.ones(2, 4))
    free = ProductQuantizer(6, 2, 4, unit=False)
    with torch.no_grad():
        free.codebooks.mul_(3)
    before = free.codebooks.clone()
    assert torch.equal(free.rescale().codebooks, before)


def test_frozen_codebooks_get_no_gradient():
    quantizer = ProductQuantizer(4, 2, 4, train_codebooks=False)
    assert not quantizer.codebooks.requires_grad
    x = torch.randn(3, 4, requires_grad=True)
    assert torch.autograd.grad(quantizer(x).vectors.sum(), x)[0].abs().sum() > 0


@pytest.mark.parametrize("unit", [True, False])
def test_codes_are_those_of_faiss(unit):
    faiss = pytest.importorskip("faiss")
    quantizer = ProductQuantizer(8, 2, 16, unit=unit).start_from(torch.randn(200, 8))
    index = faiss.IndexPQ(8, 2, 4)
    faiss.copy_array_to_vector(quantizer.codebooks.detach().numpy().ravel(), index.pq.centroids)
    index.is_trained = True
    x = torch.randn(50, 8)
    packed = index.pq.compute_codes(x.numpy())  # two codes a byte, the even codebook in the low half
    assert quantizer.encode(x).tolist() == np.stack([packed[:, 0] & 15, packed[:, 0] >> 4], axis=1).tolist()


def test_encoding_in_chunks_changes_nothing(monkeypatch):
    quantizer, x = ProductQuantizer(6, 2, 4, top_n=2), torch.randn(11, 6)
    codes, graph, use = quantizer.encode(x), quantizer.assignment_graph(x), quantizer.usage(x)
    monkeypatch.setattr("graphvid.nn.product_quantizer._CHUNK", 24)
    assert torch.equal(quantizer.encode(x), codes)
    assert torch.equal(quantizer.assignment_graph(x).ends("src"), graph.ends("src"))
    assert torch.equal(quantizer.usage(x), use)
    assert quantizer.encode(x[:0]).shape == (0, 2)


def test_start_from_data_lowers_the_error_and_needs_enough_items():
    x = torch.randn(300, 6)
    quantizer = ProductQuantizer(6, 2, 16)
    before = (quantizer.split(x).flatten(1) - quantizer.decode(quantizer.encode(x))).square().mean()
    quantizer.start_from(x, seed=1)
    after = (quantizer.split(x).flatten(1) - quantizer.decode(quantizer.encode(x))).square().mean()
    assert after < 0.7 * before
    with pytest.raises(ValueError, match="num_codewords must be at most the number of items, got 16 for 15 items"):
        quantizer.start_from(x[:15])


@pytest.mark.parametrize("spherical", [True, False])
def test_kmeans_is_about_as_good_as_that_of_faiss(spherical):
    pytest.importorskip("faiss")
    parts = torch.randn(500, 2, 3)
    parts = parts / parts.norm(dim=-1, keepdim=True) if spherical else parts
    errors = []
    for method in ("lloyd", "faiss"):
        books = kmeans_codebooks(parts, 8, spherical=spherical, method=method)
        assert books.shape == (2, 8, 3)
        distance = torch.cdist(parts.transpose(0, 1), books).min(dim=-1).values
        errors.append(float(distance.square().mean()))
    assert errors[0] < 1.1 * errors[1]


def test_kmeans_of_equal_points_has_no_empty_or_infinite_centre():
    books = kmeans_codebooks(torch.ones(10, 1, 2), 3, spherical=False)
    assert torch.equal(books, torch.ones(1, 3, 2))
    with pytest.raises(ValueError, match="parts must be finite"):
        kmeans_codebooks(torch.full((4, 1, 2), torch.nan), 2)


def test_repair_moves_dead_codewords_alone_to_distinct_items_of_crowded_cells():
    quantizer = ProductQuantizer(4, 2, 4)
    quantizer.set_codebooks(torch.tensor([[1.0, 0], [0, 1], [-1, 0], [0, -1]]).expand(2, 4, 2))
    angles = torch.cat([0.1 * torch.rand(7), math.pi / 2 + 0.1 * torch.rand(2)])  # 7 items in cell 0, 2 in cell 1
    part = torch.stack([angles.cos(), angles.sin()], dim=1)
    x = torch.cat([part, 5 * part], dim=1)
    use, before = quantizer.usage(x), quantizer.codebooks.detach().clone()
    assert use.tolist() == [[7, 2, 0, 0]] * 2
    assert quantizer.reseed(x, use, seed=3) == 4
    after = quantizer.codebooks.detach()
    assert torch.equal(after[:, :2], before[:, :2])
    for m in range(2):
        rows = [int((part - c).abs().sum(1).argmin()) for c in after[m, 2:]]
        assert len(set(rows)) == 2
        assert max(rows) < 7
        torch.testing.assert_close(after[m, 2:], part[rows])
    assert (quantizer.usage(x) == 0).sum() < (use == 0).sum()


def test_repair_goes_on_to_the_next_cell_and_leaves_what_it_cannot_move():
    quantizer = ProductQuantizer(2, 1, 8)
    angles = torch.linspace(0, 1, 3)
    x = torch.stack([angles.cos(), angles.sin()], dim=1)
    before = quantizer.codebooks.detach().clone()
    assert quantizer.reseed(x, torch.zeros(1, 8, dtype=torch.int64)) == 3
    moved = (quantizer.codebooks != before).any(-1)[0]
    assert moved.tolist() == [True] * 3 + [False] * 5


def test_without_top_n_the_codes_are_counted():
    quantizer, x = ProductQuantizer(4, 2, 4), torch.randn(30, 4)
    counts = [torch.bincount(column, minlength=4).tolist() for column in quantizer.encode(x).T]
    assert quantizer.usage(x).tolist() == counts


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dim": 7}, "dim must be a multiple of num_codebooks, got 7 for 2 codebooks"),
        ({"num_codebooks": 0}, "num_codebooks must be an integer >= 1, got 0"),
        ({"num_codewords": 1}, "num_codewords must be at least 2, got 1"),
        ({"sharpness": 0.0}, "sharpness must be a finite float > 0, got 0.0"),
        ({"top_n": 5}, "top_n must be None or at most num_codewords=4, got 5"),
        ({"top_n": 0}, "top_n must be an integer >= 1, got 0"),
        ({"estimator": "hard"}, "estimator must be one of"),
    ],
)
def test_bad_settings(arguments, message):
    with pytest.raises(ValueError, match=message):
        ProductQuantizer(**({"dim": 6, "num_codebooks": 2, "num_codewords": 4} | arguments))


def test_bad_input():
    quantizer = ProductQuantizer(4, 2, 4)
    with pytest.raises(ValueError, match=r"x must have shape \(num_items, 4\), got \(2, 3\)"):
        quantizer(torch.randn(2, 3))
    with pytest.raises(ValueError, match="x must be finite"):
        quantizer.encode(torch.tensor([[1.0, torch.nan, 0, 0]]))
    with pytest.raises(ValueError, match="no zero codeword"):
        quantizer.set_codebooks(torch.zeros(2, 4, 2))
    with pytest.raises(ValueError, match=r"codebooks must have shape \(2, 4, 2\)"):
        quantizer.set_codebooks(torch.ones(2, 4, 3))
    with pytest.raises(ValueError, match=r"use must have shape \(2, 4\)"):
        quantizer.reseed(torch.randn(3, 4), torch.zeros(2, 3))


def test_the_same_results_with_one_or_four_threads():
    quantizer, x = ProductQuantizer(32, 4, 64, top_n=8), torch.randn(3000, 32)
    threads = torch.get_num_threads()
    found = []
    try:
        for count in (1, 4):
            torch.set_num_threads(count)
            found.append((quantizer.encode(x), quantizer.usage(x)))
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))
