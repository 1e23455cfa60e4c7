"""Medians of turns, and what a call took."""

from __future__ import annotations

import time

import numpy as np

from benchmarks import _measure


def _fill(megabytes: int) -> int:
    return int(np.ones(megabytes * 2**17).sum()) // 2**17


def test_every_function_has_its_turn_and_the_first_round_does_not_count(monkeypatch) -> None:
    clock, calls = [0.0], []

    def take(name: str, seconds: list[float]):
        def call() -> None:
            calls.append(name)
            clock[0] += seconds[calls.count(name) - 1]

        return call

    monkeypatch.setattr(_measure.time, "perf_counter", lambda: clock[0])
    found = _measure.interleaved({"a": take("a", [90, 1, 5, 2]), "b": take("b", [9, 3, 3, 4])}, repeats=3)
    assert calls == ["a", "b"] * 4
    assert found == {"a": 2, "b": 3}


def test_cpu_time_is_not_time_on_the_wall() -> None:
    _, waiting = _measure.measured(time.sleep, 0.2)
    assert waiting.seconds >= 0.2
    assert waiting.cpu_seconds < 0.1
    found, working = _measure.measured(lambda: sum(range(3_000_000)))
    assert found == sum(range(3_000_000))
    assert working.cpu_seconds > 0


def test_the_peak_is_that_of_the_process_itself() -> None:
    """A process that is started by a larger one does not begin with its peak, and its own is seen."""
    ballast = np.ones(200 * 2**17)
    none, small = _measure.in_own_process(_fill, 1)
    full, large = _measure.in_own_process(_fill, 120)
    assert (none, full, len(ballast)) == (1, 120, 200 * 2**17)
    assert 110 < large.grown_mb < 140
    assert 0 <= small.grown_mb < 20
    assert small.peak_mb < _measure.peak_mb() - 150


def test_what_figures_depend_on() -> None:
    assert set(_measure.machine()) == {"processor", "cores", "load"}
    assert set(_measure.versions("numpy")) == {"python", "numpy"}
    assert {"graphvid", "torch", "dgl"} <= set(_measure.versions())
