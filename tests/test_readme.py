"""Every Python line of the README and of the first page runs on own data: text ids in unsorted order."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from graphvid.data import Features, SyntheticCoWatch

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A log and features whose ids are text, neither in sorted order nor in the same."""
    path = tmp_path_factory.mktemp("own")
    world = SyntheticCoWatch(num_users=300, num_videos=150, watches_per_user=8.0, seed=1)
    rng = np.random.default_rng(0)
    names = np.array([f"v{i:x}" for i in rng.permutation(10**6)[:150]])
    frame = pd.DataFrame({"user_id": [f"u{u}" for u in world.log.user], "video_id": names[world.log.video]})
    frame.sample(frac=1, random_state=0).to_csv(path / "watches.csv", index=False)
    order = rng.permutation(150)
    Features(names[order], {name: x[order] for name, x in world.features.modalities.items()}).save(
        path / "features.npz"
    )
    return path


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def run(code: str, folder: Path) -> str:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_library_snippets_of_the_readme_align_videos_and_features(folder) -> None:
    """The second one reads a run, which the command above it makes."""
    library, answers = blocks((REPOSITORY / "README.md").read_text(encoding="utf-8"), "python")
    check = (
        "from graphvid.data import load_features\n"
        "file = load_features('features.npz')\n"
        "row = [list(file.ids).index(video) for video in log.video_ids]\n"
        "assert list(log.video_ids) == list(features.ids)\n"
        "assert (features.concatenate() == file.concatenate()[row]).all()\n"
        "import pandas as pd\n"
        "watches = pd.read_csv('watches.csv')\n"
        "pairs = set(zip(log.user_ids[log.user], log.video_ids[log.video]))\n"
        "assert pairs == set(zip(watches.user_id, watches.video_id))\n"
        "assert len(embedding) == len(features.ids)\n"
        "import pytest\n"
        "with pytest.raises(ValueError, match='same videos in another order'):\n"
        "    RelationalGraphClustering(graph, features.take(list(range(149, -1, -1))))\n"
    )
    train = (
        "from graphvid.tasks import train\n"
        "from graphvid.tasks.co_watch import CoWatchSource\n"
        "source = CoWatchSource(log='watches.csv', features='features.npz')\n"
        "train('rgc', source, 'runs/first', RGCConfig(num_steps=20), progress=False)\n"
    )
    run(
        library.replace("num_steps=200", "num_steps=20").replace("max_steps=200", "max_steps=20")
        + check
        + train
        + answers,
        folder,
    )


def test_the_commands_of_the_readme_name_options_that_exist() -> None:
    from typer.testing import CliRunner

    from graphvid.cli import app

    text = "\n".join(blocks((REPOSITORY / "README.md").read_text(encoding="utf-8"), "bash"))
    commands = re.findall(r"^graphvid (train \S+|\S+)([^#\n]*)", text, re.MULTILINE)
    assert len(commands) > 6
    for words, options in commands:
        shown = CliRunner().invoke(app, [*words.split(), "--help"], terminal_width=200).output
        for option in re.findall(r"--[a-z-]+", options):
            assert option in shown, (words, option)
