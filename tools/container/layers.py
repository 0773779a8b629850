"""What each layer of a saved image weighs."""

from __future__ import annotations

import json
import re
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tools.measuring import markdown

PIECE = 1 << 20


class Layer(NamedTuple):
    """A layer: its instruction, its bytes as files, and as sent."""

    made_by: str
    size: int
    packed: int


def layers(archive: Path) -> list[Layer]:
    """The layers of an image saved in Docker's format, lowest first."""
    with tarfile.open(archive) as files:
        (image,) = read_json(files, "manifest.json")
        history = read_json(files, image["Config"])["history"]
        made = [step["created_by"] for step in history if not step.get("empty_layer")]
        weights = [weigh(files, name) for name in image["Layers"]]
    return [
        Layer(instruction(created_by), *weight)
        for created_by, weight in zip(made, weights, strict=True)
    ]


def read_json(files: tarfile.TarFile, name: str) -> Any:
    """A file of the archive, parsed."""
    with opened(files, name) as stream:
        return json.load(stream)


def weigh(files: tarfile.TarFile, name: str) -> tuple[int, int]:
    """Bytes of a layer, as they are and as gzip would send them."""
    packer, size, packed = zlib.compressobj(), 0, 0
    with opened(files, name) as stream:
        while piece := stream.read(PIECE):
            size += len(piece)
            packed += len(packer.compress(piece))
    return size, packed + len(packer.flush())


def opened(files: tarfile.TarFile, name: str) -> Any:
    """A file of the archive, which may stand there as a link to another."""
    found = files.extractfile(name)
    if found is None:
        raise ValueError(f"{name} is no file of the archive")
    return found


def instruction(created_by: str) -> str:
    """The Dockerfile's instruction in what an engine recorded, without digests of its files."""
    text = created_by.removeprefix("/bin/sh -c ").removeprefix("#(nop) ").removesuffix("# buildkit")
    return " ".join(re.sub(r"\S+:[0-9a-f]{64} in ", "", text).split())


def table(rows: Sequence[Layer]) -> str:
    """The layers and their sum, as Markdown."""
    total = Layer("total", sum(row.size for row in rows), sum(row.packed for row in rows))
    cells = [
        [made, f"{size / 1e6:.2f}", f"{sent / 1e6:.2f}"] for made, size, sent in (*rows, total)
    ]
    return markdown.table(["layer", "MB", "MB as sent"], cells)
