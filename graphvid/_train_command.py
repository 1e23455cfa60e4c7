"""The commands that train: an option for every field of a method's source, then those of the run."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
import shlex
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast, get_args, get_origin

import typer

from graphvid.tasks import task_of

if TYPE_CHECKING:
    from graphvid._record import Record

Resume = Annotated[bool, typer.Option("--resume", help="Continue the run in the directory.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress bars.")]
Out = Annotated[Path, typer.Option(help="Run directory; new or empty, or a run to resume.")]


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
        list_options: Annotated[
            bool,
            typer.Option(
                "--list-options", callback=show_options, is_eager=True, help="Print what --set takes, and end."
            ),
        ] = False,
        **given: Any,
    ) -> None:
        from graphvid._record import merge

        source = task.source(**given, **({"seed": seed} if "seed" in help_of else {}))
        base = kind.preset(preset).to_dict()
        if "seed" in base:
            base["seed"] = seed
        config = kind.from_dict(merge(base, parse_options(option or [])))
        train_and_show(name, source, out, config, resume=resume, checkpoint_every=checkpoint_every, quiet=quiet)

    own = [
        p
        for p in inspect.signature(
            command, locals={"kind": kind, "show_options": show_options}, eval_str=True
        ).parameters.values()
        if p.name != "given"
    ]
    ordered = [own[0], *fields, *own[1:]]
    command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in ordered]
    )
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in ordered}
    command.__doc__ = summary
    return command


def train_and_show(
    method: str, source: Record, out: Path, config: Record, *, resume: bool, checkpoint_every: int | None, quiet: bool
) -> None:
    """Train a method into a run directory and print its report; an interrupt ends with code 130 and names ``--resume``."""
    from graphvid.runs import RunDirectory, train

    task = task_of(method)
    try:
        train(task, method, source, out, config, resume=resume, checkpoint_every=checkpoint_every, progress=not quiet)
    except KeyboardInterrupt:  # Typer would end without a word
        typer.echo("graphvid: interrupted; the same command with --resume goes on from the last checkpoint", err=True)
        raise typer.Exit(128 + signal.SIGINT) from None
    typer.echo(task.report(RunDirectory(out)).to_text())
    typer.echo(f"Report: {out / 'report.html'}")


def parse_options(options: list[str]) -> dict[str, Any]:
    """Return the values of words such as ``dim=32``: JSON where they are JSON, text otherwise."""
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
    """Return the options of every preset as words of ``--set``; of all but the first only those that differ."""
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
