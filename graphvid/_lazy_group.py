"""Groups of commands that import a command when the user calls it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


class LazyGroup(TyperGroup, ABC):
    """A group that imports its further commands when the user calls them.

    A subclass lists them (`further`) and makes them (`make`).
    """  # Any below: click, or Typer's copy of it

    _listing = False

    @abstractmethod
    def further(self) -> Mapping[str, str]:
        """Return the summaries of the further commands by name."""

    @abstractmethod
    def make(self, name: str) -> Callable[..., None]:
        """Return the function of a further command."""

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

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Complete the names of commands, those of the further ones too."""
        self._listing = True
        try:
            return super().shell_complete(ctx, incomplete)
        finally:
            self._listing = False

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Show the commands without importing what they need."""
        self._listing = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._listing = False
