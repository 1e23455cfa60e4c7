"""The cosine contrastive loss with negatives that a batch shares: from its scores, and by ``of_shared``.

``python -m benchmarks speed shared_hinge``. Forward and backward, 256 rows of 64 dimensions, by the number of negatives
and the share of pairs above the margin; the two forms take turns.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch
from torch import Tensor

from benchmarks.speed import _results
from graphvid.losses import CosineContrastiveLoss

ROWS, DIM = 256, 64
SHARES = (0.001, 0.01, 0.04)


def main(arguments: list[str]) -> None:
    """Measure and write ``shared_hinge.json`` and ``.md``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks speed shared_hinge", description=__doc__)
    parser.add_argument("--negatives", type=int, nargs="+", default=[100, 800, 3200, 8192])
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--no-write", action="store_true")
    options = parser.parse_args(arguments)
    rows: list[dict[str, str | float]] = []
    for count in options.negatives:
        generator = torch.Generator().manual_seed(count)
        users, items = (torch.nn.functional.normalize(torch.randn(n, DIM, generator=generator)) for n in (ROWS, count))
        for share in SHARES:
            margin = (users @ items.T).flatten().kthvalue(int((1 - share) * ROWS * count)).values.item()
            spent = _alternate(CosineContrastiveLoss(margin, 150.0), users, items, options.repeats)
            for form, seconds in spent.items():
                rows.append(
                    {
                        "negatives": count,
                        "share above the margin": share,
                        "form": form,
                        "ms": 1e3 * seconds,
                        "times of the scores": seconds / spent["scores"],
                    }
                )
    title = f"The cosine contrastive loss, {ROWS} rows, negatives shared"
    text = _results.write(
        "shared_hinge",
        title,
        rows,
        write=not options.no_write,
        threads=torch.get_num_threads(),
        repeats=options.repeats,
    )
    print(text)


def _alternate(loss: CosineContrastiveLoss, users: Tensor, items: Tensor, repeats: int) -> dict[str, float]:
    """Return the median seconds of both forms, the first turn left out."""
    users, items = users.clone().requires_grad_(), items.clone().requires_grad_()
    positive = torch.full((ROWS,), 0.5)
    forms = {
        "scores": lambda: loss(positive, users @ items.T),
        "of_shared": lambda: loss.of_shared(positive, users, items),
    }
    spent: dict[str, list[float]] = {form: [] for form in forms}
    for _ in range(repeats + 1):
        for form, compute in forms.items():
            started = time.perf_counter()
            compute().backward()  # type: ignore[no-untyped-call]
            spent[form].append(time.perf_counter() - started)
    return {form: statistics.median(seconds[1:]) for form, seconds in spent.items()}
