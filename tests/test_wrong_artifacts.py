"""Artifacts whose hashes are right and whose content is not: one family of errors, no side effect."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from regression_model import ArtifactError, Model, load_model
from regression_model.artifact import COMPARABLES, GOLDEN, GRAPH, Artifact, open_artifact
from regression_model.artifact_folders import copy_artifact
from regression_model.cli import group
from regression_model.manifest import parse_manifest, render_manifest
from reliability.models import Content, content_of, copied

HOUSE = {"OverallQual": 7, "GrLivArea": 1710, "Neighborhood": "CollgCr", "YearBuilt": 2003}


@pytest.fixture
def content(artifact: Path) -> Content:
    return content_of(open_artifact(artifact))


@pytest.fixture
def forged(artifact: Path, tmp_path: Path) -> Callable[..., Path]:
    """A copy of the artifact whose manifest was changed by somebody who can compute a digest."""
    root = copied(open_artifact(artifact), tmp_path / "forged")
    path = open_artifact(root).folder / "manifest.json"
    original = path.read_bytes()

    def forge(change: Callable[[dict[str, Any]], None]) -> Path:
        manifest = json.loads(original)
        change(manifest)
        path.write_text(render_manifest(manifest), "utf-8")
        return root

    return forge


def use_wholly(model: Model) -> None:
    """What doctor and the service do with a model."""
    model.check_golden()
    model.json_schema()
    model.predict(HOUSE, explain=True)


@pytest.mark.parametrize(
    "name",
    [
        "../payload.pth",
        "../../site/payload.pth",
        "/etc/hostname",
        "a/b",
        "a\\b",
        "..",
        ".hidden",
        "C:x",
        "x\n",
        "",
        "x" * 200,
        "manifest.json",
        "ORIGIN",
        "Current",
        "MODEL.onnx",
    ],
    ids=repr,
)
def test_a_name_that_is_a_path_is_refused_before_anything_is_read_or_written(
    name: str, forged: Callable[..., Path], tmp_path: Path
) -> None:
    root = forged(lambda manifest: manifest["files"].update({name: "0" * 64}))

    with pytest.raises(ArtifactError, match=r"does not describe a model: files"):
        open_artifact(root)


@pytest.mark.parametrize("version", ["../../elsewhere", "a/b", "", "x" * 200, "1\n", None, 3])
def test_a_version_that_is_a_path_is_refused(version: Any, forged: Callable[..., Path]) -> None:
    root = forged(lambda manifest: manifest.update(version=version))

    with pytest.raises(ArtifactError, match="does not describe a model: version"):
        open_artifact(root)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
@pytest.mark.parametrize("name", ["manifest.json", GRAPH, GOLDEN])
def test_a_fifo_is_refused_instead_of_waited_for(name: str, artifact: Path, tmp_path: Path) -> None:
    root = copied(open_artifact(artifact), tmp_path / "models")
    path = open_artifact(root).folder / name
    path.unlink()
    os.mkfifo(path)

    with pytest.raises(ArtifactError, match=f"{name} .* cannot be read: it is not a regular file"):
        load_model(root)


def test_a_current_that_is_a_folder_or_a_fifo_is_no_model(artifact: Path, tmp_path: Path) -> None:
    root = copied(open_artifact(artifact), tmp_path / "models")
    for make in (Path.mkdir, os.mkfifo):
        (root / "CURRENT").unlink() if make is Path.mkdir else (root / "CURRENT").rmdir()
        make(root / "CURRENT")
        with pytest.raises(Exception, match="there is no trained model"):
            load_model(root)


def test_a_file_beyond_the_limit_is_refused_unread(artifact: Path, tmp_path: Path) -> None:
    root = copied(open_artifact(artifact), tmp_path / "models")
    with (open_artifact(root).folder / "manifest.json").open("r+b") as stream:
        stream.truncate(2**40)  # a hole, which takes no room

    with pytest.raises(ArtifactError, match=r"cannot be read: it holds more than 67,108,864 bytes"):
        load_model(root)


WRONG_FILES = {
    "golden: an object": (GOLDEN, b"{}"),
    "golden: empty": (GOLDEN, b"[]"),
    "golden: no price": (GOLDEN, b'[{"house": {}, "prediction": null}]'),
    "golden: no house": (GOLDEN, b'[{"house": null, "prediction": 1}]'),
    "golden: NaN": (GOLDEN, b'[{"house": {}, "prediction": NaN}]'),
    "golden: deep": (GOLDEN, b"[" * 100_000),
    "golden: no JSON": (GOLDEN, b"\xff"),
    "graph: empty": (GRAPH, b""),
    "graph: no graph": (GRAPH, b"\x08\x09"),
    "graph: garbage": (GRAPH, b"garbage" * 1000),
    "sales: empty": (COMPARABLES, b""),
    "sales: garbage": (COMPARABLES, b"PK\x03\x04" * 100),
}


@pytest.mark.parametrize(("name", "wrong"), WRONG_FILES.values(), ids=WRONG_FILES)
def test_a_wrong_file_is_refused(name: str, wrong: bytes, content: Content, tmp_path: Path) -> None:
    content.files[name] = wrong
    root = content.save(tmp_path)

    with pytest.raises(ArtifactError, match=r"artifact regression_model-\d"):
        use_wholly(load_model(root))


def graphs() -> Iterator[Any]:
    """Graphs that ONNX Runtime loads and that are not the model's."""
    import onnx
    from onnx import TensorProto, helper

    def graph(width: int, kind: int, output: tuple[int | str, ...], *nodes: Any) -> bytes:
        given = helper.make_tensor_value_info("houses", TensorProto.FLOAT, ["n", width])
        made = [helper.make_tensor_value_info(n, kind, output) for n in ("log_price", "difficulty")]
        whole = helper.make_graph(list(nodes), "g", [given], made)
        model = helper.make_model(whole, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
        return bytes(model.SerializeToString())

    def constant(name: str, value: Any) -> Any:
        return helper.make_node("Constant", [], [name], value=onnx.numpy_helper.from_array(value))

    pair = [constant(n, np.zeros((1, 1))) for n in ("log_price", "difficulty")]
    singles = [constant(n, np.zeros((1, 1), np.float32)) for n in ("log_price", "difficulty")]
    yield pytest.param(graph(3, TensorProto.DOUBLE, ("n", 1), *pair), id="another width")
    yield pytest.param(graph(10**12, TensorProto.DOUBLE, ("n", 1), *pair), id="a huge width")
    yield pytest.param(graph(79, TensorProto.FLOAT, ("n", 1), *singles), id="single precision")
    column = [constant(n, np.zeros((1, 2))) for n in ("log_price", "difficulty")]
    yield pytest.param(graph(79, TensorProto.DOUBLE, ("n", 2), *column), id="two columns")
    failing = helper.make_node("Gather", ["table", "place"], ["log_price"])
    steps = [constant("table", np.zeros((1, 1))), constant("place", np.array([7])), failing]
    yield pytest.param(
        graph(79, TensorProto.DOUBLE, ("n", 1), *steps, pair[1]), id="fails when it runs"
    )


@pytest.mark.parametrize("graph", list(graphs()))
def test_a_graph_that_is_not_the_model_is_refused(
    graph: bytes, content: Content, tmp_path: Path
) -> None:
    content.files[GRAPH] = graph
    root = content.save(tmp_path)

    with pytest.raises(ArtifactError, match="cannot be used by this package"):
        use_wholly(load_model(root))


def test_a_graph_cannot_read_files_of_the_machine(
    content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnx

    (tmp_path / "secret").write_bytes(bytes(8))
    monkeypatch.chdir(tmp_path)
    for place in ("secret", "../secret", str(tmp_path / "secret")):
        graph = onnx.load_from_string(content.files[GRAPH])
        tensor = graph.graph.initializer.add(
            name="outside", dims=[1], data_type=onnx.TensorProto.DOUBLE
        )
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=place)
        made = graph.graph.node.add(op_type="Identity", input=["outside"], output=["unused"])
        graph.graph.output.add(name=made.output[0])
        root = content._replace(files={**content.files, GRAPH: graph.SerializeToString()})
        with pytest.raises(ArtifactError, match="cannot be used by this package"):
            load_model(root.save(tmp_path / "models"))


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in a manifest, one of each kind: lists by their first element."""
    if path:
        yield path
    if isinstance(value, Mapping):
        for key in value if len(value) < 30 else list(value)[:2]:
            yield from places(value[key], (*path, key))
    elif isinstance(value, list) and value:
        yield from places(value[0], (*path, 0))


def test_whatever_a_manifest_says_in_a_part_it_is_refused_or_works(artifact: Path) -> None:
    """Every part in turn is missing, null, empty, of another type, negative or huge."""
    original = open_artifact(artifact)
    missing = object()
    found = [path for path in places(original.manifest) if path[0] in PARTS]
    assert len(found) > 100
    for i, path in enumerate(found):
        # One wrong value a place, in turn: all of them would take minutes.
        wrong = (missing, None, {}, [], "x", -1, 1e300, True)[i % 8]
        changed = copy.deepcopy(dict(original.manifest))
        *before, last = path
        holder = changed
        for key in before:
            holder = holder[key]
        if wrong is missing:
            del holder[last]
        else:
            holder[last] = wrong
        try:
            manifest = parse_manifest(render_manifest(changed).encode(), "forged")
            use_wholly(Model(Artifact(original.folder, manifest)))
        except ArtifactError:
            pass
        except Exception as error:
            raise AssertionError(f"{path} = {wrong!r}: {error!r}") from error


@pytest.mark.parametrize("command", ["info", "doctor", "explain"])
def test_no_command_ends_in_a_traceback(
    command: str, forged: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "house.json").write_text(json.dumps(HOUSE))
    arguments = [str(tmp_path / "house.json")] if command == "explain" else []
    for part in ("metrics", "gate", "data", "libraries", "git_revision", "study", "interval"):
        for wrong in ({}, [], None, {"model": None}, -1):
            root = forged(lambda manifest, part=part, wrong=wrong: manifest.update({part: wrong}))
            ended = CliRunner().invoke(group, [command, *arguments, "--artifact", str(root)])
            assert ended.exception is None or isinstance(ended.exception, SystemExit), part


@pytest.mark.parametrize(
    ("part", "wrong"),
    [
        ("interval", {"coverage": 0.9, "half_width_log": 100.0, "fsd_log": 0.5}),
        ("data", {"source": "file", "name": "x", "rows": 10**30, "sha256": "0" * 64}),
        ("trained_at", "\x1b[31mred"),
        ("files", {f"file{i}": "0" * 64 for i in range(101)}),
    ],
    ids=["endless ranges", "endless sales", "an escape of a terminal", "endless files"],
)
def test_a_value_without_measure_is_refused(
    part: str, wrong: Any, forged: Callable[..., Path]
) -> None:
    with pytest.raises(ArtifactError, match=f"does not describe a model: {part}"):
        open_artifact(forged(lambda manifest: manifest.update({part: wrong})))


PARTS = ("trained_at", "spec", "data", "interval", "profile", "gate", "metrics", "libraries")


def test_a_copy_is_named_by_the_manifest_and_not_by_its_folder(
    artifact: Path, tmp_path: Path
) -> None:
    root = copied(open_artifact(artifact), tmp_path / "models")
    folder = open_artifact(root).folder
    renamed = folder.rename(root / "CURRENT.d")

    copy = copy_artifact(open_artifact(renamed), tmp_path / "copies")

    assert copy.name == folder.name
    assert load_model(renamed).info()["artifact"] == folder.name
