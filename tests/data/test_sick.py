"""SICK in its official splits, where the data are there."""

from __future__ import annotations

import os

import pytest

from graphvid.data import SICKRelatedness

needs_data = pytest.mark.skipif("GRAPHVID_DATA" not in os.environ, reason="GRAPHVID_DATA is not set")


@needs_data
def test_splits():
    data = SICKRelatedness()
    assert [pairs.num_pairs for pairs in (data.train, data.validation, data.test)] == [4500, 500, 4927]
    assert data.videos.num_videos == 6077
    first = data.train.query[0], data.train.candidate[0]
    assert data.videos.title[first[0]].startswith("A group of kids is playing in a yard")
    assert data.train.score[0] == (4.5 - 1) / 4
    assert 4 * data.train.score.mean() + 1 == pytest.approx(3.53, abs=0.02)


def test_absent(tmp_path):
    with pytest.raises(FileNotFoundError, match="sick_relatedness/ with pairs"):
        SICKRelatedness(tmp_path)
