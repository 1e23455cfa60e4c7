"""The task codes: learn codes of the database, and evaluate a search of it by items outside training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, ClassVar

import numpy as np
import torch

from graphvid._files import atomic_path
from graphvid.metrics import code_usage
from graphvid.models.quantizers import (
    ContrastiveQuantization,
    ContrastiveQuantizationConfig,
    PyramidHybridPoolingQuantization,
    PyramidQuantizationConfig,
    QuantizationConfig,
    StandardizeLevels,
    coder_of,
)
from graphvid.ops import NeighborTable
from graphvid.ops.neighbors import expand_ranges
from graphvid.retrieval import CodeIndex, fingerprint
from graphvid.runs import (
    CODES,
    Json,
    Method,
    Parts,
    Report,
    RunDirectory,
    Task,
    Training,
    judge,
    storable,
    write_tensors,
    write_vectors,
)

from .answers import CODER, SPLIT, CodesRun, judge_codes, trial_of
from .figures import NAMES, Floats, Judged, Split, Trial, faiss_scores, in_bytes, means, split_rows, unit
from .report import report
from .source import CodesSource, LoadedCodes, load_codes


class Codes(Task[CodesSource, LoadedCodes]):
    """Task of codes: a few bytes for each item, without labels (MeCoQ), or with labels or links (PHPQ-style).

    A run adds the files ``split.npz`` (rows of database, validation and queries), ``coder.safetensors`` (encoder and
    codebooks), ``embeddings.npz`` (``ids`` and ``embedding``, the vectors that are coded) and ``codes.safetensors`` (codes
    of all videos with codebooks and ids; `graphvid.retrieval.CodeIndex.load` and ``graphvid search`` read it).
    """

    source = CodesSource
    methods: ClassVar[Mapping[str, Method]] = {
        "mecoq": Method("MeCoQ", ContrastiveQuantizationConfig),
        "phpq": Method("PHPQ-style", PyramidQuantizationConfig),
    }
    answers = CodesRun

    def check(self, source: CodesSource, method: str, config: Any) -> None:
        """Raise for a method with labels and a source that has neither labels nor a graph."""
        if method == "phpq" and source.dataset is None and source.labels is None and not source.graph:
            raise ValueError("method 'phpq' learns from labels or links: give labels, or from_run with graph")

    def load(self, source: CodesSource, *, progress: bool) -> LoadedCodes:
        """Read the source."""
        return load_codes(source, progress=progress)

    def prepare(self, run: RunDirectory, method: str, data: LoadedCodes, config: Any, *, progress: bool) -> Training:
        """Split the videos and build the model of the database."""
        split = split_rows(data.features.num_videos, data.seed)
        model = _build(method, data, split, config)

        def begin(parts: Parts) -> None:
            with atomic_path(run.path / SPLIT) as temporary:
                np.savez(temporary, **split._asdict())

        def finish(parts: Parts) -> Json:
            coder = coder_of(model, data.features.dims).eval()
            write_tensors(run.path / CODER, coder.state_dict())
            vectors = coder.embed(data.features.modalities)
            write_vectors(run, embedding=(data.features.ids, vectors))
            codes, books = coder.encode(vectors), coder.quantizer.codebooks.detach().numpy()
            ids = storable(data.features.ids)
            CodeIndex(codes, books, ids, origin=fingerprint(vectors, ids)).save(run.path / CODES)
            usage = code_usage(codes[split.database], config.num_codewords)
            title, test = self.methods[method].title, trial_of(data, split.queries, split.database)
            chosen_by = trial_of(data, split.validation, split.database)
            faiss = _faiss_codes(test, config)
            judged = {
                title: judge_codes(coder, vectors, test),
                f"{title}, queries coded too": judge_codes(coder, vectors, test, symmetric=True),
                f"{title}, vectors before coding": test.judge(_cosines(vectors, split)),
                f"features, {in_bytes(32 * test.base.shape[1])}": test.judge(test.exact),
                **{name: found for codes_of_size in faiss.values() for name, found in codes_of_size.items()},
            }
            return {
                "quality": {name: means(found) for name, found in judged.items()},
                "verdict": _verdict(title, judged[title], faiss.get(config.num_codebooks, {})),
                "validation": {title: means(judge_codes(coder, vectors, chosen_by))},
                "bytes": math.ceil(config.num_codebooks * math.log2(config.num_codewords) / 8),
                "perplexity": usage.perplexity.tolist(),
                "dead_share": usage.dead_share.tolist(),
                "items": {name: len(rows) for name, rows in split._asdict().items()},
                "faiss": find_spec("faiss") is not None,
            }

        epoch = model.steps_per_epoch
        return Training(finish, model, begin, log_every=epoch, checkpoint_every=epoch)

    def report(self, run: RunDirectory) -> Report:
        """Describe a finished run."""
        return report(run)


def _build(
    method: str, data: LoadedCodes, split: Split, config: Any
) -> ContrastiveQuantization | PyramidHybridPoolingQuantization:
    tables = {name: torch.from_numpy(x[split.database]) for name, x in data.features.modalities.items()}
    graph = None if data.graph is None else _links_inside(data.graph, split.database)
    if method == "mecoq":
        return ContrastiveQuantization(tables, config, graph=graph)
    levels = list(tables.values())
    backbone = StandardizeLevels([x.shape[1] for x in levels]).fit(levels)
    if data.labels is None:
        return PyramidHybridPoolingQuantization(levels, config, graph=graph, backbone=backbone)
    return PyramidHybridPoolingQuantization(levels, config, labels=data.labels[split.database], backbone=backbone)


def _links_inside(graph: NeighborTable, rows: Any) -> NeighborTable:  # Any: ndarray of int64
    """Return the links between some items, with new numbers in their order."""
    kept = torch.from_numpy(rows)
    place = torch.full((graph.num_nodes,), -1)
    place[kept] = torch.arange(len(kept))
    starts = graph.indptr[kept]
    slots, owner = expand_ranges(starts, graph.indptr[kept + 1] - starts)
    found = place[graph.indices[slots]]
    return NeighborTable.from_edges(owner[found >= 0], found[found >= 0], num_nodes=len(kept))


def _cosines(vectors: Floats, split: Split) -> Floats:
    own = unit(vectors)
    found: Floats = own[split.queries] @ own[split.database].T
    return found


def _faiss_codes(test: Trial, config: QuantizationConfig) -> dict[int, dict[str, Judged]]:
    """Evaluate FAISS's codes of the features by number of codebooks and name; none if FAISS is not installed."""
    num_items, dim = test.base.shape
    bits = round(math.log2(config.num_codewords))
    if find_spec("faiss") is None or 2**bits != config.num_codewords or bits > 12 or num_items < 2**bits:
        return {}
    found: dict[int, dict[str, Judged]] = {}
    for count in sorted({config.num_codebooks, *(c for c in (2, 4, 8, 16) if c <= dim)}):
        found[count] = {
            f"FAISS {kind}{count}x{bits}, {in_bytes(count * bits)}": test.judge(
                faiss_scores(kind, test.base, test.asked, count, bits)
            )
            for kind in (("PQ", "OPQ") if count == config.num_codebooks else ("PQ",))
        }
    return found


def _verdict(title: str, own: Judged, baselines: Mapping[str, Judged]) -> Json | None:
    """Compare the codes with the best FAISS codes of the same size, if there are any."""
    if not baselines:
        return None
    figure = "map" if "map" in own else "overlap"
    return judge(
        NAMES[figure], title, {name: found[figure] for name, found in {title: own, **baselines}.items()}
    ).to_dict()
