"""Every benchmark runs at its smallest size, from the command line to the table.

Benchmarks that are not listed take ``--smallest``, as all that are a `benchmarks._table.Table` do.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import runpy
import subprocess
import sys
import warnings

import pytest

from benchmarks.__main__ import KINDS, benchmark_names, main

ONE = ["--seeds", "0"]
ARGUMENTS = {
    ("peers", "frame"): [*ONE, "--rows", "base rate"],
    ("peers", "recommenders"): [*ONE, "--data", "amazon-electronics", "--only", "popularity"],
    ("speed", "check_in_chains"): ["--sizes", "600", "--epoch", "600", "--batches", "1", "--repeats", "1"],
    ("speed", "clip_steps"): ["--videos", "64", "--repeats", "1"],
    ("speed", "clustering"): [
        "--sizes",
        "1000",
        "--graphs",
        "random",
        "--repeats",
        "1",
        "--threads",
        "1",
        "--out",
        "{out}",
    ],
    ("speed", "clustering_steps"): ["--edges", "1000", "--repeats", "1"],
    ("speed", "co_watch"): ["--sizes", "500", "--repeats", "1"],
    ("speed", "feature_memory"): ["--sizes", "300", "500", "--columns", "8", "--forms", "sparse"],
    ("speed", "engines"): ["--sizes", "2000", "--engines", "duckdb"],
    ("speed", "frame"): [
        "--sizes",
        "0.002",
        "--only",
        "graphvid",
        "own edges kept",
        "dense",
        "--steps",
        "1",
        "--copies",
        "1",
        "--no-epoch",
        "--out",
        "{out}",
    ],
    ("speed", "full_ranking"): ["--parts", "0.003", "--repeats", "1"],
    ("speed", "linking"): ["--every", "700"],
    ("speed", "message_passing"): ["--sizes", "1000", "--dims", "4"],
    ("speed", "mining"): ["--sizes", "64", "--repeats", "1"],
    ("speed", "neighbor_sampling"): ["--edges", "1000", "--batch", "10", "--fanouts", "2"],
    ("speed", "pair_order"): ["--batch-sizes", "8", "--steps", "1"],
    ("speed", "pooling"): ["--channels", "4", "--sets", "20", "--repeats", "1"],
    ("speed", "recommender_steps"): ["--part", "0.01", "--steps", "1", "--negatives", "5", "--batch-size", "16"],
    ("speed", "retrieval"): ["--tables", "scan", "--repeats", "1"],
    ("speed", "sampling"): ["--sizes", "300", "--repeats", "2"],
    ("speed", "tower_steps"): ["--part", "0.05", "--steps", "1", "--batch-size", "8"],
}
DATA = {
    "linking",
    "linking_aida",
    "linking_wiki_el",
    "recommenders",
}
PACKAGES = {
    "clustering": ["igraph", "rustworkx"],
    "message_passing": ["torch_geometric"],
    "frame": ["torch_geometric"],
    "retrieval": ["faiss"],
}


@pytest.fixture
def one_process(monkeypatch) -> None:
    """Let only the first cell of a benchmark start a process; the others run in this one, without the start's seconds."""
    start, started = subprocess.run, []

    def run(command, **options):
        program = command[:2] == [sys.executable, "-m"] and command[2].startswith("benchmarks")
        if not program or not started:
            started.extend([command] if program else [])
            return start(command, **options)
        out = io.StringIO()
        with monkeypatch.context() as patch, warnings.catch_warnings(), contextlib.redirect_stdout(out):
            warnings.filterwarnings("ignore", message=".*found in sys.modules after import of package")
            patch.setattr(sys, "argv", command[2:])
            code = 0
            try:
                runpy.run_module(command[2], run_name="__main__")
            except SystemExit as end:
                code = end.code or 0
        assert code == 0, command
        return subprocess.CompletedProcess(command, code, out.getvalue(), "")

    monkeypatch.setattr(subprocess, "run", run)


@pytest.mark.slow
@pytest.mark.usefixtures("one_process")
@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in KINDS for name in benchmark_names(kind)])
def test_it_runs(kind, name, tmp_path, monkeypatch, capsys) -> None:
    if name in DATA and "GRAPHVID_DATA" not in os.environ:
        pytest.skip("needs the data sets: set GRAPHVID_DATA")
    for package in PACKAGES.get(name, ()) if kind == "speed" else ():
        pytest.importorskip(package)
    importlib.import_module(f"benchmarks.{kind}.{name}")
    for loaded in [module for path, module in sys.modules.items() if path.startswith("benchmarks.")]:
        for folder in {"RESULTS", "WORK"} & vars(loaded).keys():
            monkeypatch.setattr(loaded, folder, tmp_path)
    arguments = [argument.format(out=tmp_path) for argument in ARGUMENTS.get((kind, name), ["--smallest"])]
    assert main([kind, name, *arguments]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert len(lines) >= 3  # header, rule, a row
    assert list(tmp_path.rglob("*.json"))


def test_what_is_listed_is_there() -> None:
    assert ARGUMENTS.keys() <= {(kind, name) for kind in KINDS for name in benchmark_names(kind)}


def test_the_benchmark_of_a_gpu_says_that_there_is_none(capsys) -> None:
    """Its parts are tested on the CPU in test_gpu.py."""
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    assert main(["gpu"]) == 1
    assert "no CUDA device" in capsys.readouterr().err
