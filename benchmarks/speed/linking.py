"""Max-product messages over documents: without padding, and in the dense form n x C x n x C.

``python -m benchmarks speed linking``. Inference of ten rounds for AIDA's documents, or a sample; both forms take turns,
document by document, and must agree to 1e-4.
"""

from __future__ import annotations

import argparse
import math
import time

import numpy as np
import torch
from torch import Tensor

from benchmarks.speed import _results
from graphvid.data import AidaCandidates
from graphvid.nn import AssignmentLayout, PairCoherence, max_product

DIM, ROUNDS, DAMPING = 64, 10, 0.5


def main(arguments: list[str]) -> None:
    """Measure and write ``linking.json`` and ``.md``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks speed linking", description=__doc__)
    parser.add_argument("--data-dir")
    parser.add_argument("--every", type=int, default=1, help="take every so many documents")
    parser.add_argument("--no-write", action="store_true")
    options = parser.parse_args(arguments)
    mentions = AidaCandidates(options.data_dir).mentions
    counts = np.diff(mentions.cand_indptr)
    generator = torch.Generator().manual_seed(0)
    spent = {"dense, padded": 0.0, "without padding": 0.0}
    largest = dict.fromkeys(spent, 0)
    starts = np.searchsorted(mentions.doc, np.arange(mentions.num_docs + 1))
    docs = range(-1, mentions.num_docs, options.every)
    for doc in docs:  # -1: the first document once more, so that nothing is compiled on the clock
        of_doc = torch.from_numpy(counts[starts[max(doc, 0)] : starts[max(doc, 0) + 1]])
        entities = torch.nn.functional.normalize(torch.randn(int(of_doc.sum()), DIM, generator=generator))
        local = torch.randn(len(entities), generator=generator)
        n, most = len(of_doc), int(of_doc.max())
        pairs = {"dense, padded": (n * most) ** 2, "without padding": len(entities) ** 2}
        found = {}
        for form, compute in (("dense, padded", _dense), ("without padding", _ragged)):
            started = time.perf_counter()
            with torch.inference_mode():
                found[form] = compute(of_doc, local, entities)
            if doc >= 0:
                spent[form] += time.perf_counter() - started
                largest[form] = max(largest[form], 4 * pairs[form])
        torch.testing.assert_close(*found.values(), atol=1e-4, rtol=1e-4)
    rows: list[dict[str, str | float]] = [
        {
            "form": form,
            "documents": len(docs) - 1,
            "seconds": seconds,
            "times faster": spent["dense, padded"] / seconds,
            "largest table of pairs (MB)": largest[form] / 1e6,
        }
        for form, seconds in spent.items()
    ]
    title = f"Ten rounds of messages over AIDA's documents, {DIM} columns"
    print(_results.write("linking", title, rows, write=not options.no_write, threads=torch.get_num_threads()))


def _ragged(counts: Tensor, local: Tensor, entities: Tensor) -> Tensor:
    layout = AssignmentLayout(torch.tensor([0, len(counts)]), torch.cat([counts.new_zeros(1), counts.cumsum(0)]))
    return max_product(local, PairCoherence(DIM)(entities, layout), layout, num_rounds=ROUNDS, damping=DAMPING)


def _dense(counts: Tensor, local: Tensor, entities: Tensor) -> Tensor:
    """Run the form of the released code: all mentions padded to the most candidates."""
    n, most = len(counts), int(counts.max())
    real = torch.arange(most) < counts[:, None]
    x = entities.new_zeros(n, most, DIM)
    x[real] = entities
    psi = local.new_full((n, most), -math.inf)
    psi[real] = local
    phi = 2 / max(n - 1, 1) * torch.einsum("iad,jbd->iajb", x, x)
    own = torch.eye(n, dtype=torch.bool)[:, :, None]
    message = psi.new_zeros(n, n, most)  # from i to the candidates of j
    for _ in range(ROUNDS):
        told = psi + message.sum(dim=0)
        base = told[:, None] - message.transpose(0, 1)  # (i, j, a)
        reached = (phi + base.transpose(1, 2)[..., None]).amax(dim=1)  # (i, j, b)
        new = reached.masked_fill(~real, -math.inf).log_softmax(dim=2)
        mixed = torch.logaddexp(new + math.log(DAMPING), message + math.log1p(-DAMPING))
        message = mixed.masked_fill(~real | own, 0.0)
    return (psi + message.sum(dim=0))[real]
