"""Every command refuses, before it does anything, to write over what it reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import Result

from regression_model.cli import group
from regression_model.cli.files import FileCommand, FilePath, InputPath, OutputFolder, OutputPath

BEFORE = "what stood here before"


def commands(
    command: click.Command = group, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """The commands that have no commands of their own, by the words that call them."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        assert inner is not None
        yield from commands(inner, (*path, name))


COMMANDS = {" ".join(path): command for path, command in commands()}


def parameters(command: click.Command, *kinds: type) -> list[click.Parameter]:
    return [one for one in command.params if isinstance(one.type, kinds)]


WRITING = [name for name, one in COMMANDS.items() if parameters(one, OutputPath, OutputFolder)]
PAIRS = [
    (name, output.name, read.name)
    for name in WRITING
    for output in parameters(COMMANDS[name], OutputPath)
    for read in parameters(COMMANDS[name], InputPath)
]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_path_of_a_command_says_whether_it_is_read_or_written(name: str) -> None:
    paths = parameters(COMMANDS[name], click.Path)
    named_like_outputs = {"output", "report", "study"}

    assert [one.name for one in paths if type(one.type) not in FilePath.__subclasses__()] == []
    assert {one.name for one in COMMANDS[name].params} & named_like_outputs == {
        one.name for one in parameters(COMMANDS[name], OutputPath, OutputFolder)
    }


@pytest.mark.parametrize("name", WRITING)
def test_every_command_that_writes_checks_its_files(name: str) -> None:
    assert isinstance(COMMANDS[name], FileCommand)


def arguments(command: click.Command, values: dict[str | None, Any]) -> Iterator[str]:
    """What calls ``command`` with ``values`` and, for the rest that it needs, with anything."""
    for one in command.params:
        value = values.get(one.name, "1" if one.required else None)
        if value is not None:
            yield from ([one.opts[0]] if isinstance(one, click.Option) else [])
            yield str(value)


@pytest.mark.parametrize(("name", "output", "read"), PAIRS)
def test_an_output_that_is_an_input_is_refused_in_one_line(
    call: Callable[..., Result], tmp_path: Path, name: str, output: str, read: str
) -> None:
    file, link = tmp_path / "file.csv", tmp_path / "link.csv"
    file.write_text(BEFORE)
    link.hardlink_to(file)
    labels = {one.name: one.opts[0] for one in parameters(COMMANDS[name], OutputPath)}
    given = arguments(COMMANDS[name], {output: link, read: file})

    result = call(*name.split(), *given)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith(f"Error: {labels[output]} {link} would replace {file}, an ")
    assert result.stderr.endswith(f"; choose another {labels[output]}\n")
    assert result.stderr.count("\n") == 1
    assert file.read_text() == BEFORE
    assert {path.name for path in tmp_path.iterdir()} == {"file.csv", "link.csv"}


def test_what_is_read_by_default_is_an_input(
    call: Callable[..., Result], own_artifact: Path, monkeypatch: pytest.MonkeyPatch, table: Path
) -> None:
    monkeypatch.setenv("REGRESSION_MODEL_ARTIFACT", str(own_artifact.parent))
    monkeypatch.setenv("REGRESSION_MODEL_DATASETS", str(table.parent))
    fetched = table.rename(table.with_name("train.csv"))
    card = own_artifact / "MODEL_CARD.md"

    for given, message in (
        (["evaluate", "--data", fetched, "--report", card], "an input (--artifact)"),
        (["experiments", "--output", fetched], "an input (--data)"),
        (["diff", own_artifact, own_artifact, "--report", fetched], "an input (--data)"),
    ):
        before = Path(given[-1]).read_bytes()
        result = call(*given)
        assert result.exit_code == 2
        assert message in result.stderr
        assert Path(given[-1]).read_bytes() == before


def test_an_artifact_is_not_reproduced_over_itself(
    call: Callable[..., Result], own_artifact: Path
) -> None:
    root = own_artifact.parent

    result = call("reproduce", root, "--output", root)

    assert result.exit_code == 2
    assert f"--output {root} would replace {root}, an input (MANIFEST)" in result.stderr


def test_standard_output_and_a_report_are_not_the_same_file(
    run: Callable[..., Any], tmp_path: Path, table: Path
) -> None:
    page = tmp_path / "page.html"
    redirected = f"import os; os.dup2(os.open({str(page)!r}, os.O_CREAT | os.O_WRONLY), 1); main()"

    ended = run("explore", "--data", table, "--report", "page.html", program=redirected)

    assert ended.returncode == 2
    assert "--report page.html is also the file of standard output" in ended.stderr


def test_the_file_that_tracked_experiments_go_to_is_checked_too(
    call: Callable[..., Result],
    quick_config: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")
    config = tmp_path / "experiments.json"
    config.write_text(quick_config)

    result = call("experiments", "--config", config)

    assert result.exit_code == 2
    assert "--output experiments.json would replace" in result.stderr
    assert config.read_text() == quick_config


def test_a_file_that_cannot_be_written_is_refused_before_the_work(
    call: Callable[..., Result], tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "nowhere").symlink_to("absent")

    for given, message in (
        (["experiments", "--output", "folder"], "folder: cannot be written: this is a folder"),
        (["experiments", "--output", "a/b.json"], "a/b.json: cannot be written: No such file"),
        (["train", "--output", "nowhere"], "nowhere cannot be written to; name another folder"),
    ):
        result = call(*given)
        assert result.exit_code == 2
        assert message in result.stderr
