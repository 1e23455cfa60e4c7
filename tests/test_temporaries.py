"""What killed processes leave is known by its name, and nothing else is removed."""

from __future__ import annotations

import subprocess
import sys

from graphvid._temporaries import is_temporary, remove_temporaries, temporary_beside


def test_only_own_temporaries_are_removed(tmp_path):
    others = [".pre-commit-config.yaml", ".report-1a2b3c4d.html", "x.graphvid-1a2b3c4d.tmp", ".a.graphvid-12.tmp.npz"]
    for name in others:
        (tmp_path / name).write_text("mine")
    mine = [temporary_beside(tmp_path / name) for name in ("split.npz", "report.html", "plain", ".hidden")]
    for path in mine:
        path.write_text("half")
    (temporary_beside(tmp_path / "clips")).mkdir()
    (temporary_beside(tmp_path / "clips") / "part").mkdir(parents=True)
    assert all(is_temporary(path) for path in mine)
    assert {path.suffix for path in mine} == {".npz", ".html", ".tmp"}
    assert len(remove_temporaries(tmp_path)) == 6
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(others)


def test_what_a_killed_process_leaves_is_recognised(tmp_path):
    code = "import os, sys; from graphvid._files import atomic_path\nwith atomic_path(sys.argv[1]) as t: os._exit(9)"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "metrics.json")], check=False)
    (left,) = tmp_path.iterdir()
    assert is_temporary(left)
    assert remove_temporaries(tmp_path) == [left.name]
