"""The generated worlds of ``graphvid quickstart``, one for each task: the method to train, and commands for the run."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from graphvid.tasks import task_of

if TYPE_CHECKING:
    from graphvid._record import Record


class World(NamedTuple):
    """A generated world, a method that learns from it, and commands that ask the run."""

    method: str
    source: Mapping[str, Any]  # Any: values of options
    config: Mapping[str, Any]
    next: Sequence[str]
    preset: str | None = None

    def records(self, seed: int) -> tuple[Record, Record]:
        """Return the source and the options; both get this seed if they have one."""
        task = task_of(self.method)
        options = task.methods[self.method].config
        chosen = {**({} if self.preset is None else options.presets[self.preset]), **self.config}
        kinds = (task.source, self.source), (options, chosen)
        source, config = (
            kind.from_dict({**values, **({"seed": seed} if "seed" in _names(kind) else {})}) for kind, values in kinds
        )
        return source, config

    def next_lines(self, out: Path) -> list[str]:
        """Return the next commands to try with a run directory."""
        return [f"graphvid {command} --run {out}" for command in self.next]


def _names(kind: type[Record]) -> set[str]:
    return {field.name for field in dataclasses.fields(kind)}


WORLDS: Mapping[str, World] = {  # with the changed options each world takes less than two minutes on two cores
    "co-watch": World("rgc", {"dataset": "synthetic", "tune": "none"}, {}, ["neighbors 0"]),
    "recommendation": World("simplex", {"dataset": "synthetic"}, {"num_epochs": 6}, ["recommend 0", "neighbors 0"]),
    "skips": World("frame", {"dataset": "synthetic-skip", "ablation": False}, {}, []),
    "codes": World("mecoq", {"dataset": "synthetic"}, {"num_epochs": 30}, ["neighbors 0", "search --video 0"]),
    "clips": World(
        "motion-contrast", {"dataset": "synthetic-motion", "num_videos": 1000}, {"num_epochs": 10}, ["evaluate"]
    ),
    "similarity": World(
        "twin-tower", {"dataset": "synthetic-video-pairs"}, {"pretrain_epochs": 6, "num_epochs": 3}, [], "small"
    ),
    "next-poi": World("periodic-interests", {"dataset": "synthetic-check-ins"}, {"num_epochs": 2}, ["recommend 0"]),
    "linking": World("link-graph", {"dataset": "synthetic"}, {}, []),
}
