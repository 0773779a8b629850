"""Released models come from a package index as it is; what it cannot say is not made up."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from regression_model import ArtifactCorrupt, ReleaseUnavailable, load_model
from regression_model.artifact import open_artifact
from regression_model.artifact_folders import copy_artifact
from regression_model.differential.released import artifact_path
from regression_model.version import DISTRIBUTION

pytestmark = pytest.mark.process

INDEX = f"{'PIP_'}INDEX_URL"  # the name as a whole stands in no file


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: Any) -> None:
        pass


class Broken(Quiet):
    def do_GET(self) -> None:
        self.send_error(500)


class Closed(Quiet):
    def do_GET(self) -> None:
        self.send_error(403)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of an index (PEP 503) that pip is set to use; it is empty."""
    root = tmp_path / "index"
    (root / "simple").mkdir(parents=True)
    with serving(partial(Quiet, directory=str(root))) as address:
        use(monkeypatch, f"{address}/simple/")
        yield root / "simple" / DISTRIBUTION


class serving:  # noqa: N801  # reads as a verb
    def __init__(self, handler: Any) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)

    def __enter__(self) -> str:
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def use(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv(INDEX, address)


def publish(index: Path, version: str, models: Path | None) -> Path:
    """Put a wheel with the folder ``models`` on the index."""
    index.mkdir(exist_ok=True)
    wheel = index / f"house_price_regression-{version}-py3-none-any.whl"
    info = f"house_price_regression-{version}.dist-info"
    with ZipFile(wheel, "w") as archive:
        metadata = f"Metadata-Version: 2.1\nName: {DISTRIBUTION}\nVersion: {version}\n"
        archive.writestr(f"{info}/METADATA", metadata)
        tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        archive.writestr(f"{info}/WHEEL", tags)
        archive.writestr(f"{info}/RECORD", "")
        archive.writestr("regression_model/VERSION", version)
        for path in [] if models is None else sorted(models.rglob("*")):
            if path.is_file():
                inside = path.relative_to(models).as_posix()
                archive.write(path, f"regression_model/artifacts/{inside}")
    names = sorted(path.name for path in index.glob("*.whl"))
    (index / "index.html").write_text("".join(f'<a href="{n}">{n}</a>' for n in names))
    return wheel


@pytest.fixture(scope="session")
def models(artifact: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small model as a wheel carries it."""
    root: Path = tmp_path_factory.mktemp("packed")
    copy_artifact(open_artifact(artifact), root)
    return root


def test_a_released_version_is_read_out_of_its_wheel(
    index: Path, models: Path, model: Any, tmp_path: Path
) -> None:
    publish(index, "0.0.9", models)

    path = artifact_path("0.0.9", tmp_path)

    assert path is not None
    assert load_model(path).info() == model.info()


def test_the_last_release_is_the_newest_that_is_no_trial(
    index: Path, models: Path, tmp_path: Path
) -> None:
    for version in ("0.9.0", "0.10.0", "0.11.0rc1"):
        publish(index, version, models)

    assert artifact_path("released", tmp_path) is not None
    assert [path.name for path in tmp_path.glob("*.whl")] == [
        "house_price_regression-0.10.0-py3-none-any.whl"
    ]


def test_an_index_without_a_release_is_no_error(index: Path, tmp_path: Path) -> None:
    assert artifact_path("released", tmp_path) is None


def test_no_index_at_all_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, index: Path
) -> None:
    monkeypatch.delenv(INDEX)
    monkeypatch.setenv("PIP_NO_INDEX", "1")

    assert artifact_path("released", tmp_path) is None


def test_a_version_that_was_never_released_is_refused(
    index: Path, models: Path, tmp_path: Path
) -> None:
    publish(index, "0.0.9", models)

    with pytest.raises(
        ReleaseUnavailable, match=r"no wheel of house-price-regression==0\.0\.8; see"
    ):
        artifact_path("0.0.8", tmp_path)


def test_an_index_that_cannot_be_reached_is_not_one_without_a_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(Quiet) as address:
        pass
    use(monkeypatch, f"{address}/simple/")

    with pytest.raises(
        ReleaseUnavailable, match="index cannot be asked for house-price-regression: "
    ):
        artifact_path("released", tmp_path)


@pytest.mark.parametrize(("handler", "said"), [(Broken, "500"), (Closed, "403")])
def test_an_index_that_refuses_to_answer_is_not_one_without_a_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, handler: Any, said: str
) -> None:
    with serving(handler) as address:
        use(monkeypatch, f"{address}/simple/")

        with pytest.raises(ReleaseUnavailable, match=f"cannot be asked .*{said}"):
            artifact_path("released", tmp_path)


def test_a_wheel_without_a_model_is_refused(index: Path, tmp_path: Path) -> None:
    publish(index, "0.0.9", None)

    with pytest.raises(ArtifactCorrupt, match=r"holds 0 models .*Nothing of it was run"):
        artifact_path("released", tmp_path)


def test_a_wheel_that_is_none_is_refused(index: Path, models: Path, tmp_path: Path) -> None:
    publish(index, "0.0.9", models).write_bytes(b"no zip")

    with pytest.raises(
        (ReleaseUnavailable, ArtifactCorrupt),
        match=r"house-price-regression|cannot be read as a wheel",
    ):
        artifact_path("0.0.9", tmp_path)


def test_a_damaged_model_in_a_wheel_is_refused(index: Path, models: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(models, damaged)
    (graph,) = damaged.rglob("model.onnx")
    graph.write_bytes(graph.read_bytes()[:-1])
    publish(index, "0.0.9", damaged)
    (tmp_path / "new").mkdir()

    path = artifact_path("released", tmp_path / "new")

    with pytest.raises(ArtifactCorrupt, match=r"model\.onnx .* the file changed after training"):
        load_model(path)


def test_a_wheel_under_our_name_is_judged_by_what_is_in_it(
    index: Path, models: Path, tmp_path: Path
) -> None:
    """Another project's wheel of the right name: a pickle in it is neither unpacked nor run."""
    wheel = publish(index, "9.9.9", None)
    with ZipFile(wheel, "a") as archive:
        archive.writestr("regression_model/__init__.py", "raise SystemExit('run')")
        archive.writestr("regression_model/trained_models/model.pkl", b"\x80")

    for named in ("9.9.9", str(wheel)):
        folder = tmp_path / f"folder{len(named)}"
        folder.mkdir()
        with pytest.raises(ArtifactCorrupt, match=r"holds 0 models below regression_model/artif"):
            artifact_path(named, folder)
        assert not [path for path in folder.rglob("*") if path.suffix == ".pkl"]


def test_a_wheel_writes_nothing_but_what_its_manifest_names(
    index: Path, models: Path, tmp_path: Path
) -> None:
    wheel = publish(index, "0.0.9", models)
    with ZipFile(wheel, "a") as archive:
        archive.writestr("regression_model/artifacts/../../../../out.txt", "out")
        archive.writestr("/out.txt", "out")

    path = artifact_path(str(wheel), tmp_path / "new")

    assert path is not None
    written = {one.name for one in (tmp_path / "new").rglob("*") if one.is_file()}
    assert written <= {*open_artifact(path).manifest["files"], "manifest.json"}
    assert not [*tmp_path.rglob("out.txt")]


def test_a_folder_is_itself_and_another_word_is_refused(tmp_path: Path) -> None:
    assert artifact_path(str(tmp_path), tmp_path) == tmp_path
    with pytest.raises(ReleaseUnavailable, match="neither a folder nor a version; give the folder"):
        artifact_path("modles", tmp_path)
