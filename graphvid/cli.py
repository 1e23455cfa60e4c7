"""The ``graphvid`` command, made from the index of methods and the records of their sources."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

import graphvid
from graphvid._answer_tables import check_out, flatten, give
from graphvid._lazy_group import LazyGroup
from graphvid._options import one_of
from graphvid._questions import asked_ids, further_options
from graphvid._quickstart import WORLDS
from graphvid._train_command import Device, Quiet, Resume, parse_options, train_and_show, train_command
from graphvid.tasks import COMMANDS, METHODS, load_run, load_task

_QUICKSTART = Path("graphvid-quickstart")
_ANY = {"allow_extra_args": True, "ignore_unknown_options": True}  # options of answers; ids that begin with a minus

Run = Annotated[Path, typer.Option("--run", help="Run directory of a finished run.")]
Written = Annotated[Path | None, typer.Option("--out", help="File to write instead of printing: .csv or .parquet.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print a JSON list of rows.")]
Milliseconds = Annotated[
    list[str] | None,
    one_of(
        "A column that holds milliseconds; default: as in the run. Repeatable.", ("watch_time", "duration", "timestamp")
    ),
]
Of = Annotated[str | None, one_of("Vectors of what, where a run has several.", ("item", "user"))]


class _Commands(LazyGroup):
    """The commands of ``graphvid``, also those that tasks add."""

    def further(self) -> Mapping[str, str]:
        return {name: entry.summary for name, entry in COMMANDS.items()}

    def make(self, name: str) -> Callable[..., None]:
        return load_task(COMMANDS[name]).commands[name]


class _Methods(LazyGroup):
    """The group of all methods."""

    def further(self) -> Mapping[str, str]:
        return {name: entry.summary for name, entry in METHODS.items()}

    def make(self, name: str) -> Callable[..., None]:
        return train_command(name, METHODS[name].summary)


app = typer.Typer(
    cls=_Commands, help="Video embeddings from what people watch.", no_args_is_help=True, pretty_exceptions_enable=False
)
train_app = typer.Typer(cls=_Methods, help="Train a model into a run directory.", no_args_is_help=True)
app.add_typer(train_app, name="train")


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"graphvid {graphvid.__version__}")
        raise typer.Exit


def _use_threads(count: int | None) -> None:
    """Set the number of threads of the libraries that compute, which are imported later."""
    if count is None:
        return
    if count < 1:
        raise ValueError(f"threads must be an integer >= 1, got {count}")
    os.environ |= {name: str(count) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")}


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
    threads: Annotated[
        int | None,
        typer.Option(callback=_use_threads, is_eager=True, help="Threads of whatever follows. Default: one a core."),
    ] = None,
) -> None:
    pass


@train_app.callback()
def _train() -> None:
    """Train a model into a run directory."""


@app.command()
def quickstart(
    task: Annotated[str, one_of("What to learn; each task has a world of its own.", WORLDS)] = next(iter(WORLDS)),
    out: Annotated[
        Path | None,
        typer.Option(help=f"Run directory. Default: {_QUICKSTART}, and for other tasks {_QUICKSTART}-TASK."),
    ] = None,
    resume: Resume = False,
    seed: Annotated[int, typer.Option(help="Of the generated world and of training.")] = 0,
    device: Device = "auto",
    quiet: Quiet = False,
) -> None:
    """Generate a small world, learn from it, and show what was found. Runs offline, each task in a minute or two."""
    from graphvid._checks import check_choice

    check_choice("task", task, WORLDS)
    world = WORLDS[task]
    source, config = world.records(seed)
    out = out or Path(_QUICKSTART if task == next(iter(WORLDS)) else f"{_QUICKSTART}-{task}")
    train_and_show(world.method, source, out, config, resume=resume, checkpoint_every=None, quiet=quiet, device=device)
    for line in world.next_lines(out):
        typer.echo(f"Next: {line}")


@app.command(context_settings=_ANY)
def recommend(
    context: typer.Context,
    run: Run,
    user_id: Annotated[str | None, typer.Argument(help="Id of a user of the run.")] = None,
    users: Annotated[
        Path | None, typer.Option(help="Many users: an id a line, or user_id in a .csv or .parquet.")
    ] = None,
    top_k: Annotated[int, typer.Option(help="Number of items.")] = 10,
    out: Written = None,
    as_json: AsJson = False,
) -> None:
    """Show the items that a run ranks first for a user, or for many. A run may take further options, which an error lists."""
    recommend = load_run(run).answer("recommend")
    asked, further = asked_ids("USER_ID", user_id, "users", users, "user_id", context.args)
    check_out(out, as_json, [users, run])
    give(recommend(asked, top_k=top_k, **further_options(recommend, further)), out, as_json)


@app.command(context_settings=_ANY)
def neighbors(
    context: typer.Context,
    video_id: Annotated[str | None, typer.Argument(help="Id of a video of the run.")] = None,
    run: Run = _QUICKSTART,
    ids: Annotated[
        Path | None, typer.Option(help="Many videos: an id a line, or video_id in a .csv or .parquet.")
    ] = None,
    top_k: Annotated[int, typer.Option(help="Number of videos.")] = 10,
    out: Written = None,
    as_json: AsJson = False,
) -> None:
    """Show the videos most similar to one video, or to each of many."""
    most_similar = load_run(run).answer("neighbors")
    asked, further = asked_ids("VIDEO_ID", video_id, "ids", ids, "video_id", context.args)
    check_out(out, as_json, [ids, run])
    give(most_similar(asked, top_k=top_k, **further_options(most_similar, further)), out, as_json)


@app.command()
def export(
    run: Run,
    out: Annotated[Path, typer.Option(help="File to write: .faiss, .parquet or .npy.")],
    to: Annotated[str, one_of("Form of the file.", ("faiss", "parquet", "npy"))] = "faiss",
    kind: Annotated[
        str | None,
        one_of("Of a FAISS index; default: flat, which is exact.", ("flat", "hnsw", "pq", "ivfpq", "fastscan")),
    ] = None,
    metric: Annotated[
        str | None,
        one_of("Of a FAISS index; default: cosine; dot for the scores of a recommender.", ("cosine", "dot")),
    ] = None,
    of: Of = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change an option of the kind: --set num_codebooks=16. Repeatable."),
    ] = None,
) -> None:
    """Write the vectors of a run as a FAISS index, a Parquet file or a NumPy array, with their ids."""
    from graphvid.runs import export as write

    options = parse_options(option or [])
    files = write(load_run(run), out, to=to, kind=kind, metric=metric, of=of, **options)  # type: ignore[arg-type] # checked
    for file in files:
        typer.echo(f"{file.stat().st_size:,} bytes in {file}")


@app.command()
def search(
    index: Annotated[
        Path | None, typer.Option(help="A .faiss or .safetensors index. Default: the vectors of the run, exactly.")
    ] = None,
    run: Annotated[Path | None, typer.Option("--run", help="Run directory of a finished run.")] = None,
    video: Annotated[str | None, typer.Option(help="Id of a video of the run.")] = None,
    features: Annotated[
        Path | None,
        typer.Option(help="New videos: a file that graphvid embed takes for the run, or without a run their vectors."),
    ] = None,
    exclude: Annotated[
        Path | None, typer.Option(help="Ids never to be found: a line each, or video_id in a .csv or .parquet.")
    ] = None,
    top_k: Annotated[int, typer.Option(help="Number of videos for each query.")] = 10,
    of: Of = None,
    out: Written = None,
    as_json: AsJson = False,
) -> None:
    """Show the videos nearest to one of a run, or to new ones that nobody has watched yet."""
    from graphvid.data import load_features, read_id_list
    from graphvid.runs import search as find

    check_out(out, as_json, [index, run, features, exclude])
    asked = None if run is None else load_run(run)
    read = load_features if asked is None else asked.read_inputs
    table = find(
        run=asked,
        index=index,
        video_id=video,
        features=None if features is None else read(features),
        exclude=[] if exclude is None else read_id_list(exclude),
        top_k=top_k,
        of=of,
    )
    give(table, out, as_json)


@app.command()
def predict(
    log: Annotated[Path, typer.Option(help="Users and videos to score: CSV or Parquet with user_id, video_id.")],
    run: Run,
    clips: Annotated[Path | None, typer.Option(help="Clip features of videos the run does not know.")] = None,
    milliseconds: Milliseconds = None,
    out: Written = None,
    as_json: AsJson = False,
) -> None:
    """Say who will finish which video, for how long they will watch, and at which clip they most likely leave."""
    from graphvid.data import ClipFeatures, WatchLog

    check_out(out, as_json, [log, clips, run])
    asked = load_run(run)
    answer = asked.answer("predict")
    units = asked.config["source"]["milliseconds"] if milliseconds is None else milliseconds
    pairs = WatchLog.read(log, duplicates="keep", milliseconds=units)
    table = answer(pairs, clips=None if clips is None else ClipFeatures.open(clips))
    for name, count in table.attrs.items():
        if count:
            typer.echo(f"{name}: {count:,}", err=True)
    give(table, out, as_json)


@app.command()
def evaluate(run: Run = _QUICKSTART, quiet: Quiet = False, as_json: AsJson = False) -> None:
    """Judge a finished run again on what training never saw; most tasks read the run's source again for it."""
    import pandas as pd

    found = load_run(run).answer("evaluate")(progress=not quiet)
    grouped = any(isinstance(value, Mapping) for figures in found.values() for value in figures.values())
    if as_json or not grouped:
        give(pd.DataFrame([{"method": name, **figures} for name, figures in found.items()]), None, as_json)
        return
    table = pd.DataFrame(
        {name: flatten(figures) for name, figures in found.items()}
    )  # groups have many figures: one row for each figure
    typer.echo(table.rename_axis("figure").reset_index().to_string(index=False, float_format="%.4f", na_rep=""))


@app.command()
def embed(
    features: Annotated[
        Path,
        typer.Option(
            "--features",
            "--videos",
            help="Features of the videos: .npy, .npz or .parquet; of a run of twin-tower, videos: .jsonl or .parquet; of a "
            "run on clips, a folder of videos.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="File to write: .npz with ids and embedding, or .zip with --form contest.")],
    run: Run = _QUICKSTART,
    form: Annotated[
        str, one_of("contest is a submission of at most 256 columns.", ("features", "contest"))
    ] = "features",
) -> None:
    """Embed videos from their features, also videos that were not there in training."""
    from graphvid._files import check_output
    from graphvid.data import write_submission

    if form not in ("features", "contest"):
        raise ValueError(f"form must be one of ['features', 'contest'], got {form!r}")
    check_output(out, [features, run])
    asked = load_run(run)
    embedded = asked.answer("embed")(asked.read_inputs(features))
    if form == "contest":
        write_submission(out, embedded.ids, embedded.modalities["embedding"])
    else:
        embedded.save(out)
    typer.echo(f"{embedded.num_videos:,} embeddings of {embedded.dims['embedding']} columns in {out}")


def main() -> None:
    """Run the command; an error that the user can mend is one sentence, and a traceback with ``GRAPHVID_DEBUG`` set."""
    try:
        app()
    except (ValueError, TypeError, KeyError, OSError, ImportError) as error:
        if os.environ.get("GRAPHVID_DEBUG"):
            raise
        message = error.args[0] if isinstance(error, KeyError) and error.args else error
        typer.echo(f"graphvid: {message}", err=True)
        sys.exit(2)
