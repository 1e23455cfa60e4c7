"""Options chosen on validation videos: who judges, what is tried, what is taken, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from graphvid.data import Features
from graphvid.graphs import NodeSplit, node_subgraph, relation_graph
from graphvid.metrics import cold_start
from graphvid.models import RGCConfig
from graphvid.runs import RunDirectory
from graphvid.runs.callbacks import TrainingLog
from graphvid.sampling import TripletSampler, neighbor_table
from graphvid.tasks import load_run, train
from graphvid.tasks.co_watch import CoWatchSource, VideoGraph, load_video_graph
from graphvid.tasks.co_watch import tuning as tuned
from graphvid.tasks.co_watch.report import report
from tests.compare_runs import compare

NUM, GROUPS = 120, 12
GROUP = np.arange(NUM) % GROUPS
SRC, DST = (x.astype(np.int64) for x in np.nonzero(np.triu(GROUP[:, None] == GROUP[None, :], 1)))
RNG = np.random.default_rng(0)
NOISE = RNG.standard_normal((NUM, 40)).astype(np.float32)
SPLIT = NodeSplit(np.arange(0, 60), np.arange(60, 120))
CONFIG = RGCConfig()


def videos_of(features, **options):
    graph = relation_graph(SRC, DST, num_nodes=NUM)
    return VideoGraph("groups", graph, Features(range(NUM), {"look": features}), tune="quick", **options)


def unit(x):
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


GOOD = np.eye(GROUPS, dtype=np.float32)[GROUP]  # a vector that knows the groups


def test_the_videos_that_judge_are_training_videos_and_never_more_than_4000():
    videos = videos_of(NOISE)
    outer, inner = tuned.split_videos(videos, CONFIG), tuned.split_videos(videos, replace(CONFIG, hold_out=0.25))
    assert set(inner.train) | set(inner.test) == set(outer.train)
    assert not set(inner.train) & set(inner.test)
    assert len(inner.test) == round(0.25 * len(outer.train))
    large = replace(videos, graph=relation_graph([0], [1], num_nodes=40_000))
    assert len(tuned.split_videos(large, replace(CONFIG, hold_out=0.25)).test) == 4000


@pytest.mark.parametrize(
    ("learnt", "features", "wanted"),
    [
        (GOOD, NOISE, "none"),  # noise has no place beside a good vector
        (NOISE[:, :12], np.concatenate([GOOD, 0.01 * NOISE], axis=1), "features"),
    ],
)
def test_what_is_better_is_chosen_and_its_figure_is_that_of_its_vectors(learnt, features, wanted):
    found = tuned.choose(videos_of(features), SPLIT, unit(learnt), CONFIG)
    chosen = found["chosen"]
    best = max(setting["ndcg"] for setting in found["tried"])
    assert chosen["ndcg"] >= 0.99 * best
    enough = [x for x in found["tried"] if x["ndcg"] >= 0.99 * best]
    assert chosen["columns"] == min(x["columns"] for x in enough)
    assert (chosen["raw"] == "none") == (wanted == "none")
    table = neighbor_table(node_subgraph(relation_graph(SRC, DST, num_nodes=NUM), SPLIT.test))
    alone = next(x for x in found["tried"] if x["raw"] == "none")
    assert alone["ndcg"] == cold_start(unit(learnt)[SPLIT.test], table.indptr, table.indices).ndcg
    assert found["whole"]["raw"] == pytest.approx(
        cold_start(features[SPLIT.test], table.indptr, table.indices).ndcg, abs=1e-4
    )


def test_fewer_columns_are_not_bought_by_falling_below_the_features():
    rng = np.random.default_rng(0)
    noisy = (GOOD + 0.28 * rng.standard_normal(GOOD.shape)).astype(np.float32)
    learnt = unit((GOOD + 0.6 * rng.standard_normal(GOOD.shape)).astype(np.float32))
    found = tuned.choose(videos_of(noisy), SPLIT, learnt, CONFIG)
    features = max(found["whole"].values())
    best = max(setting["ndcg"] for setting in found["tried"])
    near = [setting for setting in found["tried"] if setting["ndcg"] >= 0.99 * best]
    assert min(near, key=lambda setting: setting["columns"])["ndcg"] <= features
    assert found["chosen"]["ndcg"] > features


def test_a_learned_part_is_preferred_to_projected_features_that_are_a_little_better():
    rng = np.random.default_rng(2)
    wide = np.pad(GOOD, ((0, 0), (0, 188)))
    noisy = (wide + 0.2 * rng.standard_normal(wide.shape)).astype(np.float32)
    learnt = unit((GOOD + 0.6 * rng.standard_normal(GOOD.shape)).astype(np.float32))
    found = tuned.choose(videos_of(noisy), SPLIT, learnt, CONFIG)
    best = max(found["tried"], key=lambda setting: setting["ndcg"])
    assert best["raw_weight"] == 1.0
    assert best["ndcg"] > found["chosen"]["ndcg"] > max(found["whole"].values())
    assert found["chosen"]["raw_weight"] == 0.7


def test_features_alone_are_taken_only_if_nothing_with_a_learned_part_comes_near():
    learned = {"raw": "raw", "raw_dim": 64, "raw_weight": 0.5, "columns": 128, "ndcg": 0.491}
    alone = {"raw": "raw", "raw_dim": 64, "raw_weight": 1.0, "columns": 64, "ndcg": 0.495}
    options = RGCConfig().to_dict()

    def taken(ndcg):
        choices = {"validation": {**learned, "ndcg": ndcg}, "validation-without-skip": alone}
        found = {
            name: {"choice": {"tried": [x], "chosen": x, "whole": {"raw": 0.48}}, "options": options}
            for name, x in choices.items()
        }
        config, record = tuned.settled(CONFIG, found)
        assert record["chosen"]["raw_weight"] == config.raw_weight
        return config.raw_weight

    assert taken(0.491) == 0.5
    assert taken(0.489) == 1.0


def test_columns_are_those_asked_for():
    learnt = unit(NOISE[:, :12])
    of_dim = {
        dim: tuned.choose(videos_of(GOOD + 0.1 * NOISE[:, :12], dim=dim), SPLIT, learnt, CONFIG)
        for dim in ("20", "raw")
    }
    assert {x["columns"] for x in of_dim["20"]["tried"] if x["raw_weight"] < 1} == {20}
    assert {x["raw_dim"] for x in of_dim["raw"]["tried"]} == {None}


def test_every_form_is_tried_with_every_weight():
    tried = tuned.choose(videos_of(NOISE), SPLIT, unit(GOOD), CONFIG)["tried"]
    most = max(x["columns"] for x in tried)
    pairs = [(x["raw"], x["raw_weight"]) for x in tried if x["columns"] == most]
    assert sorted(pairs) == [(form, weight) for form in ("raw", "standardised") for weight in tuned.WEIGHTS]


def test_a_tuned_run_is_made_of_what_its_trial_chose(world_files, config, tmp_path):
    source = CoWatchSource(log=str(world_files / "log.csv"), features=str(world_files / "features.npz"))
    metrics = train("rgc", source, tmp_path / "run", config, progress=False)
    alone = train("rgc", replace(source, tune="none"), tmp_path / "alone", config, progress=False)
    chosen, run = metrics["tuning"]["chosen"], load_run(tmp_path / "run")
    options = RGCConfig.from_dict(metrics["tuning"]["options"])
    kept = {name: chosen[name] for name in ("raw", "raw_dim", "raw_weight") if name in chosen}
    assert options == replace(config, skip="raw" if chosen["trial"] == "validation" else "none", **kept)
    assert {x["trial"] for x in metrics["tuning"]["tried"]} == {"validation", "validation-without-skip"}
    assert run.vectors().modalities["embedding"].shape == (96, chosen["columns"])
    again = train("rgc", replace(source, tune="none"), tmp_path / "again", options, progress=False)
    assert np.array_equal(
        load_run(tmp_path / "again").vectors().modalities["embedding"], run.vectors().modalities["embedding"]
    )
    assert again["cold_start"]["graphvid"] == metrics["cold_start"]["graphvid"]
    assert {name: metrics["cold_start"][name] for name in alone["cold_start"] if name != "graphvid"} == {
        name: scores for name, scores in alone["cold_start"].items() if name != "graphvid"
    }
    assert run.evaluate(progress=False) == metrics["cold_start"]
    text = report(RunDirectory(tmp_path / "run")).to_text()
    assert text.startswith(("Chosen on validation videos: ", "Nothing tried beats the features as they are"))


class Killed(BaseException):
    """Stands for the end of the process."""


def test_a_run_killed_in_its_trial_and_after_it_ends_with_the_same_files(world_files, config, tmp_path, monkeypatch):
    source = CoWatchSource(log=str(world_files / "log.csv"), features=str(world_files / "features.npz"))
    train("rgc", source, tmp_path / "whole", config, checkpoint_every=1, progress=False)
    end_of_step = TrainingLog.on_train_batch_end
    for steps in (1, 4):  # of 2 in each of the trials and 8 after them
        left = [steps]

        def killed(*arguments, left=left):
            if not left[0]:
                raise Killed
            left[0] -= 1
            end_of_step(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(TrainingLog, "on_train_batch_end", killed)
            with pytest.raises(Killed):
                train("rgc", source, tmp_path / "run", config, checkpoint_every=1, resume=steps == 4, progress=False)
    assert (tmp_path / "run" / "validation" / "metrics.json").exists()
    train("rgc", source, tmp_path / "run", config, checkpoint_every=1, resume=True, progress=False)
    for folder in ("", "validation", "validation-without-skip"):
        assert all(line.startswith("equal") for line in compare(tmp_path / "whole" / folder, tmp_path / "run" / folder))


def own_graph(folder, num, far):
    """Write a graph of one's own, ids as text, in which all videos are neighbours but the pairs of ``far``."""
    ids = np.array([f"clip-{i:03d}" for i in range(num)])
    src, dst = (x for x in np.triu_indices(num, 1))
    kept = np.array([(a, b) not in far for a, b in zip(src.tolist(), dst.tolist(), strict=True)])
    pd.DataFrame({"src": ids[src[kept]], "dst": ids[dst[kept]]}).to_csv(folder / "edges.csv", index=False)
    Features(ids, {"look": NOISE[:num]}).save(folder / "features.npz")
    source = CoWatchSource(edges=str(folder / "edges.csv"), features=str(folder / "features.npz"))
    return source, load_video_graph(source, progress=False)


def parts_of(videos, config):
    """Training videos, and of these the ones that the trial trains on and the ones that judge it."""
    inner = tuned.split_videos(videos, replace(config, hold_out=tuned.SHARE))
    return np.union1d(inner.train, inner.test), inner.train, inner.test


def test_a_trial_goes_on_without_the_videos_that_have_no_stranger_left(config, tmp_path):
    """The first training video knows all that the trial trains on; its strangers are those that judge."""
    _, videos = own_graph(tmp_path, 60, set())
    _, train_ids, held = parts_of(videos, config)
    hub, *others = train_ids.tolist()
    pairs = [*((hub, video) for video in held.tolist()), *pairwise(others), (others[0], others[-1])]
    source, videos = own_graph(tmp_path, 60, {(min(pair), max(pair)) for pair in pairs})
    with pytest.raises(ValueError, match="got 1 anchors without, such as 0"):
        TripletSampler(node_subgraph(videos.graph, train_ids), None, batch_size=1, level_probs=(0, 0, 0, 1))
    metrics = train("rgc", source, tmp_path / "run", config, progress=False)
    trial = RunDirectory(tmp_path / "run" / "validation")
    assert trial.read_metrics()["sampler"]["skipped_anchors"] == 1
    assert metrics["sampler"]["skipped_anchors"] == 0
    assert metrics["tuning"]["options"]["on_shortfall"] == "raise"  # the trial's is not taken over


@pytest.mark.parametrize("dense", [False, True])
def test_a_graph_that_holds_no_validation_part_says_so_and_goes_on(config, tmp_path, dense):
    """Few videos; and many, of which the trial would train on a complete graph."""
    num = 60 if dense else 20
    _, videos = own_graph(tmp_path, num, set())
    training, train_ids, _ = parts_of(videos, config)
    pairs = [(a, b) for a in training.tolist() for b in training.tolist() if a < b]
    if dense:
        pairs = [pair for pair in pairs if not set(pair) <= set(train_ids.tolist())]
    source, _ = own_graph(tmp_path, num, set(pairs[:: 1 if dense else 2]))
    metrics = train("rgc", source, tmp_path / "run", config, progress=False)
    assert metrics["tuning"] is None
    assert not (tmp_path / "run" / "validation").exists()
    text = report(RunDirectory(tmp_path / "run")).to_text()
    assert text.startswith("The graph is too small or too dense to hold validation videos")


def test_what_is_refused(source, config, tmp_path):
    quick = replace(source, tune="quick")
    for options, message in (
        ({"raw": "raw"}, "raw and skip must be 'none' and hold_out 0 with tune 'quick', got {'raw': 'raw'"),
        ({"skip": "raw"}, "got {'raw': 'none', 'skip': 'raw'"),
        ({"hold_out": 0.2}, "'hold_out': 0.2}"),
    ):
        with pytest.raises(ValueError, match=message):
            train("rgc", quick, tmp_path / "run", replace(config, **options), progress=False)
    with pytest.raises(ValueError, match="dim must be more than 8, the columns of the learnt vector"):
        train("rgc", replace(quick, dim="8"), tmp_path / "run", config, progress=False)
    for dim in ("wide", "0", "-3", "99999"):
        with pytest.raises(ValueError, match="dim must be 'auto', 'raw' or a number of columns up to 65536, got"):
            replace(quick, dim=dim)
    with pytest.raises(ValueError, match="dim must be 'auto' with tune 'none', got '128'"):
        replace(source, dim="128")
