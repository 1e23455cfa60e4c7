"""The world of skips: its shape, its truth, its null settings, and what a small model gains from clips in it."""

from __future__ import annotations

import re

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from graphvid.data import SyntheticSkip, check_no_leak


@pytest.fixture(scope="module")
def world():
    return SyntheticSkip()


def completed(world):
    return world.log.watch_time >= world.log.duration


def test_shape(world):
    log = world.log
    assert (log.num_users, log.num_videos, log.num_interactions) == (300, 1200, 24000)
    assert world.clips.array.shape == (1200, 8, 32)
    assert world.clips.array.dtype == np.float32
    assert world.clip_topics.shape == (1200, 8)
    assert world.tastes.shape == (300, 16)
    assert world.hazards.shape == (24000, 8)
    assert (log.duration == 8.0).all()
    assert len(np.unique(log.user * 1200 + log.video)) == 24000  # nothing is shown twice
    np.testing.assert_array_equal(np.bincount(log.user), np.full(300, 80))


def test_videos_are_runs_of_distinct_topics(world):
    for topics in world.clip_topics:
        runs = topics[np.flatnonzero(np.r_[True, topics[1:] != topics[:-1]])]
        assert len(runs) == 4 == len(set(runs.tolist()))
    assert set(world.clip_topics.ravel().tolist()) == set(range(16))


def test_tastes(world):
    for level, count in enumerate((5, 7, 4)):
        assert ((world.tastes == level).sum(axis=1) == count).all()


def test_groups_share_most_of_their_taste():
    tastes = SyntheticSkip(num_groups=10).tastes.reshape(-1, 10, 16)
    within = (tastes[:-1] == tastes[1:]).mean()
    between = (tastes[:, :-1] == tastes[:, 1:]).mean()
    assert within > 0.75  # 0.85 ** 2 and what agrees by chance
    assert between < 0.5


def test_features_are_orthonormal_topics_and_noise(world):
    array = world.clips.array.reshape(-1, 32).astype(float)
    topics = world.clip_topics.ravel()
    prototypes = np.stack([array[topics == topic].mean(axis=0) for topic in range(16)])
    np.testing.assert_allclose(prototypes @ prototypes.T, np.eye(16), atol=0.05)
    assert np.square(array - prototypes[topics]).sum(axis=1).mean() == pytest.approx(0.35**2, rel=0.05)
    exact = SyntheticSkip(num_users=2, num_videos=40, impressions_per_user=8, noise=0.0)
    np.testing.assert_allclose(np.linalg.norm(exact.clips.array, axis=2), 1, rtol=1e-6)


def test_windows_are_half_a_quarter_and_a_quarter_of_every_user_in_time(world):
    for rows, count in zip(world.windows, (40, 20, 20)):
        np.testing.assert_array_equal(np.bincount(world.log.user[rows]), np.full(300, count))
    graph, supervision, test = (world.log.select(rows) for rows in world.windows)
    check_no_leak(graph, supervision)
    check_no_leak(world.log.select(np.concatenate(world.windows[:2])), test)


def test_loops_are_complete_views(world):
    loops = world.log.watch_time > 8.0
    assert world.log.watch_time.max() <= 20.0
    assert loops.sum() / completed(world).sum() == pytest.approx(0.05, abs=0.01)
    assert not (SyntheticSkip(loop_share=0.0).log.watch_time > 8.0).any()


def test_hazards_and_outcomes_follow_the_tastes(world):
    """Against loops, and the share of those who leave at a clip that they reached."""
    log = world.log
    for row in range(0, 24000, 1501):
        levels = [world.tastes[log.user[row], topic] for topic in world.clip_topics[log.video[row]]]
        hazards = [(0.01, 0.04, 0.45)[level] for level in levels]
        assert world.hazards[row].tolist() == hazards
        assert world.oracle[row] == pytest.approx(np.prod([1 - hazard for hazard in hazards]))
    stop = np.where(completed(world), 8, (log.watch_time * 1000).round().astype(int) // 1000)
    reached = np.arange(8) <= stop[:, None]
    left = np.arange(8) == stop[:, None]
    for hazard in (0.01, 0.04, 0.45):
        at = reached & (world.hazards == hazard)
        assert left[at].mean() == pytest.approx(hazard, abs=4 * np.sqrt(hazard * (1 - hazard) / at.sum()))
    inside = log.watch_time[stop < 8] % 1.0
    assert np.quantile(inside, [0.25, 0.5, 0.75]) == pytest.approx([0.25, 0.5, 0.75], abs=0.02)


def test_the_oracle_is_the_frequency_of_completion(world):
    done = completed(world)
    assert done.mean() == pytest.approx(world.oracle.mean(), abs=4 * done.std() / np.sqrt(len(done)))
    edges = np.quantile(world.oracle, np.linspace(0, 1, 11))
    group = np.searchsorted(edges[1:-1], world.oracle)
    for number in np.unique(group):
        rows = group == number
        error = np.sqrt((world.oracle[rows] * (1 - world.oracle[rows])).sum()) / rows.sum()
        assert done[rows].mean() == pytest.approx(world.oracle[rows].mean(), abs=4 * error)


def test_one_topic_a_video_is_one_topic_in_every_clip():
    topics = SyntheticSkip(topics_per_video=1).clip_topics
    assert (topics == topics[:, :1]).all()
    topics = SyntheticSkip(topics_per_video=8).clip_topics
    assert all(len(set(row.tolist())) == 8 for row in topics)


def test_shuffled_places_keep_who_completed(world):
    shuffled = SyntheticSkip(shuffle_places=True)
    np.testing.assert_array_equal(completed(shuffled), completed(world))
    np.testing.assert_array_equal(shuffled.log.video, world.log.video)
    np.testing.assert_array_equal(shuffled.clips.array, world.clips.array)
    clip = shuffled.log.watch_time[~completed(world)].astype(int)
    shares = np.bincount(clip, minlength=8) / len(clip)
    np.testing.assert_allclose(shares, 1 / 8, atol=0.015)
    assert (np.bincount(world.log.watch_time[~completed(world)].astype(int)) / len(clip))[0] > 0.2


def test_equal_hazards_make_all_views_alike():
    flat = SyntheticSkip(hazards=(0.1, 0.1, 0.1))
    np.testing.assert_allclose(flat.oracle, 0.9**8)
    assert completed(SyntheticSkip(hazards=(0.0, 0.0, 0.0))).all()
    assert (SyntheticSkip(hazards=(1.0, 1.0, 1.0)).log.watch_time < 1.0).all()


def test_the_seed_decides():
    a, b, c = (SyntheticSkip(num_users=9, num_videos=30, impressions_per_user=9, seed=seed) for seed in (0, 0, 1))
    for name in ("tastes", "clip_topics", "hazards"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
        assert not np.array_equal(getattr(a, name), getattr(c, name))
    np.testing.assert_array_equal(a.log.watch_time, b.log.watch_time)
    np.testing.assert_array_equal(a.clips.array, b.clips.array)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_users": 0}, "num_users must be an integer >= 1, got 0"),
        ({"num_videos": 2.5}, "num_videos must be an integer >= 1, got 2.5"),
        ({"impressions_per_user": 1201}, "impressions_per_user must be at most 1200, got 1201"),
        ({"impressions_per_user": 0}, "impressions_per_user must be an integer >= 1, got 0"),
        ({"impressions_per_user": 2}, "every window must have a row"),
        ({"num_topics": 33}, "num_topics must be at most 32, got 33"),
        ({"num_liked": 17}, "num_liked must be at most 16, got 17"),
        ({"num_liked": -1}, "num_liked must be an integer >= 0, got -1"),
        ({"num_disliked": 12}, "num_disliked must be at most 11, got 12"),
        ({"topics_per_video": 9}, "topics_per_video must be at most 8, got 9"),
        ({"num_topics": 3, "num_liked": 1, "num_disliked": 1}, "topics_per_video must be at most 3, got 4"),
        ({"topics_per_video": 0}, "topics_per_video must be an integer >= 1, got 0"),
        ({"num_groups": 0}, "num_groups must be None or an integer >= 1, got 0"),
        ({"hazards": (0.1, 0.2)}, "hazards must be three probabilities (liked, neutral, disliked), got (0.1, 0.2)"),
        ({"hazards": (0.1, 0.2, 1.1)}, "hazards must be three probabilities"),
        ({"hazards": (0.1, 0.2, float("nan"))}, "hazards must be three probabilities"),
        ({"loop_share": -0.1}, "loop_share must be in [0, 1], got -0.1"),
        ({"loop_share": float("nan")}, "loop_share must be in [0, 1], got nan"),
        ({"noise": -1.0}, "noise must be a finite number >= 0, got -1.0"),
        ({"noise": float("inf")}, "noise must be a finite number >= 0, got inf"),
        ({"seed": -1}, "seed must be an integer >= 0, got -1"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        SyntheticSkip(**options)


# The claim: clips tell why a video was left, where there is a why and it is told.


def gauc(label, score):
    """AUC of each of the 300 users with both outcomes; all have 20 rows, in order of the user."""
    label, score = label.reshape(300, 20), score.reshape(300, 20)
    pairs = label[:, :, None] & ~label[:, None, :]
    wins = np.sign(score[:, :, None] - score[:, None, :]) / 2 + 0.5
    both = pairs.any(axis=(1, 2))
    found = (wins * pairs).sum(axis=(1, 2))[both] / pairs.sum(axis=(1, 2))[both]
    assert found[0] == pytest.approx(roc_auc_score(label[both][0], score[both][0]))
    return found.mean()


def graph_mean(world, num_clips):
    """GAUC of a logistic regression on two numbers: <mean clip of what the user completed, video>, and of what they left."""
    clips = world.clips.array.reshape(1200, num_clips, -1, 32).mean(axis=2)
    video_mean = clips.mean(axis=1)
    log, done = world.log, completed(world)
    stop = np.minimum((log.watch_time * 1000).round().astype(int) * num_clips // 8000, num_clips - 1)
    liked, left = video_mean[log.video], clips[log.video, stop]
    graph, supervision, test = world.windows

    def inputs(past, rows):
        columns = []
        for kind, vectors in ((done, liked), (~done, left)):
            use = past[kind[past]]
            sums = np.zeros((300, 32))
            np.add.at(sums, log.user[use], vectors[use])
            mean = sums / np.maximum(np.bincount(log.user[use], minlength=300), 1)[:, None]
            columns.append((mean[log.user[rows]] * video_mean[log.video[rows]]).sum(axis=1))
        return np.stack(columns, axis=1)

    model = LogisticRegression(C=1e6).fit(inputs(graph, supervision), done[supervision])
    score = model.decision_function(inputs(np.concatenate([graph, supervision]), test))
    return gauc(done[test], score)


def differences(**options):
    """GAUC of the oracle, of one clip and of eight, (5 seeds, 3)."""
    rows = []
    for seed in range(5):
        world = SyntheticSkip(seed=seed, **options)
        test = world.windows.test
        oracle = gauc(completed(world)[test], world.oracle[test])
        rows.append((oracle, graph_mean(world, 1), graph_mean(world, 8)))
    return np.array(rows)


def test_eight_clips_beat_one_by_far_and_not_the_truth():
    """0.069 (sd 0.007) was measured when the world was designed; the gain is there on every seed."""
    oracle, one, eight = differences().T
    assert (eight - one).mean() >= 0.05
    assert (eight - one > 0.03).all()
    assert (eight <= oracle + 0.01).all()
    assert oracle.mean() == pytest.approx(0.838, abs=0.01)


def test_with_one_topic_a_video_clips_bring_nothing():
    _, one, eight = differences(topics_per_video=1).T
    assert abs((eight - one).mean()) < 0.01


def test_with_shuffled_places_clips_bring_nothing():
    _, one, eight = differences(shuffle_places=True).T
    assert (eight - one).mean() <= 0.005


def test_with_equal_hazards_nobody_knows_anything():
    found = differences(hazards=(0.1, 0.1, 0.1))
    np.testing.assert_allclose(found.mean(axis=0), 0.5, atol=0.02)
