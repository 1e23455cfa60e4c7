"""The co-watch tables: what a method is given, that a figure is that of its vectors, and the figures that are kept."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import dgl
import numpy as np
import pytest

from benchmarks import _record, _table
from benchmarks.__main__ import main
from benchmarks.quality import _co_watch
from graphvid.data import SyntheticCoWatch
from graphvid.graphs import co_watch_graph, split_nodes
from graphvid.models import RGCConfig
from graphvid.tasks.co_watch import VideoGraph

SMALL = RGCConfig(hidden=(16,), dim=8, batch_size=32, num_steps=3)
CO_WATCH = ("amazon_photo", "amazon_computers", "tiktok", "synthetic")


@pytest.fixture(scope="module")
def videos() -> VideoGraph:
    """A world whose test part has more videos than the cut-off."""
    world = SyntheticCoWatch(num_users=200, num_videos=240, watches_per_user=8.0)
    return VideoGraph("small", co_watch_graph(world.log), world.features)


def _judge(videos: VideoGraph, embed, seed: int = 0) -> dict:
    return _co_watch.judge(lambda data_dir: videos, embed, seed, None)


def test_figures_against_loops_over_the_test_part(videos) -> None:
    vectors = np.random.default_rng(3).normal(size=(240, 6)).astype(np.float32)
    test = split_nodes(240, seed=1).test
    found = _judge(videos, lambda videos, train, seed: (vectors, 0.25), seed=1)
    edges = set(zip(*(end.tolist() for end in videos.graph.edges()), strict=True))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    by_query = []
    for query in test:
        others = [video for video in test if video != query]
        ranked = sorted(others, key=lambda video: -float(unit[query] @ unit[video]))
        places = np.array([place for place, video in enumerate(ranked, 1) if (query, video) in edges])
        if len(places):
            near = places[places <= 60]
            ideal = (1 / np.log2(1 + np.arange(1, min(len(places), 60) + 1))).sum()
            precisions = np.arange(1, len(places) + 1) / places
            ndcg = (1 / np.log2(1 + near)).sum() / ideal
            by_query.append([ndcg, precisions.mean(), 1 / places[0], len(near) / len(places)])
    assert len(by_query) > 40
    assert [found[name] for name in ("ndcg", "map", "mrr", "recall")] == pytest.approx(np.mean(by_query, axis=0))
    assert found["retention"] == 0.25


def test_a_method_gets_the_training_videos_of_the_seed_and_is_judged_by_the_others(videos) -> None:
    given = []

    def embed(world, train, seed, noise=0.0):
        given.append(train)
        vectors = world.features.concatenate().copy()
        vectors[train] += noise
        return vectors, None

    plain, other = (_judge(videos, partial(embed, noise=noise), seed=4) for noise in (0.0, 9.0))
    assert plain == other
    assert np.array_equal(given[0], split_nodes(240, seed=4).train)
    _judge(videos, embed, seed=5)
    assert not np.array_equal(given[0], given[2])


def test_training_does_not_see_a_test_video(videos) -> None:
    split = split_nodes(240, seed=0)
    hidden = {name: x.copy() for name, x in videos.features.modalities.items()}
    for x in hidden.values():
        x[split.test] = 1e3
    src, dst = videos.graph.edges()
    touched = np.flatnonzero(np.isin(src, split.test) | np.isin(dst, split.test))
    other = replace(
        videos,
        graph=dgl.remove_edges(videos.graph, touched),
        features=type(videos.features)(videos.features.ids, hidden),
    )
    first, second = (_co_watch.learnt(SMALL, world, split.train, 7) for world in (videos, other))
    assert np.array_equal(first[0][split.train], second[0][split.train])
    assert not np.array_equal(first[0][split.test], second[0][split.test])
    assert first[1] == second[1]
    assert not np.array_equal(first[0], _co_watch.learnt(SMALL, videos, split.train, 8)[0])


@pytest.mark.parametrize("name", CO_WATCH)
def test_rows_have_names_and_options_of_their_own(name) -> None:
    rows = importlib.import_module(f"benchmarks.quality.{name}").TABLE.rows
    assert len({row.name for row in rows}) == len(rows) == 23 + (name == "synthetic")
    trained = [json.dumps(row.about) for row in rows if row.config]
    assert len(set(trained)) == len(trained) == 20
    assert all(row.seeded for row in rows)  # the split is another one for every seed


@pytest.mark.parametrize("name", [*CO_WATCH, "frame_segmm", "frame_synthetic"])
def test_figures_in_the_repository_are_those_of_the_rows(name) -> None:
    """A command would keep every line that is there: none is of other options than the row of that name."""
    record = json.loads((_table.RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    rows = importlib.import_module(f"benchmarks.quality.{name}").TABLE.rows
    assert list(_record.unchanged(rows, record)) == [line["name"] for line in record["rows"]]
    assert all(len(line["cpu_seconds"]) == len(record["seeds"]) for line in record["rows"])


def test_the_command_lists_what_there_is(capsys) -> None:
    assert main(["quality", "nothing"]) == 2
    files = sorted(path.stem for path in Path(_co_watch.__file__).parent.glob("[a-z]*.py"))
    assert len(files) > 11
    assert f"quality: {', '.join(files)}\n" in capsys.readouterr().err
