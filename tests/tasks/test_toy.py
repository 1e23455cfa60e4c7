"""A task beside those of the library: all that the protocol offers, by the toy."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest

from graphvid import tasks
from graphvid.cli import main
from graphvid.data import Features
from graphvid.tasks import Entry, load_run, train
from tests.tasks.contract import Case, check_task
from tests.tasks.toy import ToyConfig, ToySource


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    toy = Entry("tests.tasks.toy.Toy", "A toy.")
    monkeypatch.setattr(tasks, "METHODS", {**tasks.METHODS, "toy-mean": toy, "toy-learnt": toy})
    monkeypatch.setattr("graphvid.cli.METHODS", tasks.METHODS)
    monkeypatch.setattr("graphvid.cli.COMMANDS", {"centre": Entry("tests.tasks.toy.Toy", "Print the centre.")})


@pytest.fixture
def features(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "features.npz"
    Features([f"v{i}" for i in rng.permutation(20)], {"x": rng.normal(size=(20, 3)).astype(np.float32)}).save(path)
    return path


@pytest.fixture
def command(monkeypatch, capsys):
    def run(*words):
        monkeypatch.setattr(sys, "argv", ["graphvid", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return ended.value.code, captured.out + captured.err

    return run


@pytest.mark.parametrize("method", ["toy-mean", "toy-learnt"])
def test_contract(method, features, tmp_path, monkeypatch) -> None:
    other = features.with_name("other.npz")
    Features([f"w{i}" for i in range(20)], {"x": np.ones((20, 3), np.float32)}).save(other)
    source = ToySource(features=str(features))
    case = Case(
        method,
        source,
        ToyConfig(num_epochs=3),
        {"embeddings.npz"},
        lambda run: run.neighbors("v3", at_least=0.5),
        {"embeddings.npz"},
        replace(source, features=str(other)),
        kills=(1, 5, 4) if method == "toy-learnt" else (),
    )
    check_task(case, tmp_path / "runs", monkeypatch)


def test_a_run_of_a_run(features, tmp_path) -> None:
    train("toy-mean", ToySource(features=str(features)), tmp_path / "one", progress=False)
    metrics = train("toy-mean", ToySource(from_run=str(tmp_path / "one")), tmp_path / "two", progress=False)
    assert metrics["centre"] == pytest.approx([0, 0, 0], abs=1e-6)
    assert load_run(tmp_path / "two").vectors().ids.equals(load_run(tmp_path / "one").vectors().ids)


def test_the_command_has_the_method_its_command_and_the_options_of_its_answer(features, tmp_path, command) -> None:
    out = tmp_path / "run"
    code, text = command("train", "toy-mean", "--features", features, "--out", out)
    assert code == 0, text
    assert "The centre." in text
    code, text = command("train", "toy-mean", "--help")
    assert "--from-run" in text
    code, text = command("centre", "--run", out)
    assert (code, text.startswith("[")) == (0, True)
    assert len(command("neighbors", "v3", "--run", out, "--top-k", "19")[1].splitlines()) == 20
    few = command("neighbors", "v3", "--run", out, "--top-k", "19", "--at-least", "0.5")
    assert 1 < len(few[1].splitlines()) < 20
    code, text = command("neighbors", "v3", "--run", out, "--at-most", "0.5")
    assert (code, text) == (2, "graphvid: options must be among ['--at-least'] for this run, got '--at-most'\n")
    code, text = command("neighbors", "v3", "--run", out, "--at-least", "much")
    assert (code, text) == (2, "graphvid: --at-least must be a float, got 'much'\n")
