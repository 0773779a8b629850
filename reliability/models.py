"""Artifacts to reload: copies, a second sound one with other prices, and broken ones."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from regression_model import load_model
from regression_model.artifact import GOLDEN, GRAPH, Artifact
from regression_model.artifact_folders import save_artifact
from regression_model.golden import golden_houses


class Priced(NamedTuple):
    """A model: its version, some houses and their right prices."""

    artifact: Artifact
    houses: list[dict[str, Any]]
    prices: list[float]

    @property
    def version(self) -> str:
        """What its answers carry."""
        return str(self.artifact.manifest["version"])

    @property
    def by_version(self) -> dict[str, list[float]]:
        """Its prices, as a load takes them."""
        return {self.version: self.prices}


def priced(artifact: Path) -> Priced:
    """The model of a folder with the houses that it was proven on, those that have a price."""
    model = load_model(artifact)
    golden = golden_houses(model.artifact)
    houses = [row["house"] for row in golden if row["prediction"] is not None]
    prices = model.predict(houses)["predictions"]
    return Priced(model.artifact, houses, [price for price in prices if price is not None])


def copied(artifact: Artifact, folder: Path) -> Path:
    """Return ``folder`` with a copy of an artifact as its current one, to be broken."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(artifact.folder, folder / artifact.folder.name)
    (folder / "CURRENT").write_text(f"{artifact.folder.name}\n")
    return folder


class Content(NamedTuple):
    """What an artifact is made of, to be saved again with a change."""

    version: str
    manifest: dict[str, Any]
    files: dict[str, bytes]

    def save(self, root: Path) -> Path:
        """Save it at ``root``, as training does, as the current artifact."""
        return save_artifact(root, version=self.version, manifest=self.manifest, files=self.files)


def content_of(artifact: Artifact, **changes: Any) -> Content:
    """The content of an artifact, with ``changes`` of its manifest."""
    manifest = {**artifact.manifest, **changes}
    for name in ("digest", "files", "format"):
        del manifest[name]
    files = {name: artifact.read(name) for name in artifact.manifest["files"]}
    return Content(str(manifest.pop("version")), manifest, files)


def save_another(artifact: Artifact, root: Path, *, version: str, factor: float) -> Path:
    """Make a sound model of another version current at ``root``, with ``factor`` times the prices.

    Only its graph and the prices of its golden houses differ, so nothing has to be trained.
    """
    content = content_of(artifact, version=version)
    content.files[GRAPH] = _scaled(content.files[GRAPH], factor)
    golden = json.loads(content.files[GOLDEN])
    for row in golden:
        if row["prediction"] is not None:
            row["prediction"] = round(row["prediction"] * factor, 2)
    content.files[GOLDEN] = json.dumps(golden).encode()
    return content.save(root)


def _scaled(graph: bytes, factor: float) -> bytes:
    """A graph whose first output, the logarithm of the price, is higher."""
    import onnx

    model = onnx.load_from_string(graph)
    name = model.graph.output[0].name
    kind = model.graph.output[0].type.tensor_type.elem_type
    for node in model.graph.node:
        node.output[:] = [f"{name}_before" if made == name else made for made in node.output]
        node.input[:] = [f"{name}_before" if read == name else read for read in node.input]
    model.graph.initializer.append(
        onnx.helper.make_tensor(f"{name}_more", kind, [], [math.log(factor)])
    )
    model.graph.node.append(
        onnx.helper.make_node("Add", [f"{name}_before", f"{name}_more"], [name])
    )
    return bytes(model.SerializeToString())


def flip_a_bit(root: Path) -> None:
    """Damage the graph by one bit."""
    for graph in root.rglob(GRAPH):
        content = bytearray(graph.read_bytes())
        content[len(content) // 2] ^= 1
        graph.write_bytes(content)


def truncate(root: Path) -> None:
    """Leave the graph without its last byte."""
    for graph in root.rglob(GRAPH):
        graph.write_bytes(graph.read_bytes()[:-1])


def age(root: Path) -> None:
    """Give the manifest a format that no version has written yet."""
    for manifest in root.rglob("manifest.json"):
        manifest.write_text(manifest.read_text().replace('"format": ', '"format": 9'))


def take_away(root: Path) -> None:
    """Remove the artifact."""
    shutil.rmtree(root)


BREAKINGS: dict[str, Callable[[Path], None]] = {
    "corrupt": flip_a_bit,
    "truncated": truncate,
    "of a wrong version": age,
    "missing": take_away,
}
