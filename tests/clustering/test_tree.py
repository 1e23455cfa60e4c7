"""ClusterTree: slices, conversions, files and pictures."""

from __future__ import annotations

import matplotlib as mpl
import networkx as nx
import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, is_valid_linkage

from graphvid.clustering import ClusterTree, affinity_clustering, plot_dendrogram, plot_sizes

mpl.use("Agg")


@pytest.fixture(scope="module")
def tree(random_graph):
    return affinity_clustering(random_graph(np.random.default_rng(0), 300, 500))


@pytest.fixture(scope="module")
def rooted(random_graph):
    return affinity_clustering(random_graph(np.random.default_rng(1), 300, 3000), num_levels=None)


def test_every_cluster_is_a_slice(tree):
    assert sorted(tree.order) == list(range(300))
    np.testing.assert_array_equal(tree.order[tree.position], np.arange(300))
    for level in range(tree.num_levels + 1):
        assert sum(tree.sizes[level]) == 300
        for cluster in range(tree.num_clusters(level)):
            members = np.flatnonzero(tree.labels[level] == cluster)
            np.testing.assert_array_equal(np.sort(tree.members(level, cluster)), members)
            start, stop = tree.slice(level, cluster)
            assert (start, stop) == (tree.starts[level][cluster], start + tree.sizes[level][cluster])


def test_order_is_by_labels_from_the_top(tree):
    expected = np.lexsort([tree.labels[k] for k in range(tree.num_levels + 1)])
    np.testing.assert_array_equal(tree.order, expected)


def test_clusters_are_numbered_by_smallest_member(tree):
    for labels in tree.labels:
        first = np.unique(labels, return_index=True)[1]
        assert (np.diff(first) > 0).all()


def test_siblings_share_the_parent_only(tree):
    for node in (0, 7, 299):
        for level in range(tree.num_levels + 1):
            inside = tree.labels[level] == tree.labels[level][node]
            outer = np.ones(300, bool)
            if level < tree.num_levels:
                outer = tree.labels[level + 1] == tree.labels[level + 1][node]
            np.testing.assert_array_equal(np.sort(tree.siblings(node, level)), np.flatnonzero(outer & ~inside))


def test_linkage_cuts_back_to_the_levels(rooted):
    linkage = rooted.to_linkage()
    assert is_valid_linkage(linkage)
    assert linkage.shape == (299, 4)
    for level in range(1, rooted.num_levels + 1):
        flat = fcluster(linkage, level, "distance")
        pairs = np.unique(np.stack([flat, rooted.labels[level]]), axis=1)
        assert pairs.shape[1] == rooted.num_clusters(level) == flat.max()


def test_linkage_of_one_cluster(tree):
    with pytest.raises(ValueError, match="level and cluster must be given unless one cluster holds all nodes"):
        tree.to_linkage()
    largest = int(np.argmax(tree.sizes[3]))
    leaves = np.sort(tree.members(3, largest))
    linkage = tree.to_linkage(3, largest)
    assert is_valid_linkage(linkage)
    flat = fcluster(linkage, 2, "distance")
    np.testing.assert_array_equal(flat[:, None] == flat, tree.labels[2][leaves][:, None] == tree.labels[2][leaves])
    assert tree.to_linkage(0, 5).shape == (0, 4)


def test_networkx(tree):
    graph = tree.to_networkx()
    assert nx.is_branching(graph)
    roots = [node for node, degree in graph.in_degree() if degree == 0]
    assert roots == [(3, c) for c in range(tree.num_clusters(3))]
    for level, cluster in [(3, 0), (2, 1), (1, 4)]:
        below = nx.descendants(graph, (level, cluster))
        assert {c for k, c in below if k == 0} == set(tree.members(level, cluster).tolist())
        assert graph.nodes[level, cluster]["size"] == tree.sizes[level][cluster]


@pytest.mark.parametrize(
    "make", [lambda tree: tree, lambda _: ClusterTree(0, []), lambda _: ClusterTree(2, [[0, 1]], 0)]
)
def test_save_and_load(tree, tmp_path, make):
    saved = make(tree)
    saved.save(tmp_path / "tree.npz")
    loaded = ClusterTree.load(tmp_path / "tree.npz")
    assert [p.name for p in tmp_path.iterdir()] == ["tree.npz"]
    assert (loaded.num_nodes, loaded.num_effective_levels) == (saved.num_nodes, saved.num_effective_levels)
    for one, other in zip(loaded.labels, saved.labels, strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype


def test_damaged_files(tree, tmp_path):
    path = tmp_path / "tree.npz"
    tree.save(path)
    whole = path.read_bytes()
    for damaged in (b"", b"text", whole[:100], whole[: len(whole) // 2], whole[:400] + b"?" * 50 + whole[450:]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="path must be a cluster tree"):
            ClusterTree.load(path)
    np.savez(path, format="another", shape=[1, 0, 0])
    with pytest.raises(ValueError, match="its format is 'another'"):
        ClusterTree.load(path)
    np.savez(path, labels=[1, 0, 0])
    with pytest.raises(ValueError, match="path must be a cluster tree"):
        ClusterTree.load(path)
    with pytest.raises(FileNotFoundError):
        ClusterTree.load(tmp_path / "absent.npz")


def test_an_interrupted_save_leaves_the_old_file(tree, tmp_path, monkeypatch):
    path = tmp_path / "tree.npz"
    tree.save(path)
    before = path.read_bytes()

    def full_disk(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full_disk)
    with pytest.raises(OSError, match="No space left"):
        tree.save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["tree.npz"]


def test_plots(tree, rooted):
    import matplotlib.pyplot as plt

    axes = plot_sizes(tree)
    assert len(axes.lines) == 3
    assert axes.get_legend().get_texts()[0].get_text().startswith(f"level 1: {tree.num_clusters(1)} clusters")
    assert plot_sizes(tree, axes) is axes
    assert plot_sizes(ClusterTree(0, [])).get_legend() is None
    largest = int(np.argmax(tree.sizes[2]))
    drawn = plot_dendrogram(tree, 2, largest)
    assert [text.get_text() for text in drawn.get_xticklabels()] == [str(v) for v in tree.members(2, largest)]
    bars = [c for c in drawn.collections if c.get_segments()[0][0][1] == c.get_segments()[0][1][1]]
    assert len(bars) == 1 + len(np.unique(tree.labels[1][tree.members(2, largest)]))
    assert plot_dendrogram(rooted, rooted.num_levels, 0, axes) is axes
    assert plot_dendrogram(tree, 0, 3).get_xticks().tolist() == [0]
    plt.close("all")
    wide = ClusterTree(3000, [np.zeros(3000, np.int64)])
    with pytest.raises(ValueError, match="at most 2000 nodes to be drawn, got 3000"):
        plot_dendrogram(wide, 1, 0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: t.members(4, 0), r"level must lie in 0..3, got 4"),
        (lambda t: t.num_clusters(-1), r"level must lie in 0..3, got -1"),
        (lambda t: t.members(0, 300), r"cluster must lie in 0..299 at level 0, got 300"),
        (lambda t: t.siblings(-1, 0), r"node must lie in 0..299, got -1"),
        (lambda t: t.siblings(0, 4), r"level must lie in 0..3, got 4"),
        (lambda _: ClusterTree(3, [[0, 1]]), r"parents\[0\] must have shape \(3,\), got \(2,\)"),
        (lambda _: ClusterTree(3, [[0, 1, 1], [0, 0, 0]]), r"parents\[1\] must have shape \(2,\), got \(3,\)"),
        (lambda _: ClusterTree(3, [[1, 0, 0]]), r"parents\[0\] must number clusters 0, 1, ... by their smallest"),
        (lambda _: ClusterTree(3, [[0, 2, 1]]), r"parents\[0\] must number clusters"),
        (lambda _: ClusterTree(3, [[0, -1, 1]]), r"parents\[0\] must number clusters"),
        (lambda _: ClusterTree(1, [[0]], 2), r"num_effective_levels must lie in 0..1, got 2"),
    ],
)
def test_bad_arguments(tree, call, message):
    with pytest.raises(ValueError, match=message):
        call(tree)


def test_repr(tree):
    counts = ", ".join(str(tree.num_clusters(k)) for k in range(4))
    assert repr(tree) == f"ClusterTree(num_nodes=300, num_levels=3, clusters per level: {counts})"
