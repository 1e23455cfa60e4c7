from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier

from graphvid.data import Standardizer, SyntheticCoWatch


def small(**arguments):
    return SyntheticCoWatch(**{"num_users": 300, "num_videos": 200, "seed": 3} | arguments)


def arrays(world):
    log = world.log
    return {
        "user": log.user,
        "video": log.video,
        "watch_time": log.watch_time,
        "duration": log.duration,
        "timestamp": log.timestamp,
        "topics": world.topics,
        "oracle": world.oracle,
        **world.features.modalities,
    }


@pytest.fixture(scope="module")
def world():
    return SyntheticCoWatch()


def cosine(table):
    unit = table / np.linalg.norm(table, axis=1, keepdims=True)
    return unit @ unit.T


def co_watches(log):
    watched = np.zeros((log.num_users, log.num_videos), dtype=np.float32)
    watched[log.user, log.video] = 1
    counts = watched.T @ watched
    np.fill_diagonal(counts, 0)
    return counts


def precision(similarity, counts, k=20):
    """Mean overlap of the k most similar videos with the k most co-watched ones."""
    similarity = similarity.copy()
    np.fill_diagonal(similarity, -np.inf)
    near = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
    together = np.argsort(-counts, axis=1, kind="stable")[:, :k]
    return np.mean([len(np.intersect1d(*rows)) / k for rows in zip(near, together)])


def test_everything_is_a_function_of_the_seed():
    first, again, other = arrays(small()), arrays(small()), arrays(small(seed=4))
    for name, array in first.items():
        np.testing.assert_array_equal(array, again[name])
        assert array.shape != other[name].shape or not np.array_equal(array, other[name])


def test_no_global_random_state_is_touched():
    np.random.seed(0)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    small()
    assert np.random.random() == expected  # noqa: NPY002


def test_features_change_without_the_log_and_the_log_without_the_features():
    base, noisier, wilder = small(), small(noise=2.0), small(explore=0.5)
    np.testing.assert_array_equal(base.log.video, noisier.log.video)
    assert not np.array_equal(base.features.concatenate(), noisier.features.concatenate())
    np.testing.assert_array_equal(base.features.concatenate(), wilder.features.concatenate())
    assert not np.array_equal(
        base.log.user[:500] * 200 + base.log.video[:500], wilder.log.user[:500] * 200 + wilder.log.video[:500]
    )


def test_shapes_and_dtypes():
    world = small(num_supertopics=3, topics_per_supertopic=4)
    assert (world.log.num_users, world.log.num_videos) == (300, 200)
    assert list(world.features.ids) == list(world.log.video_ids) == list(range(200))
    assert world.features.dims == {"visual": 96, "audio": 32}
    assert world.topics.dtype == world.supertopics.dtype == world.log.user.dtype == world.log.video.dtype == np.int64
    assert world.oracle.dtype == np.float32
    assert world.oracle.shape == (200, 12)
    np.testing.assert_array_equal(world.supertopics, world.topics // 4)
    np.testing.assert_array_equal(np.bincount(world.topics), [17] * 8 + [16] * 4)


def test_the_log_is_plausible(world):
    log = world.log
    assert len(np.unique(log.user * log.num_videos + log.video)) == log.num_interactions
    assert np.bincount(log.user, minlength=4000).mean() == pytest.approx(24, rel=0.1)
    assert 5 <= log.duration.min() <= log.duration.max() <= 300
    ratio = log.watch_time / log.duration
    assert 0 < ratio.min() <= ratio.max() <= 1
    assert 0 <= log.timestamp.min() <= log.timestamp.max() < 30 * 86400
    lengths = {}
    for video, duration in zip(log.video, log.duration):
        assert lengths.setdefault(video, duration) == duration


def test_users_watch_few_topics_and_finish_what_they_like(world):
    log = world.log
    share = np.zeros((log.num_users, 48))
    np.add.at(share, (log.user, world.topics[log.video]), 1)
    share /= np.maximum(share.sum(axis=1, keepdims=True), 1)
    assert np.median(share.max(axis=1)) > 0.3  # 48 topics: 0.02 by chance, more by few draws
    liked = share[log.user, world.topics[log.video]]
    ratio = log.watch_time / log.duration
    assert ratio[liked > 0.2].mean() > ratio[liked < 0.05].mean() + 0.2


def test_explore_decides_how_many_watches_follow_the_taste():
    def within(explore):
        world = small(explore=explore)
        counts = co_watches(world.log)
        same = world.topics[:, None] == world.topics
        return counts[same].sum() / counts.sum()

    assert within(0.0) > within(0.4) > within(1.0)
    assert within(1.0) == pytest.approx(1 / 48, abs=0.01)


def test_without_nuisance_and_noise_raw_features_show_the_topic():
    world = SyntheticCoWatch(num_users=100, num_videos=400, nuisance=0, noise=0, seed=1)
    similarity = cosine(world.features.modalities["visual"])
    np.fill_diagonal(similarity, -np.inf)
    assert (world.topics[similarity.argmax(axis=1)] == world.topics).mean() > 0.95


def test_the_best_embedding_beats_raw_features_by_far(world):
    counts = co_watches(world.log)[:1000, :1000]
    best, raw = (precision(cosine(table[:1000]), counts) for table in (world.oracle, world.features.concatenate()))
    chance = 20 / 999
    assert best > 3 * raw
    assert raw > 1.5 * chance  # poor, not empty


def test_an_encoder_reads_the_topic_of_new_videos_better_than_raw_neighbours(world):
    x = world.features.concatenate()
    train, test = np.split(np.random.default_rng(0).permutation(len(x)), [2100])
    x = Standardizer.fit(x, train).transform(x)
    raw = KNeighborsClassifier(5, metric="cosine")
    linear = LogisticRegression(C=0.01)
    deep = MLPClassifier((256,), alpha=1.0, max_iter=40, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        scores = [m.fit(x[train], world.topics[train]).score(x[test], world.topics[test]) for m in (raw, linear, deep)]
    assert scores[0] + 0.2 < scores[1] < scores[2] < 0.95  # measured: 0.51, 0.77, 0.82


def test_inner_products_of_the_oracle_are_rates_of_two_topics():
    world = SyntheticCoWatch(
        num_users=3000, num_videos=60, num_supertopics=2, topics_per_supertopic=2, explore=0.0, seed=0
    )
    draws = np.zeros((3000, 4))
    np.add.at(draws, (world.log.user, world.topics[world.log.video]), 1)
    first = [np.flatnonzero(world.topics == topic)[0] for topic in range(4)]
    rates = world.oracle[first] @ world.oracle[first].T
    assert rates.sum() == pytest.approx(1, abs=1e-5)
    away = ~np.eye(4, dtype=bool)
    observed = (draws.T @ draws)[away]
    assert np.corrcoef(rates[away], observed)[0, 1] > 0.9


def test_topics_are_nested_in_what_is_watched(world):
    counts = co_watches(world.log)
    topic = world.topics[:, None] == world.topics
    above = (world.supertopics[:, None] == world.supertopics) & ~topic
    elsewhere = world.supertopics[:, None] != world.supertopics
    assert counts[topic].mean() > 2 * counts[above].mean() > 3 * counts[elsewhere].mean()


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"num_users": 0}, "num_users must be >= 1, got 0"),
        ({"num_supertopics": 0}, "num_supertopics must be >= 1, got 0"),
        ({"topics_per_supertopic": -1}, "topics_per_supertopic must be >= 1, got -1"),
        ({"num_videos": 47}, "num_videos must be at least the number of topics, 48, got 47"),
        ({"explore": 1.1}, r"explore must be in \[0, 1\], got 1.1"),
        ({"explore": float("nan")}, r"explore must be in \[0, 1\], got nan"),
        ({"nuisance": -1.0}, "nuisance must be a finite number >= 0, got -1.0"),
        ({"noise": float("inf")}, "noise must be a finite number >= 0, got inf"),
        ({"watches_per_user": 0}, "watches_per_user must give at least one watch, got none with 0"),
    ],
)
def test_bad_arguments_are_named(arguments, match):
    with pytest.raises(ValueError, match=match):
        SyntheticCoWatch(**arguments)


def test_the_smallest_world():
    world = SyntheticCoWatch(num_users=1, num_videos=1, num_supertopics=1, topics_per_supertopic=1)
    assert world.log.num_interactions == 1
    np.testing.assert_allclose(world.oracle, [[1]], rtol=1e-6)
