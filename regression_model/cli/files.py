"""Options and arguments that name files, and what is checked of them before a command runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

_STANDARD_OUTPUT = {"standard output": Path("/dev/stdout")}


class FilePath(click.Path):
    """A path; ``absent`` finds the one that the command uses where none is given."""

    def __init__(self, *, absent: Callable[[], Path | None] = lambda: None, **checks: Any) -> None:
        super().__init__(**{"path_type": Path, **checks})
        self.absent = absent


class InputPath(FilePath):
    """A file or a folder that the command reads."""


class OutputPath(FilePath):
    """A file that the command writes, in place of an older one."""

    def __init__(self) -> None:
        super().__init__(readable=False)

    def check(self, label: str, path: Path) -> None:
        """Raise InvalidInput where ``path`` cannot be written."""
        from regression_model.files.atomic_file import check_replaceable

        check_replaceable(path)


class OutputFolder(FilePath):
    """A folder that the command saves an artifact in."""

    def __init__(self, *, absent: Callable[[], Path | None] = lambda: None) -> None:
        super().__init__(absent=absent, file_okay=False)

    def check(self, label: str, path: Path) -> None:
        """Raise UsageError where no artifact can be saved in ``path``."""
        from regression_model.files.atomic_file import may_write_into

        folders = (path.absolute(), *path.absolute().parents)
        nearest = next(folder for folder in folders if os.path.lexists(folder))
        if not nearest.is_dir() or not may_write_into(nearest):
            raise click.UsageError(f"{path} cannot be written to; name another folder with {label}")


class FileCommand(click.Command):
    """A command that refuses, before anything is done, to write over what it reads."""

    def invoke(self, ctx: click.Context) -> Any:
        """Check the files that the command was given, then run the command."""
        check_files(ctx)
        return super().invoke(ctx)


def check_files(ctx: click.Context, chosen: Mapping[str, Path] | None = None) -> None:
    """Refuse an output that is an input or another output, or that cannot be written.

    ``chosen`` are outputs that the command decided on itself, by the names of their parameters.
    """
    from regression_model.file_conflicts import refuse_conflicts

    inputs = {label: path for label, _, path in _files(ctx, InputPath, {})}
    outputs = [*_files(ctx, (OutputPath, OutputFolder), chosen or {})]
    written = {label: path for label, _, path in outputs}
    refuse_conflicts({**_STANDARD_OUTPUT, **written}, inputs)
    for label, kind, path in outputs:
        kind.check(label, path)


def _files(
    ctx: click.Context, kinds: Any, chosen: Mapping[str, Path]
) -> Iterator[tuple[str, Any, Path]]:
    """Yield the paths of these types: what the user calls each, its type, and the path."""
    for parameter in ctx.command.params:
        kind, name = parameter.type, parameter.name or ""
        if not isinstance(kind, kinds):
            continue
        path = ctx.params.get(name) or chosen.get(name) or kind.absent()
        if path is not None:
            is_option = isinstance(parameter, click.Option)
            label = parameter.opts[0] if is_option else parameter.human_readable_name
            yield label, kind, Path(path)
