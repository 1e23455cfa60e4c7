"""Two towers on TikTok with in-batch, mixed and cross-batch negatives: ``python -m benchmarks quality towers_tiktok``.

Beside the table, a picture of Recall@20 against the number of negatives, and one of how far items' vectors drift, which
is how wrong the entries of a memory are.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from functools import partial

from benchmarks._table import RESULTS, Table, TrainedRow
from benchmarks.quality._recommenders import KEEP, METRICS, SYNTHETIC, K, at_20, fingerprint
from benchmarks.quality._tower_figures import drift_figure, drift_of, memory_figure
from graphvid._files import write_json
from graphvid.losses.sampled_softmax import ItemsLearnFrom
from graphvid.models import TwoTowerConfig
from graphvid.models.recommenders import CrossBatch, InBatch, Mixed, Shared, Softmax
from graphvid.tasks.recommendation import InteractionSource, load_interactions

BATCH = 128
EPOCH = 466  # steps of a batch
SIZES = (3, 15)  # of the memories, in batches
AGES = (1, 3, 15, 63)  # of vectors, in steps, for the picture of their drift
SOURCE = InteractionSource(dataset="tiktok")
BASE = TwoTowerConfig(
    loss=Softmax(temperature=0.2), negatives=InBatch(mask_known="known"), batch_size=BATCH, patience=3
)


def rows() -> list[TrainedRow]:
    """Give all rows, in the order of the table."""
    larger = replace(BASE, batch_size=4 * BATCH)

    def memory(times: int, items_learn_from: ItemsLearnFrom = "all", max_drift: float | None = None) -> TwoTowerConfig:
        made = CrossBatch(
            memory_size=times * BATCH,
            warmup_steps=EPOCH if max_drift is None else 0,
            max_drift=max_drift,
            fill_during_warmup=True,
            items_learn_from=items_learn_from,
            mask_known="known",
        )
        return replace(BASE, negatives=made)

    content = {
        f"in-batch, {BATCH}": BASE,
        f"in-batch, {4 * BATCH}": larger,
        f"mixed, {BATCH} + {BATCH}": replace(BASE, negatives=Mixed(num_negatives=BATCH, mask_known="known")),
        f"uniform, 0 + {3 * BATCH}": replace(BASE, negatives=Shared(num_negatives=3 * BATCH, mask_known="known")),
        **{f"cross-batch, {BATCH} + {times * BATCH}": memory(times) for times in SIZES},
        **{f"cross-batch split, {BATCH} + {times * BATCH}": memory(times, items_learn_from="batch") for times in SIZES},
    }
    by_id = {
        f"in-batch, {BATCH}": BASE,
        f"in-batch, {4 * BATCH}": larger,
        f"cross-batch, {BATCH} + {3 * BATCH}": memory(3),
        f"cross-batch split, {BATCH} + {3 * BATCH}": memory(3, items_learn_from="batch"),
    }
    cold = {  # figures of the documentation
        f"content: at 0.1, in-batch, {BATCH}": BASE,
        f"content: at 0.1, cross-batch, {BATCH} + {15 * BATCH}": memory(15),
        f"content: at 0.1, cross-batch, {BATCH} + {63 * BATCH}": memory(63),
        f"id: at 0.1, in-batch, {BATCH}": replace(BASE, item_tower="id"),
        f"id: at 0.1, cross-batch, {BATCH} + {3 * BATCH}": replace(memory(3), item_tower="id"),
    }
    rested = {
        f"content: cross-batch, {BATCH} + {15 * BATCH}, drift below 5 %": memory(15, max_drift=0.05),
        f"content: cross-batch split, {BATCH} + {15 * BATCH}, drift below 5 %": memory(15, "batch", max_drift=0.05),
    }
    half = {
        f"content: in-batch, {BATCH}, half the correction": BASE,
        f"id: in-batch, {BATCH}, half the correction": replace(BASE, item_tower="id"),
    }
    halved = {name: replace(model, loss=replace(BASE.loss, log_q_scale=0.5)) for name, model in half.items()}
    at_tenth = {name: replace(model, loss=Softmax(temperature=0.1)) for name, model in cold.items()}
    by_id = {name: replace(model, item_tower="id") for name, model in by_id.items()}
    return [
        *(_row(f"content: {name}", model, "Acoustic and visual features.") for name, model in content.items()),
        *(_row(f"id: {name}", model, "A learnt vector a video.") for name, model in by_id.items()),
        *(_row(name, model, "Temperature 0.1.") for name, model in at_tenth.items()),
        *(_row(name, model, "Used once items move so little in 15 steps.") for name, model in rested.items()),
        *(_row(name, model, "Half of it in the scores.") for name, model in halved.items()),
    ]


def _row(name: str, model: TwoTowerConfig, about: str) -> TrainedRow:
    return TrainedRow(name, "two-tower", SOURCE, model, about)


TABLE = Table(
    name="towers_tiktok",
    title="Two towers and their negatives on TikTok",
    protocol="9,308 users, 6,710 videos. All videos are ranked for every test user, those of training and validation left "
    "out. Epochs are judged by the validation pairs. Softmax with temperature 0.2 and the correction for how often a video "
    "is a candidate; known videos of a user are masked. ``B + M``: B rows a step and M further negatives. A memory is "
    "filled during the first epoch and used from the second on; drift below 5 %: filled from the first step on, and used "
    "once items have moved by less than that share of their length in 15 steps. Split: items learn from the batch alone.",
    metrics=METRICS,
    k=K,
    rows=rows(),
    figures=at_20,
    keep=KEEP,
    data=partial(fingerprint, replace(SOURCE, selection="test")),
    smallest=[
        TrainedRow(
            "in-batch",
            "two-tower",
            SYNTHETIC,
            replace(BASE, dim=4, num_epochs=1, batch_size=2048),
        ),
    ],
)


def main(arguments: list[str]) -> None:
    """Run the table, and draw the pictures beside it: ``--drift`` trains the towers whose items are followed again."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--drift", action="store_true")
    parser.add_argument("--data-dir")
    parser.add_argument("--smallest", action="store_true")
    options, _ = parser.parse_known_args(arguments)
    path = RESULTS / "towers_tiktok.json"
    drift = json.loads(path.read_text(encoding="utf-8"))["drift"] if path.exists() else None
    record = TABLE.main([argument for argument in arguments if argument != "--drift"])
    if options.smallest:
        return
    if drift is None or options.drift:
        drift = drift_of(
            replace(BASE, num_epochs=10), load_interactions(replace(SOURCE, data_dir=options.data_dir)), AGES
        )
    write_json(path, {**record, "drift": drift})
    drift_figure(drift, RESULTS / "towers_tiktok_drift.png")
    others = (": at ", "drift below", "half the correction")  # of rows with other options than the picture's
    of_picture = [row for row in record["rows"] if not any(words in row["name"] for words in others)]
    memory_figure({**record, "rows": of_picture}, RESULTS / "towers_tiktok_memory.png")
