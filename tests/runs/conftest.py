"""A small world in files, and one finished run of it."""

from __future__ import annotations

import pytest

from graphvid.data import SyntheticCoWatch
from graphvid.models import RGCConfig
from graphvid.runs import Source, train


@pytest.fixture(scope="session")
def world():
    return SyntheticCoWatch(
        num_users=150, num_videos=96, num_supertopics=4, topics_per_supertopic=3, watches_per_user=6.0
    )


@pytest.fixture(scope="session")
def world_files(world, tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    world.log.to_frame().to_csv(folder / "log.csv", index=False)
    world.features.save(folder / "features.npz")
    return folder


@pytest.fixture(scope="session")
def source(world_files):
    return Source(log=str(world_files / "log.csv"), features=str(world_files / "features.npz"))


@pytest.fixture(scope="session")
def config():
    """Dropout, a staircase and a mixture of negatives: all that a resumed run must take up."""
    return RGCConfig(
        hidden=(16,),
        dim=8,
        batch_size=32,
        num_steps=8,
        level_probs=(0.5, 0.0, 0.0, 0.5),
        schedule="staircase",
        decay=0.5,
        decay_every=3,
    )


@pytest.fixture(scope="session")
def finished(source, config, tmp_path_factory):
    """The folder of an uninterrupted run; tests that change it copy it first."""
    folder = tmp_path_factory.mktemp("runs") / "finished"
    train(source, folder, config, checkpoint_every=4, log_every=3, progress=False)
    return folder
