"""Recommenders beside graphvid's: what they compute, what they are given, how options are chosen, what is recorded."""

from __future__ import annotations

import importlib
import importlib.util
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from graphvid.data import Interactions, InteractionSplits

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(str(REPOSITORY))
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def module(name):
    return importlib.import_module(f"benchmarks.peers.{name}")


def simple():
    return module("_simple_recommenders")


def random_pairs(num_users=40, num_items=15, chance=0.25, seed=0):
    """Pairs with a user without items and an item without users."""
    matrix = np.random.default_rng(seed).random((num_users, num_items)) < chance
    matrix[3], matrix[:, 5] = False, False
    return Interactions.from_pairs(*np.nonzero(matrix), num_users=num_users, num_items=num_items)


def dense(pairs):
    return pairs.to_sparse().toarray().astype(np.float64)


def all_scores(scorer, pairs):
    return np.concatenate([scorer(users).numpy() for users in torch.arange(pairs.num_users).split(7)])


def nearest(weights, k):
    """Keep the k largest of each row, of equal ones the first, without the diagonal."""
    kept = np.zeros_like(weights)
    for i, row in enumerate(weights):
        others = [j for j in range(len(row)) if j != i]
        for j in sorted(others, key=lambda j: (-row[j], j))[:k]:
            kept[i, j] = row[j]
    return kept


# The methods without training


def test_popularity_counts_users():
    pairs = Interactions.from_pairs([0, 1, 1, 2], [1, 0, 1, 1], num_users=3, num_items=3)
    np.testing.assert_array_equal(simple().popularity(pairs)(torch.tensor([2, 0])), [[1, 3, 0], [1, 3, 0]])


def test_item_knn_by_hand():
    """Items 0 and 1 share both users of 0, items 1 and 2 one; 1 has four users, 0 two, 2 one."""
    pairs = Interactions.from_pairs([0, 0, 1, 1, 2, 3, 3], [0, 1, 0, 1, 1, 1, 2])
    cosine, shrunk = (simple().item_knn(pairs, num_neighbors=2, shrinkage=s)(torch.tensor([2])) for s in (0.0, 1.0))
    assert cosine[0].tolist() == pytest.approx([2 / math.sqrt(8), 0, 1 / 2])
    assert shrunk[0].tolist() == pytest.approx([2 / (math.sqrt(8) + 1), 0, 1 / 3])


@pytest.mark.parametrize(("k", "shrinkage"), [(1, 0.0), (4, 0.0), (4, 2.5), (50, 0.0)])
def test_item_knn_against_loops(k, shrinkage):
    pairs = random_pairs()
    matrix = dense(pairs)
    similarity = np.zeros((15, 15))
    for i in range(15):
        for j in range(15):
            both = (matrix[:, i] * matrix[:, j]).sum()
            if both:
                similarity[i, j] = both / (np.sqrt(matrix[:, i].sum() * matrix[:, j].sum()) + shrinkage)
    expected = matrix @ nearest(similarity, k).T
    found = all_scores(simple().item_knn(pairs, num_neighbors=k, shrinkage=shrinkage), pairs)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)
    assert not found[3].any()


@pytest.mark.parametrize(("k", "alpha", "beta"), [(3, 1.0, 0.0), (3, 0.7, 0.4), (50, 1.0, 0.6)])
def test_rp3beta_against_loops(k, alpha, beta):
    pairs = random_pairs(seed=1)
    matrix = dense(pairs)
    of_users, of_items = matrix.sum(axis=1), matrix.sum(axis=0)
    weights = np.zeros((15, 15))
    for i in range(15):
        for j in range(15):
            for user in np.flatnonzero(matrix[:, i] * matrix[:, j]):
                weights[i, j] += (1 / of_items[i] / of_users[user]) ** alpha / of_items[j] ** beta
    found = all_scores(simple().rp3beta(pairs, num_neighbors=k, alpha=alpha, beta=beta), pairs)
    np.testing.assert_allclose(found, matrix @ nearest(weights, k), rtol=1e-5, atol=1e-7)


def test_equal_neighbors_are_taken_by_id_and_the_own_item_is_none():
    """Four items of the same two users are all alike."""
    pairs = Interactions.from_pairs([0] * 4 + [1] * 4 + [2], [0, 1, 2, 3] * 2 + [0], num_users=3)
    scores = simple().item_knn(pairs, num_neighbors=2, shrinkage=0.0)(torch.tensor([0]))
    alike = math.sqrt(2 / 3)  # of item 0, which has one user more, with the others
    assert scores[0].tolist() == pytest.approx([2 * alike, 1 + 1, 1 + 1, 1 + 1])
    assert simple().item_knn(pairs, num_neighbors=2, shrinkage=0.0)(torch.tensor([2]))[0].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("block", [1, 20, 60])
def test_blocks_change_nothing(monkeypatch, block):
    pairs = random_pairs(seed=2)
    methods = [
        lambda: simple().item_knn(pairs, num_neighbors=3, shrinkage=1.0),
        lambda: simple().rp3beta(pairs, num_neighbors=3, alpha=0.8, beta=0.4),
    ]
    whole = [all_scores(method(), pairs) for method in methods]
    left, right = (matrix.tocsr() for matrix in (pairs.to_sparse().T, pairs.to_sparse()))
    assert len(list(simple()._blocks(left, right))) == 1
    monkeypatch.setattr(simple(), "_BLOCK", block)
    ranges = list(simple()._blocks(left, right))
    assert [start for start, _ in ranges] == [0, *(stop for _, stop in ranges)][:-1]
    assert ranges[-1][1] == 15
    for start, stop in ranges:
        assert stop - start == 1 or (left[start:stop] @ right).nnz <= block
    for method, expected in zip(methods, whole):
        np.testing.assert_array_equal(all_scores(method(), pairs), expected)


def test_ease_is_a_ridge_regression_of_every_item_on_the_others():
    pairs = random_pairs()
    matrix = dense(pairs)
    expected = np.zeros_like(matrix)
    for item in range(15):
        others = np.delete(matrix, item, axis=1)
        expected[:, item] = Ridge(alpha=2.0, fit_intercept=False).fit(others, matrix[:, item]).predict(others)
    np.testing.assert_allclose(all_scores(simple().ease(pairs, l2=2.0), pairs), expected, atol=1e-5)


def test_gf_cf_against_dense_matrices():
    pairs = random_pairs()
    matrix = dense(pairs)
    of_users, of_items = (np.maximum(matrix.sum(axis=axis), 1) for axis in (1, 0))
    normal = matrix / np.sqrt(of_users)[:, None] / np.sqrt(of_items)
    low = np.linalg.svd(normal)[2][:4]
    ideal = (low.T @ low) / np.sqrt(of_items)[:, None] * np.sqrt(of_items)
    expected = matrix @ (normal.T @ normal + 0.3 * ideal)
    found = all_scores(simple().gf_cf(pairs, num_factors=4, weight=0.3), pairs)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("item_knn", {"num_neighbors": 0, "shrinkage": 0.0}, "num_neighbors must be a number >= 1, got 0"),
        ("item_knn", {"num_neighbors": 1, "shrinkage": -0.1}, r"shrinkage must be a number >= 0, got -0\.1"),
        ("rp3beta", {"num_neighbors": 1, "alpha": 1.0, "beta": math.nan}, "beta must be a number >= 0, got nan"),
        ("ease", {"l2": -1.0}, r"l2 must be a number >= 0, got -1\.0"),
        ("gf_cf", {"num_factors": 15, "weight": 0.3}, r"num_factors must be in \[1, 14\], below .*, got 15"),
    ],
)
def test_bad_options_are_refused(method, options, message):
    with pytest.raises(ValueError, match=message):
        getattr(simple(), method)(random_pairs(), **options)


def test_ease_refuses_what_would_not_fit():
    with pytest.raises(ValueError, match="train must have at most 8192 items, as EASE is dense, got 8193"):
        simple().ease(Interactions.from_pairs([0], [0], num_items=8193), l2=1.0)


# What passes to a peer and back


@pytest.fixture
def toy_peer(monkeypatch, tmp_path):
    """A module that a peer's process can import."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "toy_peer.py").write_text(
        "import numpy as np\n"
        "from benchmarks.peers._recommender_task import Answer\n"
        "PACKAGES, IMPORTS = ('torch',), ('json',)\n"
        "def fit(train, seed, epochs, scale):\n"
        "    counts = np.bincount(train.items, minlength=train.num_items).astype(np.float32)[:, None]\n"
        "    for epoch in epochs:\n"
        "        users = np.full((train.num_users, 1), scale * (epoch - 2.5), dtype=np.float32)\n"
        "        yield Answer({'epochs': epoch}, users=users, items=counts + seed)\n"
        "def broken(train, seed, epochs):\n"
        "    raise ValueError('no model today')\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setattr(module("_recommender_trial"), "ENVIRONMENT", None)
    return folder


def test_pairs_come_back_as_they_were(tmp_path):
    task, pairs = module("_recommender_task"), random_pairs()
    task.write_pairs(tmp_path, task.Pairs(pairs.indptr, pairs.items, pairs.num_items))
    found = task.read_pairs(tmp_path)
    assert (found.num_users, found.num_items) == (40, 15)
    np.testing.assert_array_equal(found.users, pairs.users)
    np.testing.assert_array_equal(found.to_sparse().toarray(), pairs.to_sparse().toarray())


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"users": np.ones((2, 4))}, r"0\.npz must hold users and items, or scores, got \['users'\]"),
        ({"scores": np.ones((2, 3))}, r"scores must be float32 \(2, 3\), got float64 \(2, 3\)"),
        ({"scores": np.ones((3, 2), np.float32)}, r"scores must be float32 \(2, 3\), got float32 \(3, 2\)"),
        (
            {"users": np.ones((2, 4), np.float32), "items": np.ones((3, 5), np.float32)},
            r"items must be float32 \(3, 4\), got float32 \(3, 5\)",
        ),
        ({"scores": np.full((2, 3), np.nan, np.float32)}, "scores must be finite, got nan"),
    ],
)
def test_a_wrong_answer_is_refused(tmp_path, arrays, message):
    task = module("_recommender_task")
    task.write_about(tmp_path, [{}], {})
    np.savez(tmp_path / "0.npz", **arrays)
    with pytest.raises(ValueError, match=message):
        list(task.read_answers(tmp_path, 2, 3))


def test_a_peer_answers_in_a_process_of_its_own(toy_peer, tmp_path):
    trial, pairs = module("_recommender_trial"), random_pairs()
    row = module("_recommender_rows").RecommenderPeerRow("toy", "", "toy_peer:fit", epochs=(1, 3))
    found = list(trial.trials(row, pairs, 7, {"scale": 2.0}, row.epochs))
    assert [result.found for result in found] == [{"epochs": 1}, {"epochs": 3}]
    assert all(result.versions.keys() == {"python", "numpy", "scipy", "torch"} for result in found)
    assert 0 <= found[0].seconds <= found[1].seconds
    for result, factor in zip(found, (-3.0, 1.0)):
        np.testing.assert_allclose(result.score(torch.tensor([4]))[0], factor * (pairs.item_counts + 7))


def test_a_peer_that_fails_says_why(toy_peer):
    row = module("_recommender_rows").RecommenderPeerRow("toy", "", "toy_peer:broken", epochs=(1,))
    with pytest.raises(RuntimeError, match=r"(?s)toy_peer:broken, seed 0, failed: .*no model today"):
        list(module("_recommender_trial").trials(row, random_pairs(), 0, {}, row.epochs))


def test_all_scores_are_as_good_as_vectors():
    task, trial = module("_recommender_task"), module("_recommender_trial")
    users, items = (np.random.default_rng(seed).random((n, 3), dtype=np.float32) for seed, n in enumerate((4, 6)))
    answers = task.Answer({}, users=users, items=items), task.Answer({}, scores=users @ items.T)
    first, second = (trial.scorer(answer)(torch.tensor([2, 0])) for answer in answers)
    torch.testing.assert_close(first, second)


def test_figures_of_a_ranking_by_hand():
    """User 0 finds its item behind one other, as the first is left out; user 1 finds one of two items within the 20."""
    scores = torch.arange(30.0).flip(0).repeat(2, 1)
    relevant = Interactions.from_pairs([0, 1, 1], [2, 0, 29], num_items=30)
    exclude = Interactions.from_pairs([0], [0], num_users=2, num_items=30)
    found = module("_recommender_trial").figures(lambda users: scores[users], relevant, exclude)
    gain = 1 / math.log2(3)
    assert found == pytest.approx({"recall": (1 + 1 / 2) / 2, "ndcg": (gain + 1 / (1 + gain)) / 2})


# The protocol


def splits_of(validation=True):
    pairs = random_pairs(60, 40, np.linspace(0.05, 0.6, 40))
    rest, test = pairs.hold_out(0.2, seed=1)
    train, held = rest.hold_out(0.2, seed=2)
    return InteractionSplits("toy", train, test, held) if validation else InteractionSplits("toy", rest, test)


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Run the command on toy data and rows; returns the record."""
    command = module("recommenders")
    monkeypatch.setattr(command, "RESULTS", tmp_path)

    def main(rows, *arguments, splits=None):
        monkeypatch.setattr(command, "rows", lambda: rows)
        monkeypatch.setitem(command.DATA, "tiktok", lambda data_dir: splits or splits_of())
        command.main(["--data", "tiktok", *arguments])
        return json.loads((tmp_path / "recommender_peers_tiktok.json").read_text())

    return main


class Spy:
    """A method that keeps what it was fitted to; scores are the truth with ``good=True``, and its opposite without."""

    def __init__(self, truth):
        self.truth, self.fitted = truth, []

    def __call__(self, train, good):
        self.fitted.append(train)
        scores = torch.from_numpy(self.truth.to_sparse().toarray()) * (1.0 if good else -1.0)
        return lambda users: scores[users]


def row(name, fit, grid=None, **options):
    return module("_recommender_rows").RecommenderPeerRow(name, f"About {name}.", fit, grid or {}, **options)


def test_options_are_chosen_by_validation_and_the_table_is_that_of_the_documentation(run, capsys):
    splits = splits_of()
    spy = Spy(splits.validation)  # perfect there, and by chance in the test
    record = run([row("spy", spy, {"good": (False, True)}), row("popularity", simple().popularity)], splits=splits)
    assert record["command"].endswith("recommenders --data tiktok --seeds 0 1 2 --only spy popularity")
    best, popularity = record["rows"]
    assert best["config"] == {"good": True}
    assert [train is splits.train for train in spy.fitted] == [True] * 3
    assert len(best["values"]["ndcg"]) == len(record["seeds"]) == 3
    assert len(set(best["values"]["ndcg"])) == 1
    assert best["train_masked"]["recall"][0] < best["values"]["recall"][0]  # the validation pairs take the first places
    known = module("recommenders").union(splits.train, splits.validation)
    expected = module("_recommender_trial").figures(simple().popularity(splits.train), splits.test, known)
    assert {name: values[0] for name, values in popularity["values"].items()} == expected
    assert (record["k"], record["metrics"]) == (20, ["recall", "ndcg"])
    assert record["data"]["validation"] == splits.validation.num_interactions
    assert "| spy |" in capsys.readouterr().out
    spec = importlib.util.spec_from_file_location("results_rst", REPOSITORY / "docs" / "_ext" / "results_rst.py")
    documentation = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(documentation)
    documentation.check_quality(record)
    assert "About popularity." in documentation.render("quality", record)


def test_without_a_validation_split_training_pairs_are_held_out_and_then_trained_on(run):
    splits = splits_of(validation=False)
    spy = Spy(splits.test)
    (line,) = run([row("spy", spy, {"good": (True, False)})], splits=splits)["rows"]
    searched, judged = spy.fitted[:2], spy.fitted[2]
    assert judged is splits.train
    kept, _ = splits.train.hold_out(0.05, seed=0)
    assert all(np.array_equal(train.items, kept.items) for train in searched)
    assert line["values"] == line["train_masked"]


def test_a_killed_run_goes_on_and_rows_that_were_not_asked_for_stay(run):
    spy, other = Spy(splits_of().validation), Spy(splits_of().validation)
    rows = [row("spy", spy, {"good": (True,)}), row("other", other, {"good": (True, False)})]
    first = run(rows, "--only", "spy")
    assert [line["name"] for line in first["rows"]] == ["spy"]
    assert (len(spy.fitted), len(other.fitted)) == (2, 0)
    second = run(rows)
    assert [line["name"] for line in second["rows"]] == ["spy", "other"]
    assert (len(spy.fitted), len(other.fitted)) == (2, 3)
    assert run(rows, "--only", "other")["rows"] == second["rows"]
    run([row("spy", spy, {"good": (True, False)}), rows[1]], "--only", "spy")  # one point more, and the same choice
    assert (len(spy.fitted), len(other.fitted)) == (3, 3)
    with pytest.raises(ValueError, match="was made from other data"):
        run(rows, splits=splits_of(validation=False))
    run(rows, "--only", "spy", "--fresh", splits=splits_of(validation=False))
    assert len(spy.fitted) == 5


def test_rows_of_the_table_stay_where_there_are_no_figures_to_make_them_of(run, tmp_path):
    spy, other = Spy(splits_of().validation), Spy(splits_of().validation)
    rows = [row("spy", spy, {"good": (True,)}), row("other", other, {"good": (True,)})]
    table = run(rows)
    (tmp_path / ".recommender_peers_tiktok.runs.json").unlink()  # as in a fresh checkout
    again = run(rows, "--only", "other")
    assert [line["values"] for line in again["rows"]] == [line["values"] for line in table["rows"]]
    assert (len(spy.fitted), len(other.fitted)) == (2, 4)
    assert again["command"].endswith("--only spy other")
    (tmp_path / ".recommender_peers_tiktok.runs.json").unlink()
    one_seed = run(rows, "--only", "other", "--seeds", "0")
    assert [line["name"] for line in one_seed["rows"]] == ["other"]


def test_the_epoch_is_chosen_and_every_seed_is_trained(run, toy_peer):
    lines = run([row("toy", "toy_peer:fit", {"scale": (1.0,)}, epochs=(1, 2, 3))], "--seeds", "0", "5")["rows"]
    assert lines[0]["config"] == {"scale": 1.0, "epochs": 3}  # the first whose scores rise with popularity
    assert len(lines[0]["values"]["recall"]) == len(lines[0]["seconds"]) == 2


def test_rows_are_only_run_on_data_of_their_size(run):
    spy = Spy(splits_of().test)
    rows = [row("small", spy, {"good": (True,)}, most_items=39), row("popularity", simple().popularity)]
    assert [line["name"] for line in run(rows)["rows"]] == ["popularity"]
    assert not spy.fitted


def test_every_row_has_a_name_of_its_own_and_a_grid():
    rows = module("_recommender_rows").rows()
    assert len({line.name for line in rows}) == len(rows)
    for line in rows:
        assert len(line.points) >= 1
        assert isinstance(line.fit, str) == bool(line.epochs)
        assert list(line.epochs) == sorted(set(line.epochs))
    assert row("grid", None, {"a": (1, 2), "b": (3,)}).points == [{"a": 1, "b": 3}, {"a": 2, "b": 3}]


# Speed


def test_speed_is_measured_in_turns_and_reported_as_medians(monkeypatch, tmp_path):
    speed = module("_recommender_speed")
    monkeypatch.setattr(importlib.import_module("benchmarks.speed._results"), "RESULTS", tmp_path)
    called, seconds = [], {"graphvid": iter([3.0, 1.0, 2.0, 8.0]), "peer": iter([4.0, 9.0, 5.0, 4.0])}
    methods = [speed.Method(name, "", {}) for name in seconds]
    monkeypatch.setattr(speed, "cases", lambda steps: {"BPR": methods, "SimpleX": methods})

    def time_epoch(method, train):
        called.append(method.name)
        return {"epoch": next(seconds[method.name]), "part": 0.5}

    monkeypatch.setattr(speed, "time_epoch", time_epoch)
    text = speed.measure({"toy": random_pairs()}, 3, 10, "the command", ["BPR"])
    assert called == ["graphvid", "peer"] * 3
    record = json.loads((tmp_path / "recommender_epochs.json").read_text())
    assert record["command"] == "the command --data toy"
    own, peer = record["rows"]
    assert (own["s an epoch"], own["epochs a minute"], own["times the first"]) == (2.0, 30.0, 1.0)
    assert (peer["s an epoch"], peer["times the first"], peer["epochs timed"]) == (5.0, 2.5, 0.5)
    assert "| toy | BPR | peer | 5 | 12 | 2.5 | 0.5 |" in text
    speed.measure({"toy": random_pairs()}, 1, 10, "another", ["Simple"])
    record = json.loads((tmp_path / "recommender_epochs.json").read_text())
    assert record["rows"][:2] == [own, peer]
    assert [(line["model"], line["times the first"]) for line in record["rows"][2:]] == [
        ("SimpleX", 1.0),
        ("SimpleX", 0.5),
    ]


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"model": "mf", "steps": 3}, 3 / 10),
        ({"model": "mf", "steps": 25, "optimizer": "adam"}, 2.0),
        ({"model": "simplex", "steps": 4, "negatives": "per_edge"}, 4 / 10),
    ],
)
def test_graphvid_is_timed_over_the_part_that_it_says(options, part):
    task, pairs = module("_recommender_task"), random_pairs(60, 40, 0.3)
    train = task.Pairs(pairs.indptr, pairs.items, pairs.num_items)
    size = -(-pairs.num_interactions // 10)
    (answer,) = module("_recommender_graphvid").speed(train, seed=0, dim=8, batch_size=size, num_negatives=1, **options)
    assert answer.found["part"] == pytest.approx(part)
    assert answer.found["epoch"] > 0
    assert not answer.arrays


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.xdist_group("recommenders")  # one environment
@pytest.mark.timeout(1800)  # makes the environment
def test_the_libraries_answer_in_their_own_environment():
    trial, pairs = module("_recommender_trial"), random_pairs(60, 40, 0.3)
    scores = {}
    for line in module("_recommender_rows").rows():
        if isinstance(line.fit, str):
            epochs = [epoch and number for number, epoch in enumerate(line.epochs[:2], 1)]
            found = list(trial.trials(line, pairs, 0, line.points[0], epochs))
            assert [result.found["epochs"] for result in found] == epochs
            scores[line.name] = [all_scores(result.score, pairs) for result in found]
            if len(epochs) == 2:
                assert not np.array_equal(*scores[line.name])
            # implicit's BPR draws pairs anew in every call of its fit: it goes on as well, on other pairs.
            calls = epochs if line.name == "implicit BPR" else epochs[-1:]
            *_, again = trial.trials(line, pairs, 0, line.points[0], calls)
            np.testing.assert_allclose(all_scores(again.score, pairs), scores[line.name][-1], rtol=1e-4, atol=1e-6)
    own = all_scores(simple().ease(pairs, l2=10.0), pairs)
    np.testing.assert_allclose(scores["RecBole EASE"][0], own, atol=1e-4)


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.xdist_group("recommenders")  # one environment
@pytest.mark.timeout(1800)
def test_all_methods_of_the_speed_table_run():
    speed, pairs = module("_recommender_speed"), random_pairs(60, 40, 0.3)
    for methods in speed.cases(steps=2).values():
        for method in methods:
            assert speed.time_epoch(method, pairs)["epoch"] > 0
