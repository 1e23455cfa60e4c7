"""The commands that train: each has an option for every field of the method's source, then the options of a run."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
import shlex
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast, get_args, get_origin

import typer

from graphvid._checks import check_choice
from graphvid._options import one_of
from graphvid.tasks import task_of

if TYPE_CHECKING:
    from graphvid._record import Record

Resume = Annotated[bool, typer.Option("--resume", help="Continue the run in the directory.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress bars.")]
Out = Annotated[Path, typer.Option(help="Run directory; new or empty, or a run to resume.")]

DEVICES = ("auto", "cpu", "cuda")
Device = Annotated[str, one_of("Where to train; auto takes a GPU where there is one.", DEVICES)]


def train_command(name: str, summary: str) -> Callable[..., None]:
    """Return the command that trains a method, with its summary as help."""
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

    def show_options(asked: bool) -> None:
        if asked:
            typer.echo("\n".join(_list_options(kind)))
            raise typer.Exit

    def command(
        context: typer.Context,
        out: Out,
        preset: Annotated[str, one_of("Options by name.", kind.presets)] = next(iter(kind.presets)),
        option: Annotated[
            list[str] | None,
            typer.Option(
                "--set", help="Change an option of the preset, --set dim=32 or --set loss.margin=0.4. Repeatable."
            ),
        ] = None,
        config: Annotated[
            Path | None,
            typer.Option(help="The config.json of a run: its source and options, but for those that are given here."),
        ] = None,
        seed: Annotated[int, typer.Option(help="Of what is generated or split, and of training.")] = 0,
        device: Device = "auto",
        checkpoint_every: Annotated[
            int | None, typer.Option(help="Steps between checkpoints, which a killed run loses at most.")
        ] = None,
        resume: Resume = False,
        quiet: Quiet = False,
        list_options: Annotated[
            bool,
            typer.Option(
                "--list-options", callback=show_options, is_eager=True, help="Print what --set takes, and end."
            ),
        ] = False,
        **given: Any,
    ) -> None:
        from graphvid._record import merge

        def asked(option: str) -> bool:
            return getattr(context.get_parameter_source(option), "name", "") != "DEFAULT"

        values, base = given, kind.preset(preset).to_dict()
        if config is not None:
            if asked("preset"):
                raise ValueError("preset must not be given with config, which has every option")
            fed = _read_fed(config, name)
            values = {**fed["source"], **{key: value for key, value in given.items() if asked(key)}}
            base = fed["model"]
        if config is None or asked("seed"):
            values = {**values, **({"seed": seed} if "seed" in help_of else {})}
            base = {**base, **({"seed": seed} if "seed" in base else {})}
        train_and_show(
            name,
            task.source.from_dict(values),
            out,
            kind.from_dict(merge(base, parse_options(option or []))),
            resume=resume,
            checkpoint_every=checkpoint_every,
            quiet=quiet,
            device=device,
        )

    own = [
        p
        for p in inspect.signature(
            command, locals={"kind": kind, "show_options": show_options}, eval_str=True
        ).parameters.values()
        if p.name != "given"
    ]
    ordered = [*own[:2], *fields, *own[2:]]
    command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in ordered]
    )
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in ordered}
    command.__doc__ = summary
    return command


def train_and_show(
    method: str,
    source: Record,
    out: Path,
    config: Record,
    *,
    resume: bool,
    checkpoint_every: int | None,
    quiet: bool,
    device: str,
) -> None:
    """Train a method into a run directory and print its report; an interrupt ends with code 130 and names ``--resume``."""
    from graphvid.runs import RunDirectory, train

    check_choice("device", device, DEVICES)
    task = task_of(method)
    try:
        train(
            task,
            method,
            source,
            out,
            config,
            resume=resume,
            checkpoint_every=checkpoint_every,
            progress=not quiet,
            device=cast(Any, device),
            command=shlex.join(["graphvid", *sys.argv[1:]]),
        )
    except KeyboardInterrupt:  # Typer would end without a word
        typer.echo("graphvid: interrupted; the same command with --resume goes on from the last checkpoint", err=True)
        raise typer.Exit(128 + signal.SIGINT) from None
    typer.echo(task.report(RunDirectory(out)).to_text())
    typer.echo(f"Report: {out / 'report.html'}")


def _read_fed(config: Path, method: str) -> dict[str, Any]:
    """Return the configuration of a run of a method, or raise."""
    from graphvid.runs import read_config

    stored = read_config(config)
    if stored["method"] != method:
        raise ValueError(f"config must be that of a run of {method!r}, got one of {stored['method']!r}")
    return stored


def parse_options(options: list[str]) -> dict[str, Any]:
    """Return the options in words such as ``dim=32``; a value that is not JSON is text."""
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


def _list_options(kind: type[Record]) -> list[str]:
    """Return the options of every preset as words of ``--set``; after the first preset only those that differ."""
    lines: list[str] = []
    first: dict[str, Any] = {}
    for preset in kind.presets:
        values = kind.preset(preset).to_dict()
        changed = {name: value for name, value in values.items() if not first or value != first[name]}
        lines.append(f"--preset {preset}" + (", where it differs" if first else ""))
        lines += [f"  --set {shlex.quote(f'{name}={json.dumps(value)}')}" for name, value in changed.items()]
        first = first or values
    return lines


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
    names = [f"--{field.name.rstrip('_')}"] if field.name.endswith("_") else []  # a Python keyword
    told = typer.Option(*names, help=text)
    if get_origin(kind) is Literal:
        kind, told = str, one_of(text, get_args(kind), *names)
    if field.default is None or field.default == ():
        kind = kind | None
    return Annotated[kind, told]


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
    sentence = re.split(r"(?<=[a-z\])])\. |; see ", text.replace("`", ""))[0]
    return f"{sentence}." if sentence and not sentence.endswith(".") else sentence
