"""Entropy of assignments and diversity of codewords against their sums, with gradients that are not zero."""

from __future__ import annotations

import math

import pytest
import torch

from graphvid._random import seeded
from graphvid.losses import assignment_entropy, codeword_diversity
from graphvid.nn import ProductQuantizer


@pytest.fixture(autouse=True)
def _fixed_draws():
    with seeded(0):
        yield


def test_entropy_is_the_mean_over_items_and_codebooks():
    logits = torch.randn(4, 3, 5)
    expected = torch.distributions.Categorical(logits=logits).entropy().mean()
    torch.testing.assert_close(assignment_entropy(logits.log_softmax(-1)), expected)


def test_entropy_takes_exact_zeros():
    logits = torch.tensor([[[0.0, 0.0, -torch.inf, -torch.inf]], [[3.0, -torch.inf, -torch.inf, -torch.inf]]])
    logits.requires_grad_()
    found = assignment_entropy(logits.log_softmax(-1))
    assert float(found.detach()) == pytest.approx(math.log(2) / 2)
    found.backward()
    assert torch.equal(logits.grad[logits.isinf()], torch.zeros(5))
    assert torch.isfinite(logits.grad).all()
    assert float(assignment_entropy(torch.empty(0, 2, 3))) == 0


def test_entropy_gradient_in_float64_and_through_a_mask():
    x = torch.randn(2, 2, 3).double().requires_grad_()
    torch.autograd.gradcheck(lambda v: assignment_entropy(v.log_softmax(-1)), (x,))
    quantizer = ProductQuantizer(4, 2, 8, top_n=3)
    (gradient,) = torch.autograd.grad(assignment_entropy(quantizer(torch.randn(5, 4)).log_weights), quantizer.codebooks)
    assert torch.isfinite(gradient).all()
    assert gradient.abs().sum() > 0


def test_diversity_is_the_mean_of_all_inner_products():
    books = torch.randn(3, 5, 4)
    expected = torch.stack([(book @ book.T).mean() for book in books]).mean()
    torch.testing.assert_close(codeword_diversity(books), expected)


def test_log_gaussian_is_the_mean_of_its_sums():
    books = torch.randn(2, 5, 4)
    expected = []
    for book in books:
        total = sum(
            math.exp(-2 * float((book[k] - book[j]).square().sum())) for k in range(5) for j in range(5) if k != j
        )
        expected.append(math.log(total / 20))
    torch.testing.assert_close(codeword_diversity(books, kind="log_gaussian"), torch.tensor(expected).mean())


@pytest.mark.parametrize("kind", ["mean_inner", "log_gaussian"])
def test_the_gradient_of_trainable_codebooks_is_not_zero(kind):
    """The released code reads the codebooks outside the gradient."""
    quantizer = ProductQuantizer(8, 2, 16)
    (gradient,) = torch.autograd.grad(codeword_diversity(quantizer.codebooks, kind=kind), quantizer.codebooks)
    assert (gradient.abs().sum(-1) > 0).all()
    if kind == "mean_inner":
        expected = 2 / (2 * 16) * quantizer.codebooks.mean(1, keepdim=True).expand_as(gradient)
        torch.testing.assert_close(gradient, expected.detach())


@pytest.mark.parametrize("kind", ["mean_inner", "log_gaussian"])
def test_steps_along_it_spread_clumped_codewords(kind):
    books = (torch.tensor([1.0, 0, 0]) + 0.1 * torch.randn(1, 8, 3)).requires_grad_()
    before = codeword_diversity(books, kind=kind).item()
    for _ in range(50):
        (gradient,) = torch.autograd.grad(codeword_diversity(books, kind=kind), books)
        books = torch.nn.functional.normalize(books - gradient, dim=-1).detach().requires_grad_()
    assert codeword_diversity(books, kind=kind).item() < before - 0.3


def test_two_clumps_are_seen_by_log_gaussian_alone():
    clumps = torch.tensor([[1.0, 0], [1, 0], [-1, 0], [-1, 0]])[None]
    even = torch.tensor([[1.0, 0], [0, 1], [-1, 0], [0, -1]])[None]
    assert float(codeword_diversity(clumps)) == float(codeword_diversity(even)) == 0
    assert codeword_diversity(clumps, kind="log_gaussian") > codeword_diversity(even, kind="log_gaussian") + 0.5


def test_bad_input():
    with pytest.raises(ValueError, match="log_weights must have shape"):
        assignment_entropy(torch.zeros(2, 3))
    with pytest.raises(ValueError, match="codebooks must have shape"):
        codeword_diversity(torch.zeros(2, 1, 3))
    with pytest.raises(ValueError, match="kind must be one of"):
        codeword_diversity(torch.zeros(2, 2, 3), kind="max")
