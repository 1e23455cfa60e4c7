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
EPOCH = 466  # steps of a batch
SIZES = (3, 15)  # of the memories, in batches
AGES = (1, 3, 15, 63)  # of vectors, in steps, for the picture of their drift


def rows() -> list[Row]:
    """Give all rows, in the order of the table."""
    base = TwoTowerConfig(
        negatives="in_batch", memory_size=0, batch_size=BATCH, mask_known="known", temperature=0.2, patience=3
    )
    larger = replace(base, batch_size=4 * BATCH)
    memory = replace(base, negatives="cross_batch", memory_size=3 * BATCH, warmup_steps=EPOCH, fill_during_warmup=True)
    split = replace(memory, items_learn_from="batch")
    content = {
        f"in-batch, {BATCH}": base,
        f"in-batch, {4 * BATCH}": larger,
        f"mixed, {BATCH} + {BATCH}": replace(base, negatives="mixed", num_negatives=BATCH),
        f"uniform, 0 + {3 * BATCH}": replace(base, negatives="shared", num_negatives=3 * BATCH),
        **{f"cross-batch, {BATCH} + {times * BATCH}": replace(memory, memory_size=times * BATCH) for times in SIZES},
        **{
            f"cross-batch split, {BATCH} + {times * BATCH}": replace(split, memory_size=times * BATCH)
            for times in SIZES
        },
    }
    by_id = {
        f"in-batch, {BATCH}": base,
        f"in-batch, {4 * BATCH}": larger,
        f"cross-batch, {BATCH} + {3 * BATCH}": memory,
        f"cross-batch split, {BATCH} + {3 * BATCH}": split,
    }
    cold = {  # figures of the documentation
        f"content: at 0.1, in-batch, {BATCH}": base,
        f"content: at 0.1, cross-batch, {BATCH} + {15 * BATCH}": replace(memory, memory_size=15 * BATCH),
        f"content: at 0.1, cross-batch, {BATCH} + {63 * BATCH}": replace(memory, memory_size=63 * BATCH),
        f"id: at 0.1, in-batch, {BATCH}": replace(base, item_tower="id"),
        f"id: at 0.1, cross-batch, {BATCH} + {3 * BATCH}": replace(memory, item_tower="id"),
    }
    return [
        *(
            Row(f"content: {name}", "Acoustic and visual features.", "two-tower", model)
            for name, model in content.items()
        ),
        *(
            Row(f"id: {name}", "A learnt vector a video.", "two-tower", replace(model, item_tower="id"))
            for name, model in by_id.items()
        ),
        *(Row(name, "Temperature 0.1.", "two-tower", replace(model, temperature=0.1)) for name, model in cold.items()),
    ]


def main(arguments: list[str]) -> None:
    """Run the table."""
    protocol = (
        "9,308 users, 6,710 videos. All videos are ranked for every test user, those of training and validation left "
        "out. Epochs are judged by the validation pairs. Softmax with temperature 0.2 and the correction for how often a "
        "video is a candidate; known videos of a user are masked. ``B + M``: B rows a step and M further negatives. A "
        "memory is filled during the first epoch and used from the second on. Split: items learn from the batch alone."
    )
    task = Task("towers_tiktok", "Two towers and their negatives on TikTok", "tiktok", rows(), protocol)
    made = run(task, arguments)
    follow = Row("drift", "", "two-tower", replace(rows()[0].model, num_epochs=10))
    found = made.runs.get(follow, 0)
    if found is None:
        assert isinstance(follow.model, TwoTowerConfig)
        found = drift_of(follow.model, made.data, AGES)
        made.runs.put(follow, 0, found)
    write_json(RESULTS / "towers_tiktok.json", {**made.record, "drift": found})
    drift_figure(found, RESULTS / "towers_tiktok_drift.png")
    of_picture = [row for row in made.record["rows"] if ": at " not in row["name"]]
    memory_figure({**made.record, "rows": of_picture}, RESULTS / "towers_tiktok_memory.png")
