"""Counts against loops over the table, the mixture against its parts, and what the network must not know."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from graphvid.data import CheckIns, SyntheticCheckIns, distance_km
from graphvid.graphs import check_in_graph
from graphvid.metrics import expected_ranks
from graphvid.models.poi import (
    COUNT_PARTS,
    CountMixture,
    CountsConfig,
    GRUConfig,
    KnownPlaces,
    PeriodicInterests,
    PeriodicInterestsConfig,
    VisitCounts,
    fit_shares,
)
from graphvid.models.poi.counts import even_weights
from graphvid.sampling import CheckInChains

CONFIG = PeriodicInterestsConfig(dim=8, batch_size=64, num_epochs=2)


@pytest.fixture(scope="module")
def town():
    return SyntheticCheckIns(num_users=8, num_pois=40, num_areas=6, check_ins_per_user=(30, 40))


@pytest.fixture(scope="module")
def chains(town):
    return CheckInChains(check_in_graph(town.check_ins, town.area))


def shares_by_loop(town, train, row):
    """Each kind of count for the request that ``row`` answers, over all pois, from the table."""
    data, pois = town.check_ins, town.check_ins.num_pois
    past = [
        r
        for r in range(data.num_check_ins)
        if data.user[r] == data.user[row] and data.timestamp[r] < data.timestamp[row]
    ]
    area = town.area[data.poi]
    here = area[past[-1]] if past else None
    same_hour = [r for r in past if data.hour[r] == data.hour[row]]
    lists = {
        "history": past,
        "weekday": [r for r in past if data.weekday[r] == data.weekday[row]],
        "hour": same_hour,
        "area": [r for r in past if area[r] == here],
        "hour_area": [r for r in same_hour if area[r] == here],
        "sequential": past[-20:],
        "successor": [
            r
            for r in train
            if past and r > 0 and data.user[r - 1] == data.user[r] and data.poi[r - 1] == data.poi[past[-1]]
        ],
        "popularity": list(train),
    }
    return {name: np.bincount(data.poi[rows], minlength=pois) / max(1, len(rows)) for name, rows in lists.items()}


def test_counts_are_those_of_the_table(town, chains):
    train = town.windows.train
    mixture = CountMixture(chains, train)
    rows = np.concatenate([town.windows.test[::7], chains.indptr[:2]])
    parts = mixture.reasons(chains.before(rows))
    for i, row in enumerate(rows):
        wanted = shares_by_loop(town, train, row)
        for part, name in enumerate(mixture.counts.parts):
            found = parts[i, part] / mixture.weight[part]
            np.testing.assert_allclose(found, wanted[name][mixture.places.pois], atol=1e-6, err_msg=name)
    torch.testing.assert_close(mixture.score(chains.before(rows)), parts.sum(dim=1))


def test_a_training_visit_does_not_count_for_itself(town, chains):
    train = town.windows.train
    places = KnownPlaces(chains, train)
    counts = VisitCounts(places, COUNT_PARTS, length=1000)
    picked = train[::5]
    requests, target = chains.before(picked), torch.from_numpy(places.number[chains.poi[picked]])
    lists = counts.members(chains, requests)
    given, amounts = counts.of_targets(
        requests, target, lists, even_weights(lists), torch.ones(len(picked), dtype=torch.bool)
    )
    for i, row in enumerate(picked):
        others = shares_by_loop(town, [r for r in train if r != row], row)
        for part, name in enumerate(counts.parts):
            assert given[i, part].item() == pytest.approx(others[name][town.check_ins.poi[row]], abs=1e-6), name
    assert bool((amounts >= 0).all())


def test_expectation_maximisation_finds_the_top(town, chains):
    torch.manual_seed(0)
    given = torch.rand(50, 3) ** 4
    best = fit_shares(given, num_rounds=2000)
    likelihood = torch.log(given @ best).mean()
    for _ in range(200):
        other = torch.distributions.Dirichlet(torch.ones(3)).sample()
        assert torch.log(given @ other).mean() <= likelihood + 1e-5


def test_chosen_weights_are_no_worse_than_equal_ones(town, chains):
    mixture = CountMixture(chains, town.windows.train)
    rows = town.windows.validation
    target = torch.from_numpy(mixture.places.number[chains.poi[rows]])
    rows, target = rows[(target < mixture.places.num_places).numpy()], target[target < mixture.places.num_places]

    def recall():
        return float((expected_ranks(mixture.score(chains.before(rows)), target) <= 10).double().mean())

    equal = recall()
    assert mixture.fit(town.windows.validation) is mixture
    assert recall() >= equal
    assert mixture.weight.sum().item() == pytest.approx(1)
    assert (CountMixture(chains, town.windows.train).fit(town.windows.validation).weight == mixture.weight).all()


@pytest.mark.parametrize("options", [{}, {"counts": False}, {"interests": ("hour",)}, {"target_time": "last"}])
def test_scores_are_probabilities_and_reasons_add_up(town, options):
    model = PeriodicInterests(check_in_graph(town.check_ins, town.area), town.windows.train, replace(CONFIG, **options))
    rows = np.concatenate([town.windows.test[:20], model.chains.indptr[:1]])
    found = model.score(model.chains.before(rows))
    sums = found.scores.sum(dim=1)
    assert bool((sums <= 1 + 1e-5).all())  # a visit to an unknown place gives its share to none
    if not options.get("counts", True):
        torch.testing.assert_close(sums, torch.ones(len(rows)))
    torch.testing.assert_close(model.reasons(model.chains.before(rows)).sum(dim=1), found.scores)
    of_interests = found.attention.sum(dim=1)
    torch.testing.assert_close(of_interests, (of_interests > 0.5).float())  # 1, or 0 without a member of any list
    assert "interests" in options or bool((of_interests[:20] > 0.5).all())
    torch.testing.assert_close(found.shares.sum(dim=1), torch.ones(len(rows)))
    assert found.attention[20].sum() == 0  # the first check-in of a user has no interests


def test_loss_is_the_mixture_without_the_own_visit(town):
    """The score by its parts, with the counts of the table from which the visit itself is taken."""
    train = town.windows.train
    model = PeriodicInterests(check_in_graph(town.check_ins, town.area), train, CONFIG).eval()
    with torch.no_grad():
        model.gate.decay.fill_(-50.0)  # all members of a list weigh the same
    last = model.places.last(model.chains.before(model.rows))
    picked = np.flatnonzero(model.places.departures[last] > 1)[::9]  # else the share of the successors vanishes
    rows = model.rows[picked]
    found, parts = (f(model.chains.before(rows)) for f in (model.score, model.reasons))
    assert len(picked) > 10
    for i, row in enumerate(rows):
        others = shares_by_loop(town, [r for r in train if r != row], row)
        poi = town.check_ins.poi[row]
        wanted = parts[i, 0, model.places.number[poi]].item()
        wanted += sum(
            share * others[name][poi] for name, share in zip(model.counts.parts, found.shares[i, 1:].tolist())
        )
        with torch.no_grad():
            assert torch.exp(-model.loss(picked[i : i + 1])).item() == pytest.approx(wanted, rel=1e-4)


def test_sampled_softmax_of_all_places_is_the_softmax(town):
    graph = check_in_graph(town.check_ins, town.area)
    full = PeriodicInterests(graph, town.windows.train, replace(CONFIG, counts=False)).eval()
    some = PeriodicInterests(graph, town.windows.train, replace(CONFIG, counts=False, num_negatives=20)).eval()
    picked = np.arange(0, len(full.rows), 3)
    with torch.no_grad():
        whole = full.loss(picked)
        drawn = torch.stack([some.loss(picked) for _ in range(60)])
    assert drawn.mean().item() == pytest.approx(whole.item(), abs=0.05)


def test_the_future_is_not_read(town):
    """Rewriting the places of all check-ins from a request on changes no score: not through lists, counts or sessions."""
    data, train = town.check_ins, town.windows.train
    row = int(town.windows.test[3])
    user = data.user[row]
    later = np.flatnonzero((data.user == user) & (data.timestamp >= data.timestamp[row]))
    assert not np.isin(later, train).any()
    poi, time = data.poi.copy(), data.timestamp.copy()
    poi[later] = (poi[later] + 7) % data.num_pois
    time[later] += 500 + 7200 * np.arange(len(later))
    other = CheckIns(
        data.user,
        poi,
        data.user_ids,
        data.poi_ids,
        timestamp=time,
        offset=data.offset,
        latitude=data.latitude,
        longitude=data.longitude,
    )
    scores = []
    for version in (data, other):
        model = PeriodicInterests(check_in_graph(version, town.area), train, CONFIG)
        request = model.chains.at([user], [data.timestamp[row]], [data.offset[row]])
        scores.append(model.score(request).scores)
    torch.testing.assert_close(scores[0], scores[1], rtol=0, atol=0)


def test_a_new_user_and_an_unknown_place(town):
    model = PeriodicInterests(check_in_graph(town.check_ins, town.area), town.windows.train, CONFIG)
    unknown = town.check_ins.num_pois
    history = CheckIns(
        np.array([0, 0]),
        np.array([unknown, 3]),
        pd.Index(["new"]),
        pd.Index([*range(unknown), "?"]),
        timestamp=np.array([0.0, 9000.0]),
        offset=np.array([0, 0]),
    )
    chains = CheckInChains(check_in_graph(history, np.append(town.area, -1)))
    users = np.array([model.chains.num_users])
    found = model.score(chains.at([0], [10_000], [0]), chains, users)
    assert 0.5 < found.scores.sum().item() <= 1 + 1e-5  # what falls on the unknown place is given to none
    nothing = model.score(chains.at([0], [0], [0]), chains, users)
    assert bool(torch.isfinite(nothing.scores).all())


def test_distance_takes_from_far_places(town):
    coordinates = np.stack([town.check_ins.latitude, town.check_ins.longitude], axis=1)
    graph = check_in_graph(town.check_ins, town.area)
    options = replace(CONFIG, counts=False, distance=True)
    model = PeriodicInterests(graph, town.windows.train, options, coordinates)
    plain = PeriodicInterests(graph, town.windows.train, replace(options, distance=False))
    request = model.chains.before(town.windows.test[:1])
    with torch.no_grad():
        model.fall.fill_(3.0)
    gain = torch.log(model.score(request).scores / plain.score(request).scores)[0]
    here, there = coordinates[request.near[0]], coordinates[model.places.pois]
    far = distance_km(here[0], here[1], there[:, 0], there[:, 1])
    slope = np.polyfit(np.log1p(far), gain.numpy(), 1)[0]
    assert slope == pytest.approx(-float(torch.nn.functional.softplus(torch.tensor(3.0))), rel=1e-3)
    with pytest.raises(ValueError, match="coordinates must be given with distance=True"):
        PeriodicInterests(graph, town.windows.train, options)


def test_options():
    for kind in (PeriodicInterestsConfig, GRUConfig, CountsConfig):
        for name in kind.presets:
            assert kind.from_dict(kind.preset(name).to_dict()) == kind.preset(name)
    assert (GRUConfig().interests, GRUConfig().counts) == (("sequential",), False)
    for values, message in (
        ({"interests": ()}, "interests must be at least one of"),
        ({"interests": ("hour", "hour")}, "each once"),
        ({"interests": ("month",)}, "interests must be"),
        ({"slot_hours": 5}, "slot_hours must be"),
        ({"hour_tolerance": 6, "slot_hours": 2}, "below half of the 12 slots"),
        ({"hour_tolerance": -1}, "hour_tolerance must be"),
        ({"baselines": ("mf", "mf")}, "baselines must be named once each"),
    ):
        with pytest.raises(ValueError, match=message):
            PeriodicInterestsConfig(**values)
    with pytest.raises(ValueError, match="parts must be at least one of"):
        CountsConfig(parts=())


def test_nothing_to_learn_from(chains):
    with pytest.raises(ValueError, match="at least one check-in to learn from"):
        KnownPlaces(chains, np.array([], dtype=np.int64))
    with pytest.raises(ValueError, match="parts must be among"):
        CountMixture(chains, np.array([0]), ["luck"])
