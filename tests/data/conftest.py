"""Where staged data are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture
def poi_data() -> str:
    """The folder that holds ``poi_checkins``."""
    root = os.environ.get("GRAPHVID_DATA", "")
    if not (Path(root) / "poi_checkins" / "nyc_tsmc2014_checkins.csv.gz").is_file():
        pytest.skip("GRAPHVID_DATA has no poi_checkins")
    return root
