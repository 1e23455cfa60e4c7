"""Models of pairs of users and items: what they compute against loops, and what training does with them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from graphvid.data import Interactions
from graphvid.graphs import co_watch_graph, user_item_graph
from graphvid.models import (
    EdgeBatch,
    LightGCN,
    LightGCNConfig,
    MatrixFactorization,
    MFConfig,
    SimpleX,
    SimpleXConfig,
    TwoTower,
    TwoTowerConfig,
)
from graphvid.models.recommenders import CrossBatch, InBatch, Mixed, PerEdge, Shared, Softmax

DIM = 6
PAIRS = Interactions.from_pairs(
    [0, 0, 0, 1, 1, 2, 3, 3, 3, 3], [0, 2, 5, 2, 3, 5, 0, 1, 2, 6], num_users=6, num_items=8
)  # users 4 and 5 and items 4 and 7 have no pair
GRAPH = user_item_graph(PAIRS)
SMALL = {"dim": DIM, "batch_size": 5, "init_std": 0.5, "dropout": 0.0, "num_epochs": 3, "seed": 3}
FEW = Shared(num_negatives=4)
FEATURES = {"audio": np.random.default_rng(0).normal(size=(8, 3)), "image": np.random.default_rng(1).random((8, 2))}


def _models():
    return {
        "mf": MatrixFactorization(GRAPH, MFConfig(**SMALL, negatives=FEW)),
        "simplex": SimpleX(GRAPH, SimpleXConfig(**SMALL, negatives=FEW)),
        "attention": SimpleX(
            GRAPH,
            SimpleXConfig(**SMALL, negatives=FEW, aggregator="user_attention", share_history_embedding=False),
        ),
        "lightgcn": LightGCN(GRAPH, LightGCNConfig(**SMALL, negatives=PerEdge(num_negatives=2, reject=True))),
        "two towers": TwoTower(GRAPH, FEATURES, TwoTowerConfig(**SMALL, negatives=CrossBatch(memory_size=7))),
    }


def _table(table):
    return table.weight.detach().double().numpy()


def _history(user, left_out=None):
    items = PAIRS.items[PAIRS.indptr[user] : PAIRS.indptr[user + 1]]
    return [int(item) for item in items if item != left_out]


@pytest.mark.parametrize("aggregator", ["mean", "self_attention", "user_attention"])
@pytest.mark.parametrize("padding", [False, True])
def test_simplex_against_loops(aggregator, padding) -> None:
    if padding and aggregator == "mean":
        pytest.skip("a mean has no softmax to pad")
    config = SimpleXConfig(
        **SMALL, negatives=FEW, aggregator=aggregator, gate=0.3, count_padding=padding, share_history_embedding=False
    )
    model = SimpleX(GRAPH, config)
    users, left_out = torch.tensor([3, 0, 5, 2, 0]), torch.tensor([1, 5, 0, 5, 4])
    found, items = model.encode(users, torch.arange(8), left_out)
    own, history = _table(model.users), _table(model.history_items)
    project = model.history.project.weight.detach().double().numpy()
    for row, (user, out) in enumerate(zip(users.tolist(), left_out.tolist(), strict=True)):
        taken = _history(user, out)
        pooled = np.zeros(DIM)
        if aggregator == "mean":
            pooled = np.mean([history[j] for j in taken], axis=0) if taken else pooled
        elif taken:
            key = model.history.key
            keys = np.tanh(history @ key.weight.detach().double().numpy().T + key.bias.detach().double().numpy())
            query = own[user] if aggregator == "user_attention" else model.history.query.detach().double().numpy()
            weights = [math.exp(query @ keys[j]) for j in taken]
            total = sum(weights) + (4 - len(taken) if padding else 0)
            pooled = sum(w * history[j] for w, j in zip(weights, taken, strict=True)) / total
        expected = 0.3 * own[user] + 0.7 * project @ pooled
        np.testing.assert_allclose(found[row].detach().numpy(), expected, atol=1e-6)
    np.testing.assert_allclose(items.detach().numpy(), _table(model.items), atol=1e-7)


@pytest.mark.parametrize("aggregator", ["mean", "user_attention"])
def test_one_table_for_scores_and_histories(aggregator) -> None:
    """The vectors of two equal tables, and the sum of their gradients."""
    one = SimpleX(GRAPH, SimpleXConfig(**SMALL, aggregator=aggregator))
    two = SimpleX(GRAPH, SimpleXConfig(**SMALL, aggregator=aggregator, share_history_embedding=False))
    two.load_state_dict({**one.state_dict(), "history_items.weight": one.items.weight.detach().clone()})
    users, items, left_out = torch.tensor([3, 0, 5, 2, 0]), torch.tensor([6, 1, 7, 0]), torch.tensor([1, 5, 0, 5, 4])
    weights = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    for model in (one, two):
        of_users, of_items = model.encode(users, items, left_out)
        ((of_users @ of_items.T) * weights).sum().backward()
    for found, expected in zip(one.encode(users, items, left_out), two.encode(users, items, left_out), strict=True):
        torch.testing.assert_close(found, expected)
    torch.testing.assert_close(one.users.weight.grad, two.users.weight.grad)
    torch.testing.assert_close(one.items.weight.grad, two.items.weight.grad + two.history_items.weight.grad)


def test_lightgcn_against_dense_matrices() -> None:
    model = LightGCN(GRAPH, LightGCNConfig(**SMALL, num_layers=2))
    between = np.zeros((6, 8))
    between[PAIRS.users, PAIRS.items] = 1
    whole = np.block([[np.zeros((6, 6)), between], [between.T, np.zeros((8, 8))]])
    degree = whole.sum(axis=1)
    scale = np.divide(1, np.sqrt(degree), out=np.zeros(14), where=degree > 0)
    step = scale[:, None] * whole * scale
    start = np.concatenate([_table(model.users), _table(model.items)])
    expected = (start + step @ start + step @ step @ start) / 3
    users, items = model.embed()
    np.testing.assert_allclose(torch.cat([users, items]).numpy(), expected, atol=1e-6)


def test_lightgcn_penalises_the_edges_of_the_batch() -> None:
    model = LightGCN(GRAPH, LightGCNConfig(**SMALL, batch_l2=0.2))
    batch = EdgeBatch(torch.tensor([0, 0, 3]), torch.tensor([2, 5, 6]))
    users, items = _table(model.users), _table(model.items)
    expected = 0.1 * ((users[[0, 0, 3]] ** 2).sum() + (items[[2, 5, 6]] ** 2).sum()) / 3
    assert float(model.penalty(batch).detach()) == pytest.approx(expected, rel=1e-6)


def test_two_towers_embed_items_that_nobody_took() -> None:
    model = TwoTower(GRAPH, FEATURES, TwoTowerConfig(**SMALL, negatives=CrossBatch(memory_size=7)))
    x = np.concatenate(list(FEATURES.values()), axis=1)
    known = [0, 1, 2, 3, 5, 6]
    x = (x - x[known].mean(axis=0)) / x[known].std(axis=0)
    first, second = model.items[0], model.items[2]
    hidden = np.maximum(x @ first.weight.detach().numpy().T + first.bias.detach().numpy(), 0)
    expected = hidden @ second.weight.detach().numpy().T + second.bias.detach().numpy()
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(model.embed().items.numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("loss", ["ccl", "softmax", "bpr", "bce"])
@pytest.mark.parametrize("negatives", ["shared", "per_edge"])
@pytest.mark.parametrize("mask_known", ["none", "own", "known"])
def test_loss_of_a_batch_against_loops(loss, negatives, mask_known) -> None:
    own = {"ccl": {"margin": 0.1, "negative_weight": 2.0}, "bce": {"negative_weight": 2.0}}.get(loss, {})
    drawn_as = {"name": negatives, "num_negatives": 4, "mask_known": mask_known}
    config = MFConfig(**SMALL, loss={"name": loss, **own}, negatives=drawn_as)
    model = MatrixFactorization(GRAPH, config)
    batch = EdgeBatch(torch.tensor([0, 3, 3]), torch.tensor([2, 6, 0]))
    found = float(model.candidates(model.vectors, *batch, 5).detach())
    drawn = model.candidates.sampler.sample(batch.user, 5).items.expand(3, -1).tolist()
    users, items = (normalize(t.weight.double(), dim=1).detach().numpy() for t in (model.users, model.items))
    total = 0.0
    for row, (user, item) in enumerate(zip(batch.user.tolist(), batch.item.tolist(), strict=True)):
        out = {"none": [], "own": [item], "known": _history(user)}[mask_known]
        negative = [users[user] @ items[j] for j in drawn[row] if j not in out]
        positive = users[user] @ items[item]
        if loss == "ccl":
            total += max(0, 1 - positive) + 2 / 4 * sum(max(0, s - 0.1) for s in negative)
        elif loss == "softmax":  # uniform draws: the correction is one constant
            total += math.log(sum(math.exp(s / 0.1) for s in [positive, *negative])) - positive / 0.1
        elif loss == "bpr":
            parts = [math.log1p(math.exp(s - positive)) for s in negative]
            total += sum(parts) / len(parts) if parts else 0
        else:
            total += math.log1p(math.exp(-positive)) + 2 / 4 * sum(math.log1p(math.exp(s)) for s in negative)
    assert found == pytest.approx(total / 3, rel=1e-5)


@pytest.mark.parametrize("negatives", ["in_batch", "mixed", "cross_batch"])
@pytest.mark.parametrize("scale", [1.0, 0.5, None])
def test_batch_negatives_against_loops(negatives, scale) -> None:
    config = TwoTowerConfig(
        **{**SMALL, "batch_size": 3},
        item_tower="id",
        loss=Softmax(log_q=False, temperature=0.5) if scale is None else Softmax(log_q_scale=scale, temperature=0.5),
        negatives={"in_batch": InBatch(), "mixed": Mixed(num_negatives=3), "cross_batch": CrossBatch(memory_size=4)}[
            negatives
        ],
    )
    model = TwoTower(GRAPH, None, config)
    users, items = (normalize(t.weight.double(), dim=1).detach().numpy() for t in (model.users, model.items))
    unigram = PAIRS.item_counts / PAIRS.num_interactions
    remembered: list[int] = []
    for step, (user, item) in enumerate([([0, 3, 3], [2, 6, 0]), ([1, 2, 0], [3, 5, 2]), ([3, 1, 0], [1, 2, 0])]):
        found = float(model.candidates(model.vectors, torch.tensor(user), torch.tensor(item), step).detach())
        extra = model.candidates.uniform.sample(torch.tensor(user), step).items.tolist() if negatives == "mixed" else []
        share = len(item) / (len(item) + len(extra))

        def q(j, share=share, old=False):
            return unigram[j] if old else share * unigram[j] + (1 - share) / 8

        total = 0.0
        for row, (u, i) in enumerate(zip(user, item, strict=True)):
            others = [(j, False) for place, j in enumerate([*item, *extra]) if place != row and j != i]
            others += [(j, True) for j in remembered if j != i]
            logits = [users[u] @ items[j] / 0.5 - (scale or 0) * math.log(q(j, old=old)) for j, old in others]
            own = users[u] @ items[i] / 0.5 - (scale or 0) * math.log(q(i))
            total += math.log(sum(math.exp(x) for x in [own, *logits])) - own
        assert found == pytest.approx(total / 3, rel=1e-5)
        if negatives == "cross_batch":
            remembered = [*remembered, *item][-4:]


@pytest.mark.parametrize(("fill", "sizes"), [(False, [0, 0, 0, 3, 6]), (True, [0, 0, 6, 7, 7])])
def test_memory_is_used_after_the_warm_up(fill, sizes) -> None:
    config = TwoTowerConfig(**SMALL, negatives=CrossBatch(memory_size=7, warmup_steps=2, fill_during_warmup=fill))
    model = TwoTower(GRAPH, FEATURES, config)
    found = []
    for step in range(5):
        found.append(len(model.candidates.memory.read().ids))
        model.candidates(model.vectors, torch.tensor([0, 3, 3]), torch.tensor([2, 6, 0]), step)
    assert found == sizes


@pytest.mark.parametrize("item_tower", ["id", "content"])
@pytest.mark.parametrize("mask_known", ["none", "known"])
def test_items_can_learn_from_the_batch_alone(item_tower, mask_known) -> None:
    """Users have the gradients of batch and memory, items those of training without a memory; the loss is as published."""
    shared = {**SMALL, "item_tower": item_tower, "batch_size": 3}
    memory = CrossBatch(memory_size=4, mask_known=mask_known)
    configs = {
        "batch": TwoTowerConfig(**shared, negatives=replace(memory, items_learn_from="batch")),
        "all": TwoTowerConfig(**shared, negatives=memory),
        "none": TwoTowerConfig(**shared, negatives=InBatch(mask_known=mask_known)),
    }
    losses, of_users, of_items = {}, {}, {}
    for name, config in configs.items():
        model = TwoTower(GRAPH, FEATURES if item_tower == "content" else None, config)
        for step, (user, item) in enumerate([([0, 3, 3], [2, 6, 0]), ([1, 2, 0], [3, 5, 2])]):
            model.zero_grad()
            loss = model.candidates(model.vectors, torch.tensor(user), torch.tensor(item), step)
            loss.backward()
        losses[name] = float(loss.detach())
        of_users[name] = model.users.weight.grad
        of_items[name] = torch.cat([weight.grad.flatten() for weight in model.items.parameters()])
    assert losses["batch"] == pytest.approx(losses["all"], rel=1e-6)
    torch.testing.assert_close(of_users["batch"], of_users["all"])
    torch.testing.assert_close(of_items["batch"], of_items["none"])
    assert (of_items["all"] - of_items["none"]).abs().max() > 1e-3
    assert (of_users["all"] - of_users["none"]).abs().max() > 1e-3


@pytest.mark.parametrize("name", ["mf", "simplex", "attention", "lightgcn", "two towers"])
def test_training_lowers_the_loss_and_starts_the_same(fit_model, name) -> None:
    first, second, longer = (_models()[name] for _ in range(3))
    batch = EdgeBatch(torch.from_numpy(PAIRS.users), torch.from_numpy(PAIRS.items.copy()))

    def loss():
        return float(longer.eval().candidates(longer.vectors, *batch, 100).detach())

    before = loss()
    fit_model(first, steps=6)
    first.catch_up()
    fit_model(second, steps=6)
    second.catch_up()
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)
    longer.config = replace(longer.config, num_epochs=200)
    fit_model(longer.train())
    longer.catch_up()
    assert loss() < before


def test_deferred_updates_give_the_embeddings_of_adam(fit_model) -> None:
    found = []
    for optimizer in ("adam", "deferred_adam"):
        config = SimpleXConfig(
            **{**SMALL, "batch_size": 2, "num_epochs": 20},
            negatives=Shared(num_negatives=1),
            optimizer=optimizer,
            learning_rate=0.01,
        )
        model = SimpleX(GRAPH, config)
        fit_model(model)
        found.append(model.embed())
    torch.testing.assert_close(found[0].users, found[1].users, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(found[0].items, found[1].items, atol=1e-4, rtol=1e-3)


def test_dropout_acts_on_unit_users_in_training_alone() -> None:
    model = MatrixFactorization(GRAPH, MFConfig(**{**SMALL, "dim": 512, "dropout": 0.5}))
    users, items = model.vectors(torch.tensor([0, 1]), torch.tensor([3]))
    unit = normalize(model.users.weight[:2], dim=1)
    kept = users != 0
    assert 0.4 < kept.float().mean() < 0.6
    torch.testing.assert_close(users[kept], 2 * unit[kept])
    torch.testing.assert_close(items.norm(dim=1), torch.ones(1))
    model.eval()
    torch.testing.assert_close(model.vectors(torch.tensor([0, 1]), torch.tensor([3]))[0], unit)


def test_users_who_took_everything() -> None:
    graph = user_item_graph(Interactions.from_pairs([0, 0, 1], [0, 1, 1]))
    config = MFConfig(**SMALL, negatives=PerEdge(num_negatives=4, reject=True))
    with pytest.raises(ValueError, match="user 0 and 0 others know all of them"):
        MatrixFactorization(graph, config)
    model = MatrixFactorization(graph, replace(config, negatives=replace(config.negatives, on_shortfall="any")))
    assert model.candidates.sampler.num_shortfalls == 1


def test_bad_graphs_and_features() -> None:
    with pytest.raises(ValueError, match="graph must have the relation"):
        MatrixFactorization(co_watch_graph(_log()))
    with pytest.raises(ValueError, match="graph must have edges to learn from, got none"):
        MatrixFactorization(user_item_graph(Interactions.from_pairs([], [], num_users=2, num_items=2)))
    with pytest.raises(TypeError, match="graph must be a DGLGraph made by user_item_graph, got Interactions"):
        SimpleX(PAIRS)
    with pytest.raises(TypeError, match="config must be a SimpleXConfig, got MFConfig"):
        SimpleX(GRAPH, MFConfig())
    with pytest.raises(TypeError, match="features must map names to tables, got TwoTowerConfig"):
        TwoTower(GRAPH, TwoTowerConfig(item_tower="id"))
    with pytest.raises(ValueError, match="features must be given with item_tower 'content'"):
        TwoTower(GRAPH)
    with pytest.raises(ValueError, match=r"features must be given .* got item_tower 'id' and features"):
        TwoTower(GRAPH, FEATURES, TwoTowerConfig(item_tower="id"))
    with pytest.raises(ValueError, match=r"features 'audio' must have shape \(8, columns\), got \(7, 3\)"):
        TwoTower(GRAPH, {"audio": FEATURES["audio"][:7]})
    bad = FEATURES["audio"].copy()
    bad[2, 1] = np.nan
    with pytest.raises(ValueError, match="features 'audio' must be finite, got nan in row 2, column 1"):
        TwoTower(GRAPH, {"audio": bad})


def _log():
    import pandas as pd

    from graphvid.data import WatchLog

    return WatchLog.from_frame(pd.DataFrame({"user_id": [0, 0, 1, 1], "video_id": [1, 2, 1, 2]}))


@pytest.mark.parametrize("optimizer", ["adam", "deferred_adam"])
def test_gradients_are_scaled_as_pytorch_scales_them(fit_model, optimizer) -> None:
    config = MFConfig(**SMALL, negatives=FEW, optimizer=optimizer)
    model = MatrixFactorization(GRAPH, config)
    model.configure_optimizers()
    users, items = torch.tensor([0, 3, 3]), torch.tensor([2, 6, 0])
    model.candidates(model.vectors, users, items, 0).backward()
    copies = []
    for parameter in model.parameters():
        gradient = parameter.grad.to_dense() if parameter.grad.is_sparse else parameter.grad
        copies.append(torch.nn.Parameter(parameter.detach()))
        copies[-1].grad = gradient.clone()
    norm = torch.nn.utils.clip_grad_norm_(copies, 0.1)
    assert norm > 0.1
    for bound, expected in (
        (10.0 * float(norm), [c.grad * norm / 0.1 for c in copies]),
        (0.1, [c.grad for c in copies]),
    ):
        model.config = replace(config, max_gradient_norm=bound)
        model.on_before_optimizer_step(None)
        for parameter, gradient in zip(model.parameters(), expected, strict=True):
            found = parameter.grad.to_dense() if parameter.grad.is_sparse else parameter.grad
            torch.testing.assert_close(found, gradient, rtol=1e-4, atol=1e-7)
