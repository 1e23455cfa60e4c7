"""Run directories: who may write into one, and what a resumed run must agree with."""

from __future__ import annotations

import re

import pytest

from graphvid.runs import RunDirectory

CONFIG = {
    "title": "T",
    "method": "t",
    "data": {},
    "model": {"dim": 64, "hidden": (512,)},
    "versions": {"torch": "1"},
    "source": {"log": "a.csv"},
}


def opened(path, config, *, resume):
    run = RunDirectory(path)
    with run.open(config, resume=resume):
        return run


def test_a_new_folder_gets_the_configuration(tmp_path):
    run = opened(tmp_path / "deep" / "run", CONFIG, resume=False)
    assert run.read_config()["model"] == {"dim": 64, "hidden": [512]}


def test_a_folder_with_a_run_is_refused_unless_resumed(tmp_path):
    opened(tmp_path, CONFIG, resume=False)
    with pytest.raises(FileExistsError, match=r"already holds a run; resume it \(--resume\) or choose another folder"):
        opened(tmp_path, CONFIG, resume=False)
    assert opened(tmp_path, CONFIG, resume=True).read_config()["versions"] == {"torch": "1"}


def test_resuming_where_there_is_no_run_starts_one(tmp_path):
    assert opened(tmp_path / "new", CONFIG, resume=True).config.exists()


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(FileExistsError, match=re.escape("holds files but no run: ['thesis.tex']")):
        opened(tmp_path, CONFIG, resume=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.tex"]


def test_resuming_with_another_configuration_names_what_differs(tmp_path):
    opened(tmp_path, CONFIG, resume=False)
    changed = {**CONFIG, "model": {"dim": 32, "hidden": (512,)}}
    with pytest.raises(ValueError, match=r"another configuration: model\.dim was 64, now 32"):
        opened(tmp_path, changed, resume=True)


def test_versions_and_paths_may_differ_when_a_run_is_resumed(tmp_path):
    opened(tmp_path, CONFIG, resume=False)
    moved = {**CONFIG, "versions": {"torch": "2"}, "source": {"log": "/elsewhere/a.csv"}}
    assert opened(tmp_path, moved, resume=True).read_config()["versions"] == {"torch": "1"}


def test_what_a_killed_process_left_half_written_is_removed(tmp_path):
    opened(tmp_path, CONFIG, resume=False)
    (tmp_path / ".encoder.graphvid-0a1b2c3d.tmp.safetensors").write_bytes(b"half")
    opened(tmp_path, CONFIG, resume=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["config.json"]


def test_missing_and_unfinished_runs_are_told_apart(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"holds no run: there is no config\.json in it"):
        RunDirectory(tmp_path).read_metrics()
    opened(tmp_path, CONFIG, resume=False)
    with pytest.raises(FileNotFoundError, match=r"unfinished run without metrics\.json; finish it with --resume"):
        RunDirectory(tmp_path).read_metrics()


@pytest.mark.parametrize("content", ['{"model"', "[1, 2]"])
def test_damaged_configuration(tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ValueError, match=r"config\.json (is not valid JSON|must hold a JSON object)"):
        RunDirectory(tmp_path).read_config()
