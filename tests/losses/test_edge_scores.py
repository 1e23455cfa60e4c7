"""Laws of every loss on the scores of a positive and its negatives."""

from __future__ import annotations

import pytest
import torch

from graphvid.losses import BCELoss, BPRLoss, CosineContrastiveLoss, SampledSoftmaxLoss

MAKERS = {
    "ccl": lambda **kw: CosineContrastiveLoss(margin=0.1, negative_weight=5.0, **kw),
    "ccl_sum": lambda **kw: CosineContrastiveLoss(margin=0.1, **kw),
    "softmax": lambda **kw: SampledSoftmaxLoss(temperature=0.5, **kw),
    "bpr": lambda **kw: BPRLoss(**kw),
    "bce": lambda **kw: BCELoss(negative_weight=2.0, **kw),
    "bce_sum": lambda **kw: BCELoss(**kw),
}
every_loss = pytest.mark.parametrize("make", MAKERS.values(), ids=list(MAKERS))


def scores(rows: int = 4, width: int = 6, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    positive, negative = (
        torch.rand(size, generator=generator, dtype=torch.float64) * 2 - 1 for size in ((rows,), (rows, width))
    )
    return positive, negative, torch.rand(rows, width, generator=generator) < 0.6


@every_loss
def test_reductions(make):
    positive, negative, mask = scores()
    losses = make(reduction="none")(positive, negative, mask=mask)
    assert losses.shape == (4,)
    torch.testing.assert_close(make(reduction="sum")(positive, negative, mask=mask), losses.sum())
    torch.testing.assert_close(make()(positive, negative, mask=mask), losses.mean())


@every_loss
def test_a_mask_of_true_changes_nothing(make):
    positive, negative, _ = scores()
    torch.testing.assert_close(
        make()(positive, negative, mask=torch.ones(4, 6, dtype=torch.bool)), make()(positive, negative)
    )


@every_loss
@pytest.mark.parametrize("worst", [torch.inf, -torch.inf, torch.nan])
def test_masked_scores_have_no_effect_whatever_they_are(make, worst):
    positive, negative, mask = scores()
    results = []
    for filled in (negative, negative.masked_fill(~mask, worst)):
        inputs = positive.clone().requires_grad_(), filled.clone().requires_grad_()
        loss = make()(*inputs, mask=mask)
        results.append([loss.detach(), *torch.autograd.grad(loss, inputs)])
    assert not results[0][2][~mask].any()
    for first, second in zip(*results, strict=True):
        assert torch.equal(first, second)


@every_loss
def test_a_row_whose_negatives_are_all_masked_has_only_its_positive_part(make):
    positive, negative, mask = scores()
    mask[1] = False
    positive[1] = 20.0  # so high that no loss has a positive part
    inputs = positive.requires_grad_(), negative.requires_grad_()
    losses = make(reduction="none")(*inputs, mask=mask)
    assert losses[1].item() == pytest.approx(0.0, abs=1e-8)
    assert losses[0] > 0
    gradients = torch.autograd.grad(losses.sum(), inputs)
    assert torch.isfinite(gradients[0]).all()
    assert not gradients[1][1].any()


@every_loss
def test_nan_is_not_hidden(make):
    positive, negative, _ = scores()
    negative[2, 3] = torch.nan
    losses = make(reduction="none")(positive, negative)
    assert losses.isnan().tolist() == [False, False, True, False]


@every_loss
def test_order_of_rows_and_negatives_does_not_matter(make):
    positive, negative, mask = scores()
    rows, columns = (torch.randperm(n, generator=torch.Generator().manual_seed(1)) for n in (4, 6))
    shuffled = negative[rows][:, columns], mask[rows][:, columns]
    torch.testing.assert_close(
        make()(positive[rows], shuffled[0], mask=shuffled[1]), make()(positive, negative, mask=mask)
    )


@every_loss
@pytest.mark.parametrize("with_mask", [False, True])
def test_gradient(make, with_mask):
    positive, negative, mask = scores(seed=3)
    assert (negative - 0.1).abs().min() > 1e-4  # away from the kink
    inputs = positive.requires_grad_(), negative.requires_grad_()
    assert torch.autograd.gradcheck(lambda p, n: make()(p, n, mask=mask if with_mask else None), inputs)
    assert torch.autograd.gradcheck(lambda p, n: make(reduction="none")(p, n, mask=mask if with_mask else None), inputs)


@every_loss
def test_inputs_stay_as_they_are(make):
    positive, negative, mask = scores()
    before = positive.clone(), negative.clone(), mask.clone()
    make()(positive, negative, mask=mask)
    assert all(torch.equal(x, y) for x, y in zip((positive, negative, mask), before, strict=True))


@every_loss
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(make, dtype):
    positive, negative, mask = (x.to(dtype) if x.is_floating_point() else x for x in scores(width=300))
    inputs = positive.requires_grad_(), negative.requires_grad_()
    loss = make()(*inputs, mask=mask)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, make()(positive.float(), negative.float(), mask=mask))
    assert all(g.dtype == dtype for g in torch.autograd.grad(loss, inputs))


@every_loss
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_an_empty_batch_is_a_connected_zero(make, reduction):
    positive, negative = torch.zeros(0, requires_grad=True), torch.zeros(0, 5, requires_grad=True)
    loss = make(reduction=reduction)(positive, negative)
    assert loss.shape == ((0,) if reduction == "none" else ())
    loss.sum().backward()
    assert loss.sum().item() == 0
    assert positive.grad.shape == (0,)
    assert negative.grad.shape == (0, 5)


@every_loss
def test_unknown_reduction(make):
    with pytest.raises(ValueError, match=r"reduction must be one of \['mean', 'sum', 'none'\], got 'max'"):
        make(reduction="max")


@every_loss
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {"positive_scores": torch.zeros(3)},
            ValueError,
            r"shapes \(batch,\) and \(batch, num_negatives\), got \(3,\)",
        ),
        ({"positive_scores": torch.zeros(2, 1)}, ValueError, r"shapes \(batch,\) and \(batch, num_negatives\)"),
        ({"negative_scores": torch.zeros(4)}, ValueError, r"and \(4,\)"),
        ({"negative_scores": torch.zeros(2, 0)}, ValueError, "at least one negative a row, got none"),
        ({"positive_scores": torch.zeros(2, dtype=torch.int64)}, TypeError, "positive_scores must be floating point"),
        (
            {"negative_scores": torch.zeros(2, 4, dtype=torch.int32)},
            TypeError,
            "negative_scores must be floating point",
        ),
        (
            {"mask": torch.ones(2, 4)},
            TypeError,
            "mask must be bool, True for the negatives that count, got dtype torch.float",
        ),
        (
            {"mask": torch.ones(4, dtype=torch.bool)},
            ValueError,
            r"mask must have the shape of negative_scores, \(2, 4\)",
        ),
    ],
)
def test_bad_input(make, change, error, message):
    arguments = {"positive_scores": torch.zeros(2), "negative_scores": torch.zeros(2, 4), "mask": None}
    with pytest.raises(error, match=message):
        make()(**(arguments | change))
