"""Two towers on TikTok with in-batch, mixed and cross-batch negatives: ``python -m benchmarks quality towers_tiktok``.

Beside the table, a picture of Recall@20 against the number of negatives, and one of how far items' vectors drift, which
is how wrong the entries of a memory are.
"""

from __future__ import annotations

from dataclasses import replace

from benchmarks.quality._recommenders import Row, Task
from benchmarks.quality._recommenders import main as run
from benchmarks.quality._run import RESULTS
from benchmarks.quality._tower_figures import drift_figure, drift_of, memory_figure
from graphvid._files import write_json
from graphvid.models import TwoTowerConfig

BATCH = 128
LAGS = (1, 3, 15, 63)  # ages, in steps, of the oldest entries of the table's memories
TOWERS = {"content": "acoustic and visual features", "id": "an embedding each"}


def rows() -> list[Row]:
    """Give all rows, in the order of the table."""
    found = []
    for tower, about in TOWERS.items():
        base = TwoTowerConfig(
            item_tower=tower, negatives="in_batch", memory_size=0, batch_size=BATCH, mask_known="known", patience=3
        )  # type: ignore[arg-type] # one of the choices

        def add(name: str, model: TwoTowerConfig, tower: str = tower, about: str = about) -> None:
            found.append(Row(f"{tower}: {name}", f"Items by {about}.", "two-tower", model))

        add(f"in-batch, {BATCH}", base)
        add(f"in-batch, {4 * BATCH}", replace(base, batch_size=4 * BATCH))
        add(f"in-batch, {16 * BATCH}", replace(base, batch_size=16 * BATCH))
        add(f"mixed, {BATCH} + {BATCH}", replace(base, negatives="mixed", num_negatives=BATCH))
        add(f"uniform, {BATCH} + {3 * BATCH}", replace(base, negatives="shared", num_negatives=3 * BATCH))
        for times in (1, 3, 15, 63):
            add(
                f"cross-batch, {BATCH} + {times * BATCH}",
                replace(base, negatives="cross_batch", memory_size=times * BATCH),
            )
    return found


def main(arguments: list[str]) -> None:
    """Run the table."""
    protocol = (
        "9,308 users, 6,710 videos. All videos are ranked for every test user, those of training and validation left "
        "out. Epochs are judged by the validation pairs. Softmax with temperature 0.1 and the correction for how often a "
        "video is a candidate; known videos of a user are masked. ``B + M``: B rows a step and M further negatives."
    )
    task = Task("towers_tiktok", "Two towers and their negatives on TikTok", "tiktok", rows(), protocol)
    made = run(task, arguments)
    follow = Row("drift", "", "two-tower", replace(rows()[0].model, num_epochs=10))
    found = made.runs.get(follow, 0)
    if found is None:
        assert isinstance(follow.model, TwoTowerConfig)
        found = drift_of(follow.model, made.data, LAGS)
        made.runs.put(follow, 0, found)
    write_json(RESULTS / "towers_tiktok.json", {**made.record, "drift": found})
    drift_figure(found, RESULTS / "towers_tiktok_drift.png")
    memory_figure(made.record, RESULTS / "towers_tiktok_memory.png")
