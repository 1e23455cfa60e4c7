"""DCHL New York, order and place alone: ``python -m benchmarks quality next_poi_dchl_nyc``."""

from __future__ import annotations

from benchmarks.quality._next_poi import dchl_table

TABLE = dchl_table("nyc", "New York", 834)


def main(arguments: list[str]) -> None:
    """Run the table."""
    TABLE.main(arguments)
