"""The task linking: train on linked documents, choose the epoch on development documents, and link the test documents."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from graphvid._files import atomic_path
from graphvid.models.linking import (
    LinkConfig,
    Linker,
    LinkGlobal,
    LinkGlobalConfig,
    LinkGraph,
    LinkGraphConfig,
    LinkLocal,
    LinkLocalConfig,
)
from graphvid.runs import Json, KeepBest, Method, Parts, Report, RunDirectory, Task, Training, write_tensors

from .answers import WEIGHTS, LinkingRun, write_knowledge
from .figures import judge_linker, score_linking
from .knowledge import used
from .report import report
from .source import LinkingSource, LoadedLinking, load_linking


class Linking(Task[LinkingSource, LoadedLinking]):
    """Task of linking: find the entity that a mention means.

    A run adds the files ``model.safetensors``, the weights of the best epoch, and ``knowledge.npz``, the knowledge of its
    entities; with an encoder of contexts also ``encoder.safetensors`` and the folder ``encoder``. Its answers read only
    these.
    """

    source = LinkingSource
    methods: ClassVar[Mapping[str, Method]] = {
        "link-local": Method("local linking", LinkLocalConfig, LinkLocal),
        "link-global": Method("global linking", LinkGlobalConfig, LinkGlobal),
        "link-graph": Method("linking along links", LinkGraphConfig, LinkGraph),
    }
    answers = LinkingRun

    def load(self, source: LinkingSource, *, progress: bool) -> LoadedLinking:
        """Read the mentions, and compute the knowledge of them."""
        return load_linking(source)

    def prepare(
        self, run: RunDirectory, method: str, data: LoadedLinking, config: LinkConfig, *, progress: bool
    ) -> Training:
        """Build the model and the evaluation of its epochs."""
        model = make_linker(method, data, config)
        best = KeepBest(judge_linker(data), "accuracy", patience=config.patience)

        def begin(parts: Parts) -> None:
            write_knowledge(run, data)

        def finish(parts: Parts) -> Json:
            write_tensors(run.path / WEIGHTS, model.state_dict())
            return {
                "test": score_linking(model, data, self.methods[method].title),
                "best_epoch": best.best_epoch,
                "epochs": best.epochs,
                "features": [data.inputs.names[at] for at in used(data.inputs, data.groups)],
            }

        return Training(
            finish,
            model,
            begin,
            callbacks=[best],
            log_every=max(1, model.steps_per_epoch // 10),
            checkpoint_every=model.steps_per_epoch,
        )

    def report(self, run: RunDirectory) -> Report:
        """Describe a finished run."""
        return report(run)


def make_linker(method: str, data: LoadedLinking, config: LinkConfig) -> Linker:
    """Return the untrained model of a method for the training documents of ``data``.

    Raises
    ------
    ValueError
        An unknown method, or inputs for which the model raises.
    """
    if method not in Linking.methods:
        raise ValueError(f"method must be one of {sorted(Linking.methods)}, got {method!r}")
    build = Linking.methods[method].build
    assert build is not None
    model: Linker = build(data.inputs.graph, data.used.tables(data.inputs), data.docs("train"), config)
    return model


def link(
    text: Annotated[Path, typer.Option(help="CSV with id, text and, if known, start and end of mentions.")],
    candidates: Annotated[Path, typer.Option(help="CSV with surface, entity and, where it is known, prior.")],
    run: Annotated[Path, typer.Option("--run", help="Run directory of a finished run.")],
    out: Annotated[Path | None, typer.Option(help="CSV file to write; else the table is shown.")] = None,
) -> None:
    """Return which entity each mention in texts means, how sure that is, and what speaks for it."""
    from graphvid.tasks import load_run

    table = load_run(run).answer("link")(text, candidates)
    if out is None:
        typer.echo(table.to_string(index=False, float_format="%.4f"))
        return
    if out.suffix != ".csv":
        raise ValueError(f"out must end in .csv, got {out.name!r}")
    with atomic_path(out) as temporary:
        table.to_csv(temporary, index=False)
    typer.echo(f"{len(table):,} mentions in {out}")


Linking.commands = {"link": link}
