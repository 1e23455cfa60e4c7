"""The ``graphvid`` command, made from the index of methods and the records of their sources."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast, get_args, get_origin

import typer
from typer.core import TyperCommand, TyperGroup

from graphvid.tasks import COMMANDS, METHODS, load_run, load_task, task_of

if TYPE_CHECKING:
    from graphvid._record import Record

_QUICKSTART = Path("graphvid-quickstart")
_ANY = {"allow_extra_args": True, "ignore_unknown_options": True}  # options of answers; ids that begin with a minus

Run = Annotated[Path, typer.Option("--run", help="Run directory of a finished run.")]
Resume = Annotated[bool, typer.Option("--resume", help="Continue the run in the directory.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress bars.")]
Out = Annotated[Path, typer.Option(help="Run directory; new or empty, or a run to resume.")]
Milliseconds = Annotated[
    list[str] | None, typer.Option(help="A column that holds milliseconds; default: as in the run. Repeatable.")
]


class _Lazy(TyperGroup):
    """A group whose further commands are imported when they are asked for."""  # Any below: click, or Typer's copy of it

    _listing = False

    def further(self) -> Mapping[str, str]:
        """Give the summaries of the further commands by name."""
        return {name: entry.summary for name, entry in COMMANDS.items()}

    def make(self, name: str) -> Callable[..., None]:
        """Give the function of a further command."""
        return load_task(COMMANDS[name]).commands[name]

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *self.further()]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.further():
            return super().get_command(ctx, cmd_name)
        if self._listing:
            return TyperCommand(cmd_name, help=self.further()[cmd_name])
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        alone.command(cmd_name)(self.make(cmd_name))
        return typer.main.get_command(alone)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Show the commands without importing what they need."""
        self._listing = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._listing = False


class _Methods(_Lazy):
    """The group of all methods."""

    def further(self) -> Mapping[str, str]:
        return {name: entry.summary for name, entry in METHODS.items()}

    def make(self, name: str) -> Callable[..., None]:
        return _train_command(name)


app = typer.Typer(
    cls=_Lazy, help="Video embeddings from what people watch.", no_args_is_help=True, pretty_exceptions_enable=False
)
train_app = typer.Typer(cls=_Methods, help="Train a model into a run directory.", no_args_is_help=True)
app.add_typer(train_app, name="train")


@train_app.callback()
def _train() -> None:
    """Train a model into a run directory."""


@app.command()
def quickstart(
    out: Out = _QUICKSTART,
    resume: Resume = False,
    seed: Annotated[int, typer.Option(help="Of the generated world and of training.")] = 0,
    quiet: Quiet = False,
) -> None:
    """Generate a small world of users and videos, learn embeddings from it, and show what they find. Runs offline."""
    from graphvid.models import RGCConfig
    from graphvid.tasks.co_watch import CoWatchSource

    source, config = CoWatchSource(dataset="synthetic", seed=seed), RGCConfig(seed=seed)
    _train_and_show("rgc", source, out, config, resume=resume, checkpoint_every=None, quiet=quiet)
    typer.echo(f"Next: graphvid neighbors 0 --run {out}")


@app.command(context_settings=_ANY)
def recommend(
    context: typer.Context,
    user_id: Annotated[str, typer.Argument(help="Id of a user of the run.")],
    run: Run,
    top_k: Annotated[int, typer.Option(help="Number of items.")] = 10,
) -> None:
    """Show the items that a run ranks first for a user. A run may take further options, which an error lists."""
    recommend = load_run(run).answer("recommend")
    _show(recommend(user_id, top_k=top_k, **_further(recommend, context.args)))


@app.command(context_settings=_ANY)
def neighbors(
    context: typer.Context,
    video_id: Annotated[str, typer.Argument(help="Id of a video of the run.")],
    run: Run = _QUICKSTART,
    top_k: Annotated[int, typer.Option(help="Number of videos.")] = 10,
) -> None:
    """Show the videos most similar to one video."""
    most_similar = load_run(run).answer("neighbors")
    _show(most_similar(video_id, top_k=top_k, **_further(most_similar, context.args)))


@app.command()
def export(
    run: Run,
    out: Annotated[Path, typer.Option(help="File to write: .faiss, .parquet or .npy.")],
    to: Annotated[str, typer.Option(help="One of faiss, parquet, npy.")] = "faiss",
    kind: Annotated[
        str | None, typer.Option(help="Of a FAISS index: flat (the default), hnsw, pq, ivfpq or fastscan.")
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="Of a FAISS index: cosine (the default), or dot for the scores of a recommender.")
    ] = None,
    of: Annotated[str | None, typer.Option(help="Vectors of what, where a run has several: item or user.")] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change an option of the kind: --set num_codebooks=16. Repeatable."),
    ] = None,
) -> None:
    """Write the vectors of a run as a FAISS index, a Parquet file or a NumPy array, with their ids."""
    from graphvid.runs import export as write

    options = _parse_options(option or [])
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
    of: Annotated[str | None, typer.Option(help="Vectors of what, where a run has several: item or user.")] = None,
    out: Annotated[Path | None, typer.Option(help="File to write instead of printing: .csv or .parquet.")] = None,
) -> None:
    """Show the videos nearest to one of a run, or to new ones that nobody has watched yet."""
    from graphvid.data import load_features, read_id_list
    from graphvid.runs import search as find

    if out is not None:
        _check_table(out, [index, run, features, exclude])
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
    if out is None:
        _show(table)
        return
    _write_table(table, out)
    typer.echo(f"{len(table):,} rows in {out}")


@app.command()
def predict(
    log: Annotated[Path, typer.Option(help="Users and videos to score: CSV or Parquet with user_id, video_id.")],
    out: Annotated[Path, typer.Option(help="File to write: .csv or .parquet.")],
    run: Run,
    clips: Annotated[Path | None, typer.Option(help="Clip features of videos the run does not know.")] = None,
    milliseconds: Milliseconds = None,
) -> None:
    """Say who will finish which video, for how long they will watch, and at which clip they most likely leave."""
    from graphvid.data import ClipFeatures, WatchLog

    _check_table(out, [log, clips, run])
    asked = load_run(run)
    answer = asked.answer("predict")
    units = asked.config["source"]["milliseconds"] if milliseconds is None else milliseconds
    pairs = WatchLog.read(log, duplicates="keep", milliseconds=units)
    table = answer(pairs, clips=None if clips is None else ClipFeatures.open(clips))
    for name, count in table.attrs.items():
        if count:
            typer.echo(f"{name}: {count:,}", err=True)
    _write_table(table, out)
    typer.echo(f"{len(table):,} predictions in {out}")


@app.command()
def evaluate(run: Run = _QUICKSTART, quiet: Quiet = False) -> None:
    """Read a run's source again, and judge the saved model on what training never saw."""
    import pandas as pd

    found = load_run(run).answer("evaluate")(progress=not quiet)
    _show(pd.DataFrame([{"method": name, **figures} for name, figures in found.items()]))


@app.command()
def embed(
    features: Annotated[
        Path,
        typer.Option(
            "--features", "--videos",
            help="Features of the videos: .npy, .npz or .parquet; of a run of twin-tower, videos: .jsonl or .parquet; of a "
            "run on clips, a folder of videos.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="File to write: .npz with ids and embedding, or .zip with --form contest.")],
    run: Run = _QUICKSTART,
    form: Annotated[str, typer.Option(help="features, or contest for a submission of at most 256 columns.")] = "features",
) -> None:  # fmt: skip
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
    """Run the command; an error that the user can mend is one sentence, not a traceback."""
    try:
        app()
    except (ValueError, TypeError, KeyError, OSError, ImportError) as error:
        message = error.args[0] if isinstance(error, KeyError) and error.args else error
        typer.echo(f"graphvid: {message}", err=True)
        sys.exit(2)


def _train_command(name: str) -> Callable[..., None]:
    """Return the command that trains a method: an option for every field of its source, then those of the run."""
    task = task_of(name)
    kind = task.methods[name].config
    help_of = _parameter_docs(task.source)
    fields = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=list(field.default) if isinstance(field.default, tuple) else field.default,
            annotation=_option(field, _types(task.source)[field.name], help_of.get(field.name, "")),
        )
        for field in dataclasses.fields(cast(Any, task.source))
        if field.name != "seed"
    ]

    def command(
        out: Out,
        preset: Annotated[str, typer.Option(help=f"Options by name: {', '.join(kind.presets)}.")] = next(
            iter(kind.presets)
        ),
        option: Annotated[
            list[str] | None,
            typer.Option(
                "--set", help="Change an option of the preset, --set dim=32 or --set loss.margin=0.4. Repeatable."
            ),
        ] = None,
        seed: Annotated[int, typer.Option(help="Of what is generated or split, and of training.")] = 0,
        checkpoint_every: Annotated[
            int | None, typer.Option(help="Steps between checkpoints, which a killed run loses at most.")
        ] = None,
        resume: Resume = False,
        quiet: Quiet = False,
        **given: Any,
    ) -> None:
        from graphvid._record import merge

        source = task.source(**given, **({"seed": seed} if "seed" in help_of else {}))
        base = kind.preset(preset).to_dict()
        if "seed" in base:
            base["seed"] = seed
        config = kind.from_dict(merge(base, _parse_options(option or [])))
        _train_and_show(name, source, out, config, resume=resume, checkpoint_every=checkpoint_every, quiet=quiet)

    own = [
        p
        for p in inspect.signature(command, locals={"kind": kind}, eval_str=True).parameters.values()
        if p.name != "given"
    ]
    ordered = [own[0], *fields, *own[1:]]
    command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in ordered]
    )
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in ordered}
    command.__doc__ = METHODS[name].summary
    return command


def _option(field: dataclasses.Field[Any], annotation: Any, text: str) -> Any:
    """Return the annotation of the option that fills a field of a source."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    members = [member for member in get_args(annotation) if member is not type(None)]
    kind = members[0] if members and get_origin(annotation) not in (Literal, tuple) else annotation
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) is tuple:
        kind = list[get_args(kind)[0]]  # type: ignore[misc] # of texts
    if get_origin(kind) is Literal:
        text, kind = f"{text} One of {', '.join(map(str, get_args(kind)))}.", str
    if field.default is None or field.default == ():
        kind = kind | None
    names = [f"--{field.name.rstrip('_')}"] if field.name.endswith("_") else []  # a word that Python keeps for itself
    return Annotated[kind, typer.Option(*names, help=text)]


def _types(kind: type[Record]) -> dict[str, Any]:
    from graphvid._record import types_of

    return types_of(kind)


def _parameter_docs(kind: type[Record]) -> dict[str, str]:
    """Return the first sentence on each parameter in a numpydoc docstring, as plain text."""
    lines = inspect.cleandoc(kind.__doc__ or "").splitlines()
    found: dict[str, str] = {field.name: "" for field in dataclasses.fields(cast(Any, kind))}
    names: list[str] = []
    for line in lines[lines.index("Parameters") + 2 :] if "Parameters" in lines else []:
        if re.match(r"\w[\w, ]*( :.*)?$", line) and not line.startswith("-"):
            names = [name for name in re.split(r",\s*", line.partition(" :")[0]) if name in found]
            if not names and not line.partition(" :")[1]:
                break
        elif line.startswith("    "):
            for name in names:
                found[name] = f"{found[name]} {line.strip()}".strip()
    return {name: _first_sentence(text) for name, text in found.items()}


def _first_sentence(text: str) -> str:
    sentence = re.split(r"(?<=[a-z\])])\. |; see ", text.replace("`", ""))[0].rstrip(".")
    return f"{sentence}." if sentence else ""


def _train_and_show(
    method: str, source: Record, out: Path, config: Record, *, resume: bool, checkpoint_every: int | None, quiet: bool
) -> None:
    from graphvid.runs import RunDirectory, train

    task = task_of(method)
    try:
        train(task, method, source, out, config, resume=resume, checkpoint_every=checkpoint_every, progress=not quiet)
    except KeyboardInterrupt:  # Typer would end without a word
        typer.echo("graphvid: interrupted; the same command with --resume goes on from the last checkpoint", err=True)
        raise typer.Exit(128 + signal.SIGINT) from None
    typer.echo(task.report(RunDirectory(out)).to_text())
    typer.echo(f"Report: {out / 'report.html'}")


def _further(answer: Callable[..., Any], arguments: list[str]) -> dict[str, Any]:
    """Return options like ``--at TIME`` that an answer has beside those of the command, as its types ask for."""
    from pydantic import TypeAdapter

    common = ("top_k",)
    known = {
        name.rstrip("_").replace("_", "-"): parameter
        for name, parameter in inspect.signature(answer, eval_str=True).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and name not in common
    }
    words, values = list(arguments), {}
    while words:
        name, equals, value = words.pop(0).partition("=")
        if name.removeprefix("--") not in known or not name.startswith("--"):
            raise ValueError(f"options must be among {[f'--{one}' for one in known]} for this run, got {name!r}")
        parameter = known[name.removeprefix("--")]
        if parameter.annotation is bool and not equals:
            values[parameter.name] = True
            continue
        if not equals and not words:
            raise ValueError(f"{name} must have a value, got none")
        text = value if equals else words.pop(0)
        try:
            values[parameter.name] = TypeAdapter(parameter.annotation).validate_python(text)
        except ValueError:
            accepted = getattr(parameter.annotation, "__name__", parameter.annotation)
            raise ValueError(f"{name} must be a {accepted}, got {text!r}") from None
    return values


def _check_table(out: Path, inputs: Sequence[Path | None]) -> None:
    """Raise unless ``out`` is a file for a table, and none of what is read."""
    from graphvid._files import check_output

    if out.suffix not in (".csv", ".parquet"):
        raise ValueError(f"out must end in .csv or .parquet, got {out.name!r}")
    check_output(out, inputs)


def _write_table(table: Any, out: Path) -> None:  # a data frame; pandas is imported late
    from graphvid._files import atomic_path

    with atomic_path(out) as temporary:
        write = table.to_csv if out.suffix == ".csv" else table.to_parquet
        write(temporary, index=False)


def _show(table: Any) -> None:  # a data frame; pandas is imported late
    typer.echo(table.to_string(index=False, float_format="%.4f"))


def _parse_options(options: list[str]) -> dict[str, Any]:
    values = {}
    for text in options:
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"--set must be NAME=VALUE, got {text!r}")
        try:
            values[name] = json.loads(value)
        except json.JSONDecodeError:
            values[name] = value
    return values
