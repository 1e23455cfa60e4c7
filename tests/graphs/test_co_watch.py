"""The co-watch graph against a count by loops, its invariances and its errors."""

from __future__ import annotations

import math
import subprocess
import sys
from collections import Counter
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphvid.data import WatchLog
from graphvid.graphs import co_watch_graph

WEIGHTS = ["count", "binary", "cosine", "npmi"]
MASK = (1 << 64) - 1


def make_log(pairs, **options):
    """Return the log of (user, video) pairs; repeated pairs stay."""
    frame = pd.DataFrame(pairs, columns=["user_id", "video_id"])
    return WatchLog.from_frame(frame, duplicates="keep", **options)


def edges_of(graph, log):
    """Return {(smaller original id, larger original id): weight}, checking the form of the graph on the way."""
    assert graph.canonical_etypes == [("video", "co_watch", "video")]
    assert graph.idtype == torch.int64
    assert graph.num_nodes() == log.num_videos
    src, dst = (ends.numpy() for ends in graph.edges())
    weight = graph.edata["weight"]
    assert weight.dtype == torch.float32
    assert (src != dst).all()
    order = src * log.num_videos + dst
    assert (np.diff(order) > 0).all(), "sorted, no edge twice"
    ids = list(log.video_ids)
    directed = {(ids[s], ids[d]): w for s, d, w in zip(src, dst, weight.tolist(), strict=True)}
    assert all(directed[d, s] == w for (s, d), w in directed.items()), "both directions, one weight"
    return {pair: w for pair, w in directed.items() if pair[0] < pair[1]}


def mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def brute_force(pairs, *, weight="count", min_count=1, top_k=None, max_videos_per_user=None, seed=0):
    """Return {(i, j): weight} by loops over users and Python's own integers and sets."""
    videos = sorted({video for _, video in pairs})
    hashes = pd.util.hash_array(np.array(videos))
    salt = mix((seed + 0x9E3779B97F4A7C15) & MASK)
    keys = {video: mix(int(h) ^ salt) for video, h in zip(videos, hashes, strict=True)}
    watched: dict = {}
    for user, video in pairs:
        watched.setdefault(user, set()).add(video)
    if max_videos_per_user is not None:
        for user, seen in watched.items():
            user_key = sum(mix(keys[v]) for v in seen) & MASK
            chosen = sorted(seen, key=lambda v: (mix(user_key ^ keys[v]), v))[:max_videos_per_user]
            watched[user] = set(chosen)
    together = Counter(pair for seen in watched.values() for pair in combinations(sorted(seen), 2))
    popularity = Counter(v for seen in watched.values() for v in seen)
    scores = {}
    for (i, j), count in together.items():
        expected = popularity[i] * popularity[j] / len(watched)
        if count < min_count or (weight == "npmi" and count * len(watched) <= popularity[i] * popularity[j]):
            continue
        scores[i, j] = {
            "count": lambda c=count: c,
            "binary": lambda c=count: c,
            "cosine": lambda c=count, e=expected: np.float32(c / math.sqrt(e * len(watched))),
            "npmi": lambda c=count, e=expected: np.float32(math.log(c / e) / -math.log(c / len(watched))),
        }[weight]()
    if top_k is not None:
        kept = set()
        for v in videos:
            mine = [pair for pair in scores if v in pair]
            ordered = sorted(
                mine,
                key=lambda p: (
                    -scores[p],
                    mix((min(keys[p[0]], keys[p[1]]) + mix(max(keys[p[0]], keys[p[1]]))) & MASK),
                    sum(p),
                ),
            )
            kept.update(ordered[:top_k])
        scores = {pair: scores[pair] for pair in kept}
    return {pair: 1.0 if weight == "binary" else float(score) for pair, score in scores.items()}


@pytest.fixture(scope="module")
def pairs():
    rng = np.random.default_rng(0)
    users = rng.integers(0, 60, 900)
    videos = (50 * rng.random(900) ** 2).astype(int)
    return [(int(u), int(v)) for u, v in zip(users, videos, strict=True)]


def test_hand_computed():
    # al: 1 2 3; bo: 1 2 (twice); cy: 2 3; di: 4.  n = 2, 3, 2, 1 and N = 4.
    log = make_log([("al", 1), ("al", 2), ("al", 3), ("bo", 2), ("bo", 1), ("bo", 2), ("cy", 3), ("cy", 2), ("di", 4)])
    assert edges_of(co_watch_graph(log), log) == {(1, 2): 2, (1, 3): 1, (2, 3): 2}
    assert edges_of(co_watch_graph(log, weight="binary"), log) == {(1, 2): 1, (1, 3): 1, (2, 3): 1}
    assert edges_of(co_watch_graph(log, min_count=2), log) == {(1, 2): 2, (2, 3): 2}
    cosine = edges_of(co_watch_graph(log, weight="cosine"), log)
    assert cosine == pytest.approx({(1, 2): 2 / 6**0.5, (1, 3): 0.5, (2, 3): 2 / 6**0.5})
    # 1 and 3 meet exactly as often as chance says: 1 * 4 = 2 * 2. No edge.
    npmi = edges_of(co_watch_graph(log, weight="npmi"), log)
    assert npmi == pytest.approx({(1, 2): math.log(8 / 6) / math.log(2), (2, 3): math.log(8 / 6) / math.log(2)})


@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"min_count": 3},
        {"top_k": 1},
        {"top_k": 4},
        {"top_k": 4, "min_count": 2, "max_videos_per_user": 6, "seed": 3},
        {"max_videos_per_user": 2},
    ],
)
def test_equals_the_count_by_loops(pairs, weight, options):
    log = make_log(pairs)
    full = {"top_k": None, "max_videos_per_user": None, "weight": weight, **options}
    expected = brute_force(pairs, **full)
    assert edges_of(co_watch_graph(log, **full), log) == pytest.approx(expected, rel=1e-6)


def test_top_k_of_either_end():
    # Video 0 meets 1..4 with falling counts; each of these has only video 0.
    pairs = [(f"{v}-{i}", x) for v in range(1, 5) for i in range(6 - v) for x in (0, v)]
    log = make_log(pairs)
    assert len(edges_of(co_watch_graph(log, top_k=1), log)) == 4
    # A triangle 1-2, 1-3, 2-3 of weights 3, 2, 1: top 1 keeps 3, and 2 as the best of video 3.
    triangle = make_log(
        [(f"{a}{b}{i}", v) for a, b, n in ((1, 2, 3), (1, 3, 2), (2, 3, 1)) for i in range(n) for v in (a, b)]
    )
    assert edges_of(co_watch_graph(triangle, top_k=1), triangle) == {(1, 2): 3, (1, 3): 2}


def test_binary_takes_the_strongest_by_count(pairs):
    log = make_log(pairs)
    by_count = edges_of(co_watch_graph(log, top_k=3), log)
    assert edges_of(co_watch_graph(log, weight="binary", top_k=3), log) == dict.fromkeys(by_count, 1.0)


def test_everyone_watched_both_is_no_more_than_chance():
    log = make_log([(u, v) for u in range(3) for v in "ab"] + [(0, "c"), (1, "d"), (0, "e"), (0, "f")])
    npmi = edges_of(co_watch_graph(log, weight="npmi"), log)
    assert ("a", "b") not in npmi
    assert npmi["c", "e"] == 1.0


def test_heavy_user_takes_part_with_a_seeded_subset():
    log = make_log([("heavy", v) for v in range(300)] + [("light", 0), ("light", 1)])
    graphs = [edges_of(co_watch_graph(log, top_k=None, seed=seed, max_videos_per_user=10), log) for seed in (0, 0, 1)]
    assert graphs[0] == graphs[1] != graphs[2]
    chosen = {v for pair in graphs[0] for v in pair} - {0, 1}
    assert 8 <= len(chosen) <= 10
    assert max(chosen) > 100, "a sample, not the first ones"


def test_heavy_users_do_not_all_drop_the_same_videos():
    log = make_log([(u, v) for u in range(40) for v in [*range(100), 1000 + u]])
    graph = co_watch_graph(log, max_videos_per_user=10, top_k=None)
    assert (graph.in_degrees()[:100] > 0).all()


def test_limit_boundary():
    log = make_log([("a", v) for v in range(5)] + [("b", 0), ("b", 1)])
    whole = edges_of(co_watch_graph(log, max_videos_per_user=None), log)
    assert edges_of(co_watch_graph(log, max_videos_per_user=5), log) == whole
    assert len(edges_of(co_watch_graph(log, max_videos_per_user=4), log)) in (6, 7)  # 4 of 5 videos, and the pair of b


@settings(deadline=None, max_examples=25)
@given(
    rows=st.lists(st.tuples(st.integers(0, 7), st.integers(0, 11)), min_size=8, max_size=60),
    weight=st.sampled_from(WEIGHTS),
    top_k=st.sampled_from([None, 1, 2, 5]),
    limit=st.sampled_from([None, 2, 4]),
    seed=st.integers(0, 5),
    data=st.data(),
)
def test_invariances(rows, weight, top_k, limit, seed, data):
    """Row order, numbering of users, vocabulary of videos and chunk size change nothing; loops agree."""
    options = {"weight": weight, "top_k": top_k, "max_videos_per_user": limit, "seed": seed}
    rows = [*rows, (100, 50), (100, 51), (101, 52)]  # so that there are two users and one pair
    log = make_log(rows)
    edges = edges_of(co_watch_graph(log, **options), log)
    assert edges == pytest.approx(brute_force(rows, **options), rel=1e-6)

    shuffled = data.draw(st.permutations(rows))
    other = make_log(shuffled)
    assert edges_of(co_watch_graph(other, **options), other) == edges

    names = data.draw(st.permutations(range(200, 400)))
    renamed = make_log([(names[user], video) for user, video in rows])
    assert edges_of(co_watch_graph(renamed, **options), renamed) == edges

    vocabulary = data.draw(st.permutations([*sorted({video for _, video in rows}), 77, 78]))
    reordered = make_log(rows, video_ids=vocabulary)
    graph = co_watch_graph(reordered, **options)
    ids = np.array(vocabulary)
    found = {
        (int(ids[s]), int(ids[d])): w
        for s, d, w in zip(*graph.edges(), graph.edata["weight"].tolist(), strict=True)
        if ids[s] < ids[d]
    }
    assert found == edges

    for chunk_size in (1, 7):
        assert edges_of(co_watch_graph(log, chunk_size=chunk_size, **options), log) == edges


def test_ids_of_any_type_and_equal_hashes():
    """1 and "1" have the same text and so the same key; ids decide then, and nothing is lost."""
    log = make_log([(u, v) for u in range(3) for v in (1, "1", 2.5, ("a", 1))])
    assert co_watch_graph(log, top_k=None).num_edges() == 12
    assert co_watch_graph(log, top_k=1, seed=4).num_edges() == co_watch_graph(log, top_k=1, seed=4).num_edges()


def test_users_of_the_vocabulary_without_views_do_not_count():
    log = make_log([("a", 1), ("a", 2), ("b", 1), ("b", 2), ("c", 3), ("c", 3)])
    wider = WatchLog(log.user, log.video, pd.Index(["a", "b", "c", "d", "e"]), log.video_ids)
    for weight in WEIGHTS:
        assert edges_of(co_watch_graph(wider, weight=weight), wider) == edges_of(
            co_watch_graph(log, weight=weight), log
        )


def test_progress_bar(capsys):
    log = make_log([(u, v) for u in range(2) for v in range(3)])
    co_watch_graph(log)
    assert capsys.readouterr().err == ""
    co_watch_graph(log, progress=True)
    assert "co-watch pairs" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weight": "pmi"}, r"weight must be one of \['count', 'binary', 'cosine', 'npmi'\], got 'pmi'"),
        ({"min_count": 0}, "min_count must be an integer >= 1, got 0"),
        ({"min_count": None}, "min_count must be an integer >= 1, got None"),
        ({"top_k": 0}, "top_k must be None or an integer >= 1, got 0"),
        ({"top_k": 2.0}, r"top_k must be None or an integer >= 1, got 2\.0"),
        ({"max_videos_per_user": 1}, "max_videos_per_user must be None or an integer >= 2, got 1"),
        ({"seed": -1}, "seed must be an integer >= 0, got -1"),
        ({"seed": True}, "seed must be an integer >= 0, got True"),
        ({"chunk_size": 0}, "chunk_size must be an integer >= 1, got 0"),
        ({"min_count": 3}, "the log has no edge: no two videos share min_count=3 users"),
    ],
)
def test_bad_arguments(options, message):
    log = make_log([(u, v) for u in "ab" for v in (1, 2)])
    with pytest.raises(ValueError, match=message):
        co_watch_graph(log, **options)


def test_bad_logs():
    with pytest.raises(TypeError, match="log must be a WatchLog, got DataFrame"):
        co_watch_graph(pd.DataFrame({"user_id": [1], "video_id": [2]}))
    with pytest.raises(ValueError, match="at least 2 users who watched something, got 1"):
        co_watch_graph(make_log([("a", 1), ("a", 2)]))
    with pytest.raises(ValueError, match="the log has no edge"):
        co_watch_graph(make_log([("a", 1), ("b", 2), ("b", 2)]))
    with pytest.raises(ValueError, match="no two videos share min_count=1 users with a positive npmi weight"):
        co_watch_graph(make_log([(u, v) for u in "ab" for v in (1, 2)]), weight="npmi")


MILLION = """
import resource
import numpy as np, pandas as pd
from graphvid.data import WatchLog
from graphvid.graphs import co_watch_graph

rng = np.random.default_rng(0)
user = (100_000 * rng.random(1_000_000) ** 1.5).astype(np.int64)
video = (50_000 * rng.random(1_000_000) ** 2).astype(np.int64)
log = WatchLog(user, video, pd.RangeIndex(100_000), pd.RangeIndex(50_000))
graph = co_watch_graph(log, max_videos_per_user=None)
print(graph.num_edges(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


@pytest.mark.slow
def test_a_million_interactions_fit_in_4_gb():
    done = subprocess.run([sys.executable, "-c", MILLION], capture_output=True, text=True, check=True)
    num_edges, peak = map(int, done.stdout.split())
    assert num_edges > 3_000_000
    assert peak < 4e9
