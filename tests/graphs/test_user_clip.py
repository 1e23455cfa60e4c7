"""The graph of users and clips and its normalisations, against loops and dense matrices."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphvid._dgl import dgl
from graphvid.graphs import ClipLabels, edge_norms, user_clip_graph

POS, POS_BY, NEG, NEG_BY = (
    ("user", "pos", "clip"),
    ("clip", "pos_by", "user"),
    ("user", "neg", "clip"),
    ("clip", "neg_by", "user"),
)
NUM_USERS, NUM_VIDEOS, NUM_CLIPS = 5, 4, 3


def labels_of(rows, num_clips=NUM_CLIPS):
    """Labels of (user, video, stop) or (user, video, stop, count)."""
    table = np.array([(*row, 1)[:4] for row in rows], np.int64).reshape(-1, 4)
    return ClipLabels(*table.T.copy(), np.arange(len(table)), num_clips, {})


def graph_of(rows, num_clips=NUM_CLIPS, **options):
    return user_clip_graph(labels_of(rows, num_clips), num_users=NUM_USERS, num_videos=NUM_VIDEOS, **options)


def table(graph, relation):
    """Edges of a relation with their weights, after the checks of form that hold for every graph."""
    (forward,) = [etype for etype in graph.canonical_etypes if etype[1] == relation]
    backward = (forward[2], f"{relation}_by", "user")
    user, node = (ends.tolist() for ends in graph.edges(etype=forward))
    assert list(zip(user, node, strict=True)) == sorted(set(zip(user, node, strict=True)))
    assert [ends.tolist() for ends in graph.edges(etype=backward)] == [node, user]
    weight = graph.edges[forward].data["weight"]
    assert weight.dtype == torch.float32
    assert torch.equal(weight, graph.edges[backward].data["weight"])
    return dict(zip(zip(user, node, strict=True), weight.tolist(), strict=True))


def oracle(rows, positive_mode, negative_mode, multiplicity, num_clips=NUM_CLIPS):
    """The rules row by row."""
    positive, negative = Counter(), Counter()
    for user, video, stop, count in rows:
        clips = [(user, video * num_clips + i) for i in range(num_clips)]
        for i, clip in enumerate(clips):
            if stop == num_clips or (positive_mode == "prefix" and i < stop):
                positive[clip] += count
            if stop == num_clips:
                continue
            if negative_mode == "official" and i < stop:
                negative[clips[stop]] += 1  # once for every clip passed, as in the authors' loop
            elif (negative_mode == "skip_clip" and i == stop) or (negative_mode == "skip_and_after" and i >= stop):
                negative[clip] += 1
    if multiplicity == "binary":
        positive, negative = dict.fromkeys(positive, 1), dict.fromkeys(negative, 1)
    return dict(positive), dict(negative)


def test_by_hand():
    graph = graph_of([(2, 1, 3), (0, 3, 1), (2, 0, 0)])
    assert set(graph.canonical_etypes) == {POS, POS_BY, NEG, NEG_BY}
    assert {ntype: graph.num_nodes(ntype) for ntype in graph.ntypes} == {"user": 5, "clip": 12}
    assert graph.idtype == torch.int64
    assert table(graph, "pos") == {(2, 3): 1, (2, 4): 1, (2, 5): 1}
    assert table(graph, "neg") == {(0, 10): 1, (2, 0): 1}


rows_of_any_log = st.lists(
    st.tuples(
        st.integers(0, NUM_USERS - 1), st.integers(0, NUM_VIDEOS - 1), st.integers(0, NUM_CLIPS), st.just(1)
    ).flatmap(lambda row: st.integers(1, 3).map(lambda n: (*row[:3], n)) if row[2] == NUM_CLIPS else st.just(row)),
    max_size=25,
)


@settings(deadline=None, max_examples=60)
@given(
    rows=rows_of_any_log,
    positive_mode=st.sampled_from(["complete", "prefix"]),
    negative_mode=st.sampled_from(["skip_clip", "skip_and_after", "none", "official"]),
    multiplicity=st.sampled_from(["binary", "count"]),
    data=st.data(),
)
def test_any_order_gives_the_edges_of_the_rules(rows, positive_mode, negative_mode, multiplicity, data):
    options = {"positive_mode": positive_mode, "negative_mode": negative_mode, "multiplicity": multiplicity}
    if negative_mode == "official":
        options["multiplicity"] = "count"
    expected = oracle(rows, **options)
    for given_rows in (rows, data.draw(st.permutations(rows))):
        graph = graph_of(given_rows, **options)
        assert (table(graph, "pos"), table(graph, "neg")) == expected


@settings(deadline=None, max_examples=40)
@given(rows=rows_of_any_log, times=st.lists(st.integers(0, 3), min_size=25, max_size=25), data=st.data())
def test_last_view_decides(rows, times, data):
    timed = list(zip(rows, times[: len(rows)], strict=True))
    latest = {}
    for row, time in timed:
        key = row[:2]
        latest[key] = max(latest.get(key, (-1,)), (time, row[2], row[3]))
    expected = oracle([(*key, *best[1:]) for key, best in latest.items()], "complete", "skip_clip", "count")
    for order in (timed, data.draw(st.permutations(timed))):
        graph = graph_of(
            [row for row, _ in order], resolve="last", timestamp=[time for _, time in order], multiplicity="count"
        )
        assert (table(graph, "pos"), table(graph, "neg")) == expected


def test_a_clip_may_be_both_unless_the_last_view_decides():
    rows = [(1, 2, 0), (1, 2, 3)]
    both = graph_of(rows)
    assert (1, 6) in table(both, "pos")
    assert (1, 6) in table(both, "neg")
    completed_later = graph_of(rows, resolve="last", timestamp=[10.0, 20.0])
    assert (len(table(completed_later, "pos")), table(completed_later, "neg")) == (3, {})
    skipped_later = graph_of(rows, resolve="last", timestamp=[20.0, 10.0])
    assert (table(skipped_later, "pos"), table(skipped_later, "neg")) == ({}, {(1, 6): 1})


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize(
    ("rows", "num_pos", "num_neg"),
    [([(0, 0, 3), (4, 3, 3)], 2, 0), ([(0, 0, 0), (4, 3, 2)], 0, 2), ([], 0, 0)],
    ids=["all complete", "all skipped", "no row"],
)
def test_a_relation_may_have_no_edges(rows, num_pos, num_neg, shared):
    graph = graph_of(rows, shared_positives=shared)
    assert len(table(graph, "pos")) == num_pos * (1 if shared else NUM_CLIPS)
    assert len(table(graph, "neg")) == num_neg
    for relation in ("pos", "neg"):
        for norm in ("sym", "mean", "official"):
            for values in edge_norms(graph, relation, norm=norm):
                assert values.dtype == torch.float32
                assert values.shape == (len(table(graph, relation)),)
                assert values.isfinite().all()


def random_rows(seed, num_rows=30):
    rng = np.random.default_rng(seed)
    stop = rng.choice([0, 1, 2, NUM_CLIPS, NUM_CLIPS], num_rows)
    count = np.where(stop == NUM_CLIPS, rng.integers(1, 4, num_rows), 1)
    user, video = rng.integers(0, NUM_USERS - 1, num_rows), rng.integers(0, NUM_VIDEOS - 1, num_rows)
    return [tuple(row) for row in np.stack([user, video, stop, count], axis=1).tolist()]


def dense(graph, relation, values):
    (etype,) = [etype for etype in graph.canonical_etypes if etype[1] == relation]
    matrix = np.zeros((graph.num_nodes("user"), graph.num_nodes(etype[2])))
    matrix[tuple(ends.numpy() for ends in graph.edges(etype=etype))] = values.double().numpy()
    return matrix


def normalised(weights, norm):
    """Both hops' matrices in NumPy; a node of degree 0 has no non-zero entry to divide."""
    d_user, d_clip = weights.sum(axis=1, keepdims=True), weights.sum(axis=0, keepdims=True)
    d_user, d_clip = np.where(d_user == 0, 1, d_user), np.where(d_clip == 0, 1, d_clip)
    if norm == "sym":
        return (weights / np.sqrt(d_user * d_clip),) * 2
    return weights / d_user, weights / (d_clip if norm == "mean" else d_user)


@pytest.mark.parametrize("multiplicity", ["binary", "count"])
@pytest.mark.parametrize("norm", ["sym", "mean", "official"])
@pytest.mark.parametrize("relation", ["pos", "neg"])
def test_norms_against_dense_matrices(relation, norm, multiplicity):
    graph = graph_of(random_rows(0), multiplicity=multiplicity)
    assert 0 in graph.out_degrees(etype=relation), "a user without edges"
    assert 0 in graph.in_degrees(etype=relation), "a clip without edges"
    weights = dense(graph, relation, graph.edges[relation].data["weight"])
    assert (weights.max() > 1) == (multiplicity == "count")
    for values, expected in zip(edge_norms(graph, relation, norm=norm), normalised(weights, norm), strict=True):
        np.testing.assert_allclose(dense(graph, relation, values), expected, rtol=1e-6)


def test_official_norm_divides_twice_by_the_root_of_the_row_sum():
    graph = graph_of(random_rows(1), positive_mode="prefix", negative_mode="official", multiplicity="count")
    for relation in ("pos", "neg"):
        weights = dense(graph, relation, graph.edges[relation].data["weight"])
        row_sum = weights.sum(axis=1)
        row_sum[row_sum == 0] = 1
        expected = weights / np.sqrt(row_sum)[:, None] / np.sqrt(row_sum)[:, None]
        for values in edge_norms(graph, relation, norm="official"):
            np.testing.assert_allclose(dense(graph, relation, values), expected, rtol=1e-6)


def test_degree_zero_is_never_nan():
    graph = graph_of([(0, 0, 3), (1, 0, 1)])
    graph.edges["pos"].data["weight"].zero_()
    for norm in ("sym", "mean", "official"):
        for values in edge_norms(graph, "pos", norm=norm):
            assert values.tolist() == [0, 0, 0]


@pytest.mark.parametrize("multiplicity", ["binary", "count"])
@pytest.mark.parametrize("norm", ["sym", "mean", "official"])
@pytest.mark.parametrize("seed", range(3))
def test_shared_positives_give_the_same_hops(seed, norm, multiplicity):
    rows = random_rows(seed)
    whole = graph_of(rows, multiplicity=multiplicity)
    shared = graph_of(rows, multiplicity=multiplicity, shared_positives=True)
    assert ("user", "pos", "video") in shared.canonical_etypes
    assert ("video", "pos_by", "user") in shared.canonical_etypes
    assert {ntype: shared.num_nodes(ntype) for ntype in shared.ntypes} == {"user": 5, "clip": 12, "video": 4}
    assert len(table(whole, "pos")) == NUM_CLIPS * len(table(shared, "pos")) > 0
    assert table(whole, "neg") == table(shared, "neg")

    rng = np.random.default_rng(seed)
    clips = rng.normal(size=(NUM_VIDEOS * NUM_CLIPS, 6))
    to_user, to_clip = (dense(whole, "pos", values) for values in edge_norms(whole, "pos", norm=norm))
    users = to_user @ clips
    from_videos, to_video = (dense(shared, "pos", values) for values in edge_norms(shared, "pos", norm=norm))
    np.testing.assert_allclose(from_videos @ clips.reshape(NUM_VIDEOS, NUM_CLIPS, 6).sum(axis=1), users, atol=1e-6)
    hidden = np.maximum(users, 0)
    np.testing.assert_allclose(np.repeat(to_video.T @ hidden, NUM_CLIPS, axis=0), to_clip.T @ hidden, atol=1e-6)


def test_one_clip_a_video_is_the_shared_form():
    rows = [(0, 1, 1), (2, 3, 0), (2, 1, 1)]
    assert (
        table(graph_of(rows, 1), "pos")
        == table(graph_of(rows, 1, shared_positives=True), "pos")
        == {
            (0, 1): 1,
            (2, 1): 1,
        }
    )


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"labels": None}, TypeError, "labels must be a ClipLabels, got NoneType"),
        ({"num_users": 0}, ValueError, "num_users must be an integer >= 1, got 0"),
        ({"num_videos": 1.5}, ValueError, r"num_videos must be an integer >= 1, got 1\.5"),
        ({"num_users": 1}, ValueError, r"labels.user must be in \[0, 1\), got 1 in row 1"),
        ({"num_videos": 2}, ValueError, r"labels.video must be in \[0, 2\), got 3 in row 1"),
        ({"labels": labels_of([(0, 0, 4)])}, ValueError, r"labels.stop must be in \[0, 4\), got 4 in row 0"),
        ({"labels": labels_of([(0, 0, -1)])}, ValueError, r"labels.stop must be in \[0, 4\), got -1 in row 0"),
        (
            {"labels": labels_of([(0, 0, 1)])._replace(count=np.array([1, 1]))},
            ValueError,
            r"user, video, stop and count of labels must have equal lengths, got \[1, 1, 1, 2\]",
        ),
        (
            {"num_users": 2**40, "num_videos": 2**40},
            ValueError,
            r"num_users must be an integer in \[1, 68719476736\], got 1099511627776",
        ),
        ({"positive_mode": "all"}, ValueError, r"positive_mode must be one of \['complete', 'prefix'\], got 'all'"),
        ({"negative_mode": "skip"}, ValueError, "negative_mode must be one of .*, got 'skip'"),
        ({"multiplicity": 2}, ValueError, r"multiplicity must be one of \['binary', 'count'\], got 2"),
        ({"resolve": "first"}, ValueError, r"resolve must be one of \['both', 'last'\], got 'first'"),
        (
            {"shared_positives": True, "positive_mode": "prefix"},
            ValueError,
            "shared_positives needs positive_mode='complete', got positive_mode='prefix'",
        ),
        (
            {"negative_mode": "official"},
            ValueError,
            "negative_mode='official' needs multiplicity='count', got multiplicity='binary'",
        ),
        ({"resolve": "last"}, ValueError, "timestamp must be given with resolve='last' .* got none with 'last'"),
        ({"timestamp": [1, 2]}, ValueError, "timestamp must be given with resolve='last' .* got some with 'both'"),
        (
            {"resolve": "last", "timestamp": [1.0]},
            ValueError,
            r"timestamp must have shape \(2,\), as log.timestamp\[labels.row\], got \(1,\)",
        ),
        ({"resolve": "last", "timestamp": [1.0, np.nan]}, ValueError, "timestamp must be finite, got nan"),
    ],
)
def test_errors(options, error, message):
    good = {"labels": labels_of([(0, 0, 1), (1, 3, 3)]), "num_users": NUM_USERS, "num_videos": NUM_VIDEOS}
    with pytest.raises(error, match=message):
        user_clip_graph(**{**good, **options})


def test_norm_errors():
    graph = graph_of([(0, 0, 3)])
    with pytest.raises(ValueError, match=r"relation must be one of .* got 'pos_by'"):
        edge_norms(graph, "pos_by")
    with pytest.raises(ValueError, match=r"norm must be one of \['sym', 'mean', 'official'\], got 'both'"):
        edge_norms(graph, "pos", norm="both")
    with pytest.raises(ValueError, match="graph must have one edge type 'user' -> 'neg', got"):
        edge_norms(dgl.heterograph({POS: ([0], [0])}), "neg")
    with pytest.raises(ValueError, match=r"graph must have the edge data 'weight' on .*'pos'.*, got \[\]"):
        edge_norms(dgl.heterograph({POS: ([0], [0])}), "pos")
