"""A small world of skips."""

from __future__ import annotations

import pytest

from graphvid.data import SyntheticSkip


@pytest.fixture(scope="session")
def skip_world():
    return SyntheticSkip(num_users=9, num_videos=15, impressions_per_user=10, num_topics=4, num_liked=2, num_disliked=1)
