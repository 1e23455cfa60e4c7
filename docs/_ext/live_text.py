"""Text that is taken, when the pages are built, from where it is true: help, README, presets, a program's output."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective
from typer.testing import CliRunner

from graphvid import models
from graphvid.cli import app as command_line

_DOCS = Path(__file__).parents[1]
_WIDTH = 96


class CommandHelp(SphinxDirective):
    """``.. command-help:: train rgc``: what ``graphvid train rgc --help`` prints."""

    optional_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        try:
            text = help_of(self.arguments[0].split() if self.arguments else [])
        except ValueError as error:
            raise self.error(str(error)) from None
        return [nodes.literal_block(text, text, language="text")]


class ReadmeCommand(SphinxDirective):
    """``.. readme-command:: setup``: the command below ``<!-- ci: setup -->`` in the README, which CI runs."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        readme = _DOCS.parent / "README.md"
        self.env.note_dependency(str(readme))
        try:
            text = readme_command(readme.read_text(encoding="utf-8"), self.arguments[0])
        except ValueError as error:
            raise self.error(str(error)) from None
        return [nodes.literal_block(text, text, language="bash")]


class ProgramOutput(SphinxDirective):
    """``.. program-output:: examples/first_steps.py``: what the program prints; an error of it fails the build."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        program = _DOCS / self.arguments[0]
        self.env.note_dependency(str(program))
        done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=False)
        if done.returncode:
            raise self.error(f"{self.arguments[0]} failed:\n{done.stderr}")
        return [nodes.literal_block(text := done.stdout.rstrip(), text, language="text")]


class Presets(SphinxDirective):
    """``.. presets:: RGCConfig default paper``: every option of a configuration in some of its presets, the first whole."""

    required_arguments = 2
    optional_arguments = 9

    def run(self) -> list[nodes.Node]:
        name, *presets = self.arguments
        options = [getattr(models, name).preset(preset).to_dict() for preset in presets]
        lines = [
            ".. list-table::",
            "   :header-rows: 1",
            "",
            "   * - option",
            *(f"     - {preset}" for preset in presets),
        ]
        for option, value in options[0].items():
            others = ["" if other[option] == value else f"``{other[option]}``" for other in options[1:]]
            lines += [f"   * - ``{option}``", f"     - ``{value}``", *(f"     - {other}".rstrip() for other in others)]
        return self.parse_text_to_nodes("\n".join(lines))


def help_of(words: list[str]) -> str:
    """Return the help text of ``graphvid WORDS``."""
    styled = command_line.rich_markup_mode
    command_line.rich_markup_mode = None  # no boxes, which do not fit a page
    try:
        result = CliRunner().invoke(
            command_line,
            [*words, "--help"],
            prog_name="graphvid",
            terminal_width=_WIDTH,
            max_content_width=_WIDTH,
        )
    finally:
        command_line.rich_markup_mode = styled
    if result.exit_code:
        raise ValueError(f"command-help must name a subcommand of graphvid, got {' '.join(words)!r}: {result.output}")
    return result.output.strip()


def readme_command(readme: str, name: str) -> str:
    """Return the first fenced block after the mark ``<!-- ci: NAME -->``."""
    found = re.search(rf"^<!-- ci: {re.escape(name)} -->\n```\w*\n(.*?)\n```$", readme, re.MULTILINE | re.DOTALL)
    if not found:
        raise ValueError(f"README.md must have a fenced command below '<!-- ci: {name} -->', got none")
    return found[1]


def setup(app):
    app.add_directive("command-help", CommandHelp)
    app.add_directive("readme-command", ReadmeCommand)
    app.add_directive("program-output", ProgramOutput)
    app.add_directive("presets", Presets)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
