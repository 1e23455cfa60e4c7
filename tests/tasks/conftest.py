"""Small worlds in files, and one finished run of each."""

from __future__ import annotations

import pytest

from graphvid.data import ClipFeatures, SyntheticCoWatch, SyntheticSkip
from graphvid.models import FRAMEConfig, RGCConfig
from graphvid.tasks import train
from graphvid.tasks.co_watch import CoWatchSource
from graphvid.tasks.skips import ViewSource


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
    return CoWatchSource(log=str(world_files / "log.csv"), features=str(world_files / "features.npz"), tune="none")


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
    train("rgc", source, folder, config, checkpoint_every=4, log_every=3, progress=False)
    return folder


@pytest.fixture(scope="session")
def skip_files(tmp_path_factory):
    """Views of 20 users in milliseconds and in seconds, ids as text, and the clips of 40 videos, one never watched."""
    folder = tmp_path_factory.mktemp("skips")
    world = SyntheticSkip(num_users=20, num_videos=39, impressions_per_user=12, seed=1)
    frame = world.log.to_frame()
    frame["user_id"], frame["video_id"] = "u" + frame["user_id"].astype(str), "v" + frame["video_id"].astype(str)
    frame.to_csv(folder / "log.csv", index=False)
    frame.assign(watch_time=1000 * frame["watch_time"], duration=1000 * frame["duration"]).to_csv(
        folder / "milliseconds.csv", index=False
    )
    array = world.clips.array
    ClipFeatures([f"v{i}" for i in range(39)] + ["unseen"], array[[*range(39), 0]]).save(folder / "clips")
    return folder


@pytest.fixture(scope="session")
def skip_source(skip_files):
    return ViewSource(log=str(skip_files / "log.csv"), clips=str(skip_files / "clips"))


@pytest.fixture(scope="session")
def skip_config():
    return FRAMEConfig(dim=8, hidden=8, batch_size=32, num_epochs=2, fanout=3)


@pytest.fixture(scope="session")
def skip_finished(skip_source, skip_config, tmp_path_factory):
    """The folder of an uninterrupted run with fewer clips beside it; tests that change it copy it first."""
    folder = tmp_path_factory.mktemp("runs") / "skips"
    train("frame", skip_source, folder, skip_config, checkpoint_every=4, log_every=3, progress=False)
    return folder
