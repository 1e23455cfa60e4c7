"""DCHL Tokyo, order and place alone: ``python -m benchmarks quality next_poi_dchl_tky``."""

from __future__ import annotations

from benchmarks.quality._next_poi import dchl_table

TABLE = dchl_table("tky", "Tokyo", 2_173)


def main(arguments: list[str]) -> None:
    """Run the table."""
    TABLE.main(arguments)
