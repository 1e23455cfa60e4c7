"""The speed benchmark of full rankings at a tiny size: all methods find the same."""

from __future__ import annotations

import importlib
import math
from pathlib import Path

import pytest
import torch


@pytest.fixture(scope="module")
def speed():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[2]))
        yield importlib.import_module("benchmarks.speed.full_ranking")


def test_all_methods_find_the_same(speed):
    world = speed.make_world(0.01)
    expected = speed.METHODS["graphvid"](world)
    assert 0 < min(expected) <= max(expected) < 0.5
    for name, method in speed.METHODS.items():
        if name != "product":
            assert method(world) == pytest.approx(expected, abs=1e-9), name


def test_measures_are_of_the_method_asked_for(speed):
    before = torch.get_num_threads()
    try:
        cell = speed.measure("graphvid", 0.003, 1, 2)
        floor = speed.measure("product", 0.003, 1, 1)
    finally:
        torch.set_num_threads(before)
    assert cell["wall"] > 0
    assert cell["recall"] > 0
    assert math.isnan(floor["recall"])


def test_the_world_has_the_size_it_says(speed):
    world = speed.make_world(0.01)
    pairs = world.train.num_interactions + world.test.num_interactions
    assert (world.train.num_users, world.train.num_items, pairs) == (299, 410, 10274)
    assert (len(world.users), len(world.items)) == (299, 410)
    assert 0.2 < world.test.num_interactions / pairs < 0.22


def test_methods_that_take_turns_are_measured_beside_the_first(speed):
    calls = []
    table = speed._by_turns({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 2, {"users": 3})
    assert calls == ["a", "b"] * 3
    assert [row["method"] for row in table] == ["a", "b"]
    assert table[0]["times the first"] == 1
