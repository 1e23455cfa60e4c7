"""EdgeInfoNCE and EdgeMargin against loops and dense formulas, and what must not change them."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import normalize

from graphvid.losses import EdgeInfoNCE, EdgeMargin, SemiHardMiner


def case(seed: int, *, nodes: int = 12, pulls: int = 7):
    """Give vectors, and each pair of a node of the first half and one of the second as a pull or a push edge."""
    generator = torch.Generator().manual_seed(seed)
    z = normalize(torch.randn(nodes, 5, generator=generator, dtype=torch.float64), dim=1)
    half = nodes // 2
    pairs = torch.randperm(half * half, generator=generator)

    def edges(chosen: torch.Tensor):
        weight = 0.5 + torch.rand(len(chosen), generator=generator, dtype=torch.float64)
        return chosen // half, half + chosen % half, weight

    return z, edges(pairs[:pulls]), edges(pairs[pulls:])


@pytest.mark.parametrize("seed", range(4))
def test_info_nce_equals_the_equation_written_as_loops(seed):
    z, pull, push = case(seed)
    push[2][:5] = 0.0  # these are no edges
    total = 0.0
    for a, p, w in zip(*pull):
        wanted = math.exp(float(z[a] @ z[p]) / 0.3)
        others = sum(float(v) * math.exp(float(z[a] @ z[n]) / 0.3) for b, n, v in zip(*push) if a == b)
        total -= float(w) * math.log(wanted / (wanted + others))
    loss = EdgeInfoNCE(0.3)(z, pull, push)
    assert float(loss) == pytest.approx(total / float(pull[2].sum()), rel=1e-10)


def test_a_shared_queue_equals_an_edge_to_each_entry():
    z, pull, push = case(1)
    queue = normalize(torch.randn(9, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(9)), dim=1)
    excluded = torch.rand(12, 9, generator=torch.Generator().manual_seed(8)) < 0.3
    excluded[int(pull[0][0])] = True  # an anchor without any entry
    src, dst = (~excluded).nonzero().T
    wide = (
        torch.cat([push[0], src]),
        torch.cat([push[1], 12 + dst]),
        torch.cat([push[2], torch.ones(len(src)).double()]),
    )
    grads = []
    for loss in (
        lambda x: EdgeInfoNCE(0.2)(torch.cat([x, queue]), pull, wide),
        lambda x: EdgeInfoNCE(0.2)(x, pull, push, queue=queue, excluded=excluded),
    ):
        x = z.clone().requires_grad_()
        value = loss(x)
        value.backward()
        grads.append((value.detach(), x.grad))
    torch.testing.assert_close(grads[0], grads[1], atol=1e-12, rtol=1e-10)


@pytest.mark.parametrize("loss", [EdgeInfoNCE(0.3), EdgeMargin(0.5, "all"), EdgeMargin(0.2, "semi-hard", 2)])
def test_edge_order_and_node_numbers_change_nothing(loss):
    z, pull, push = case(2)
    order, renumber = torch.randperm(29), torch.randperm(12)
    moved = torch.empty_like(z)
    moved[renumber] = z
    pulled = renumber[pull[0]], renumber[pull[1]], pull[2]
    pushed = tuple(x[order] for x in (renumber[push[0]], renumber[push[1]], push[2]))
    torch.testing.assert_close(loss(moved, pulled, pushed), loss(z, pull, push), rtol=1e-12, atol=0)


@pytest.mark.parametrize("loss", [EdgeInfoNCE(0.5), EdgeMargin(0.5, "all"), EdgeMargin(0.5, "hard")])
def test_gradient(loss):
    z, pull, push = case(3, nodes=8, pulls=3)
    assert torch.autograd.gradcheck(lambda x: loss(x, pull, push), z.requires_grad_())


def test_an_anchor_without_push_edges_has_loss_zero_and_counts():
    z, pull, push = case(4)
    alone = push[0] == pull[0][0]
    push = tuple(x[~alone] for x in push)
    x = z.clone().requires_grad_()
    loss = EdgeInfoNCE(0.3)(x, pull, push)
    loss.backward()
    assert torch.isfinite(x.grad).all()
    rest = pull[0] != pull[0][0]
    others = EdgeInfoNCE(0.3)(z, tuple(e[rest] for e in pull), push)
    assert float(loss.detach()) == pytest.approx(float(others * pull[2][rest].sum() / pull[2].sum()))


@pytest.mark.parametrize(("mining", "number"), [("all", 1), ("hard", 2), ("semi-hard", 1), ("semi-hard", 3)])
def test_margin_equals_loops(mining, number):
    z, pull, push = case(5)
    total = 0.0
    for a, p, w in zip(*pull):
        near = float((z[a] - z[p]).norm())
        found = sorted((float((z[a] - z[n]).norm()), float(v)) for b, n, v in zip(*push) if a == b)
        if mining == "semi-hard":
            found = [x for x in found if near < x[0] < near + 0.3] or found
        chosen = found if mining == "all" else found[:number]
        total += float(w) * sum(v * max(0.0, near - far + 0.3) for far, v in chosen)
    loss = EdgeMargin(0.3, mining, number)(z, pull, push)
    assert float(loss) == pytest.approx(total / float(pull[2].sum()), rel=1e-10)


def test_semi_hard_chooses_what_the_miner_of_tables_chooses_where_the_band_has_no_end():
    generator = torch.Generator().manual_seed(0)
    a, p, n = (normalize(torch.randn(20, 6, generator=generator), dim=1) for _ in range(3))
    ids = torch.arange(20), 100 + torch.arange(20), 200 + torch.arange(20)
    mined = SemiHardMiner(margin=4.0, fallback="drop")(a, p, n, *ids)
    z, rows = torch.cat([a, p, n]), torch.arange(20)
    anchor, other = rows.repeat_interleave(20), 40 + rows.repeat(20)
    near, far = (a - p).norm(dim=1), (z[anchor] - z[other]).norm(dim=1)
    edge, pair = EdgeMargin(4.0, "semi-hard").chosen(near, far, rows, anchor, 60)
    assert mined.kept.sum() > 10
    chosen = dict(zip(pair.tolist(), (other[edge] - 40).tolist()))
    assert all(chosen[i] == int(mined.chosen[i]) for i in mined.kept.nonzero()[:, 0].tolist())


def test_nothing_pulled_is_a_zero_that_can_be_differentiated():
    z, _, push = case(6)
    none = (push[0][:0], push[1][:0], push[2][:0])
    for loss in (EdgeInfoNCE(), EdgeMargin()):
        x = z.clone().requires_grad_()
        loss(x, none, push).backward()
        assert not x.grad.any()


def test_bad_arguments():
    z, pull, push = case(7)
    for call, message in (
        (lambda: EdgeInfoNCE(0.0), "temperature must be a finite float > 0, got 0.0"),
        (lambda: EdgeMargin(-1.0), "margin must be a finite float >= 0"),
        (lambda: EdgeMargin(mining="soft"), "mining must be one of"),
        (lambda: EdgeInfoNCE()(z, pull, (push[0], push[1], -push[2])), "push: weight must be finite and >= 0, got -"),
        (
            lambda: EdgeInfoNCE()(z, pull, (push[0], push[1], push[2] * math.nan)),
            "push: weight must be finite .* got nan",
        ),
        (lambda: EdgeInfoNCE()(z, (pull[0] + 12, *pull[1:]), push), r"pull: anchor must lie in \[0, 12\)"),
        (lambda: EdgeInfoNCE()(z, pull[:2], push), "pull must be three tensors"),
        (lambda: EdgeInfoNCE()(z, pull, push, queue=z[:, :2]), r"queue must have shape \(num_queue, 5\)"),
        (lambda: EdgeInfoNCE()(z, pull, push, queue=z, excluded=torch.ones(2, 2)), "excluded must be bool of shape"),
    ):
        with pytest.raises((ValueError, TypeError), match=message):
            call()
