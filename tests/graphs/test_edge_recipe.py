"""Recipes of edges that nothing could be learnt from are refused."""

import pytest

from graphvid.graphs import EdgeRecipe, EdgeRule


def test_recipes_that_cannot_be_learnt_from():
    pull = EdgeRule("same_clip", (0, 1))
    for rules, message in (
        ([EdgeRule("other_video", among="queue")], "rules must have a pull edge"),
        ([EdgeRule("transform", (0, 1))], "what agrees only in maps collapses"),
        ([pull, EdgeRule("motion_broken", (2, 1))], "got none that pulls view 2"),
        ([pull, EdgeRule("other_segment", (1, 0))], r"must not pull and push one pair, got \(0, 1\)"),
        ([pull, EdgeRule("same_clip", (1, 0))], r"must not repeat a pair of one type, got \(0, 1\) twice"),
    ):
        with pytest.raises(ValueError, match=message):
            EdgeRecipe(rules)
    for options, message in (
        ({"type": "same_clip", "views": (1, 1)}, "views must be two views"),
        ({"type": "same_clip"}, "views must be given"),
        ({"type": "other_video", "views": (0, 1)}, "among must be 'own' unless"),
        ({"type": "warped", "views": (0, 1)}, "type must be one of"),
        ({"type": "same_clip", "views": (0, 1), "weight": -1.0}, "weight must be a finite float >= 0"),
    ):
        with pytest.raises(ValueError, match=message):
            EdgeRule(**options)
    assert EdgeRecipe([pull, EdgeRule("transform", (0, 1))]).anchors == (0,)
