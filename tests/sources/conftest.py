"""A web service that stands in for the public ones, and tables as these keep them."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from click.testing import CliRunner, Result

from regression_model.cli import group
from regression_model.sales.sample import generate

ROWS = 200


@dataclass
class Answer:
    """What the stand-in says: ``length`` lies about the size, ``pause`` comes after each piece."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None
    pieces: int = 1
    pause: float = 0


@dataclass
class StandIn:
    """A server on this machine, and what it was asked; the last answer of a path stays."""

    address: str
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def say(self, path: str, body: bytes = b"", status: int = 200, **more: Any) -> None:
        """Answer so on ``path``; said again, the next answer comes after the one before."""
        said = self.answers.setdefault(path, [])
        said.append(Answer(body, status, **more))

    def answer(self, path: str, headers: dict[str, str]) -> Answer:
        self.asked.append((path, headers))
        answers = self.answers.get(path, [Answer(b'{"message": "Not Found"}', 404)])
        return answers.pop(0) if len(answers) > 1 else answers[0]


def _serve() -> Iterator[StandIn]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = stand_in.answer(self.path, {k.lower(): v for k, v in self.headers.items()})
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            length = len(answer.body) if answer.length is None else answer.length
            self.send_header("Content-Length", str(length))
            self.end_headers()
            size = -(-len(answer.body) // answer.pieces) or 1
            for start in range(0, len(answer.body), size):
                if stopping.is_set():
                    return
                try:
                    self.wfile.write(answer.body[start : start + size])
                    self.wfile.flush()
                except OSError:
                    return  # the client has gone, as it should
                stopping.wait(answer.pause)

        def log_message(self, *args: Any) -> None:
            pass

    stopping = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stand_in = StandIn(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield stand_in
    stopping.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def service() -> Iterator[StandIn]:
    yield from _serve()


@pytest.fixture
def other_host() -> Iterator[StandIn]:
    yield from _serve()


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test in a folder and a home of its own, without credentials and proxies."""
    for name in ("KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    (tmp_path / "home").mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("REGRESSION_MODEL_DATABASE_URL", raising=False)
    monkeypatch.setenv("REGRESSION_MODEL_DATASETS", "datasets")
    monkeypatch.chdir(tmp_path / "work")


@pytest.fixture(scope="session")
def sales_csv(spec: Any) -> bytes:
    """Synthetic sales as Kaggle writes such a table."""
    frame = generate(ROWS, seed=5, spec=spec)
    text: str = frame.astype(object).where(frame.notna(), "NA").to_csv(index=False)
    return text.encode()


@pytest.fixture
def to_zip() -> Callable[[Mapping[str, bytes]], bytes]:
    return zipped


@pytest.fixture
def to_arff() -> Callable[[bytes], bytes]:
    return arff


@pytest.fixture
def call() -> Callable[..., Result]:
    """Runs a command; an exception that no command should let through is raised here."""

    def run(*arguments: Any) -> Result:
        result = CliRunner().invoke(group, [str(a) for a in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


def zipped(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with ZipFile(stream, "w", ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def arff(table: bytes) -> bytes:
    """A table as OpenML keeps it: ``?`` for NA, blanks quoted, a column with NA in reals."""
    names, *rows = [line.split(",") for line in table.decode().splitlines()]
    columns = list(zip(*rows, strict=True))
    kinds = [_kind(cells) for cells in columns]
    lines = ["% Made by a test, 'as is'", "@RELATION house_prices", ""]
    lines += [f"@ATTRIBUTE {n} {kind}" for n, kind in zip(names, kinds, strict=True)]
    lines += ["", "@DATA"]
    lines += [",".join(_cell(c, k) for c, k in zip(row, kinds, strict=True)) for row in rows]
    return ("\n".join(lines) + "\n").encode()


def _kind(cells: tuple[str, ...]) -> str:
    known = [cell for cell in cells if cell != "NA"]
    if not known or not all(cell.replace(".", "", 1).isdigit() for cell in known):
        return "STRING"
    return "REAL" if len(known) < len(cells) or any("." in cell for cell in known) else "INTEGER"


def _cell(text: str, kind: str) -> str:
    if text == "NA":
        return "?"
    if kind == "REAL":
        return str(float(text))
    return f"'{text}'" if " " in text else text
