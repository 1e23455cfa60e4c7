"""Training goes on from edges and clusters that another engine has made, to the same vectors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from graphvid.clustering import ClusterTree
from graphvid.duckdb import affinity_clusters, co_watch_edges, number_videos
from graphvid.tasks import load_run, train
from graphvid.tasks.co_watch import CoWatchSource, load_video_graph


@pytest.fixture(scope="module")
def made(world, world_files, tmp_path_factory):
    """Edges and clusters by DuckDB, as the source of a run."""
    folder = tmp_path_factory.mktemp("made")
    world.log.to_frame()[["user_id", "video_id"]].to_parquet(folder / "log.parquet")
    co_watch_edges(folder / "log.parquet", folder / "edges.parquet", threads=1)
    number_videos(folder / "log.parquet", folder / "videos.parquet", threads=1)
    affinity_clusters(folder / "edges.parquet", folder / "tree.parquet", videos=folder / "videos.parquet", threads=1)
    return CoWatchSource(
        edges=str(folder / "edges.parquet"),
        clusters=str(folder / "tree.parquet"),
        features=str(world_files / "features.npz"),
        train_fraction=1,
    )


def test_vectors_are_those_of_a_run_that_clusters_itself(made, config, tmp_path):
    videos = load_video_graph(made, progress=False)
    assert list(videos.features.ids) == sorted(videos.features.ids)  # numbered as the queries number them
    train("rgc", made, tmp_path / "ready", config, progress=False)
    train("rgc", replace(made, clusters=None), tmp_path / "own", config, progress=False)
    ready, own = (ClusterTree.load(tmp_path / name / "clusters.npz") for name in ("ready", "own"))
    assert [parent.tolist() for parent in ready.parents] == [parent.tolist() for parent in own.parents]
    vectors = [load_run(tmp_path / name).vectors().modalities["embedding"] for name in ("ready", "own")]
    np.testing.assert_array_equal(*vectors)


def test_fingerprints_tell_clusters_apart(made):
    videos = load_video_graph(made, progress=False)
    assert isinstance(videos.tree, ClusterTree)
    assert videos.fingerprint() != replace(videos, tree=None).fingerprint()


def test_refusals(made, config, tmp_path):
    with pytest.raises(ValueError, match="train_fraction must be 1 with clusters"):
        replace(made, train_fraction=0.7)
    with pytest.raises(ValueError, match="clusters must be given only with edges"):
        CoWatchSource(log="l.csv", features="f.npz", clusters="c.parquet")
    with pytest.raises(ValueError, match="num_levels must be the 3 levels of clusters, got 2"):
        train("rgc", made, tmp_path / "a", replace(config, num_levels=2, level_probs=(1, 0, 0)), progress=False)
    with pytest.raises(ValueError, match="linkage must be left out with clusters"):
        train("rgc", made, tmp_path / "b", replace(config, linkage="max"), progress=False)
