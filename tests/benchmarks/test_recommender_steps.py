"""Times of training steps: every form takes its steps, and the tables have the rows they promise."""

from __future__ import annotations

import pytest

from benchmarks.speed import recommender_steps, tower_steps


def test_all_forms_of_a_step_are_timed(capsys) -> None:
    arguments = ["--part", "0.01", "--steps", "1", "--negatives", "5", "9", "--batch-size", "16", "--no-write"]
    recommender_steps.main(arguments)
    table = capsys.readouterr().out
    for form in ("shared, deferred Adam", "per edge by one product, fused dense Adam", "per edge by gathered vectors"):
        assert table.count(form) == 2


def test_a_form_is_timed_without_the_steps_that_warm_it_up(monkeypatch) -> None:
    clock = iter([0.0, 100.0, 0.0, 1.0, 0.0, 3.0, 0.0, 5.0])
    monkeypatch.setattr(recommender_steps.time, "perf_counter", lambda: next(clock))
    pairs = recommender_steps.popular_pairs(20, 30, 100)
    graph = recommender_steps.user_item_graph(pairs)
    edges = recommender_steps.MatrixFactorization(graph).edges
    taken = []
    found = recommender_steps.alternate(
        {"form": lambda batch, number: taken.append((number, len(batch.user)))}, edges, 64, steps=3, warm_up=1
    )
    assert found == {"form": pytest.approx(3.0)}
    assert [number for number, _ in taken] == [0, 1, 2, 3]


def test_towers_are_timed_with_full_memories(capsys, monkeypatch) -> None:
    monkeypatch.setattr(tower_steps, "SIZES", {"few": (400, 300, 3000, 8)})
    tower_steps.main(["--part", "1", "--steps", "1", "--batch-size", "8", "--no-write"])
    table = capsys.readouterr().out
    for name in ("in-batch, 8", "cross-batch, 8 + 504", "in-batch, 128"):
        assert f"| {name} |" in table
