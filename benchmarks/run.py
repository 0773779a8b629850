"""One run on one model: each section with the environments and servers that it needs."""

from __future__ import annotations

import json
import platform
import sys
import tempfile
from collections.abc import Callable
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from benchmarks import batch, growth, imports, in_process, load, serving
from benchmarks.effort import Effort
from benchmarks.environments import EnvironmentFailed, environment, version_of
from benchmarks.houses import body_of, generated
from benchmarks.peers import OURS, House, server
from benchmarks.running import Running
from regression_model import Model

LIBRARIES = ("numpy", "onnxruntime", "pydantic", "pandas", "scikit-learn", "flask", "gunicorn")


class Run:
    """Measures one section after the other on ``model``.

    ``names`` are the servers, ``cache`` is where their environments are kept (None: all run in
    this one), ``work`` a folder for what is not kept, ``say`` tells where the run is.
    """

    def __init__(
        self,
        model: Model,
        *,
        effort: Effort,
        names: tuple[str, ...],
        cache: Path | None,
        work: Path,
        say: Callable[[str], None],
    ) -> None:
        self._model, self._effort, self._names, self._cache = model, effort, names, cache
        self._work, self._say = work, say
        self._pythons: dict[str, Path] = {}

    def setting(self) -> dict[str, Any]:
        """What is measured, and on which machine."""
        return {
            "houses": self._effort.houses,
            "model": {**self._model.info(), "features": len(self._model.spec.inputs)},
            "machine": {
                "processor": _processor(),
                "cores": psutil.cpu_count(),
                "memory": psutil.virtual_memory().total,
                "system": platform.system(),
                "python": platform.python_version(),
            },
            "libraries": {name: version(name) for name in LIBRARIES},
        }

    def serving(self) -> dict[str, Any]:
        """Every server over HTTP."""
        entrants, failed = [], {}
        for name in self._names:
            self._say(f"environment of {name}")
            try:
                self._python(name)
                entrants.append(self._running(name))
            except EnvironmentFailed as error:
                failed[name] = f"cannot be installed: {error}"
                self._say(f"  {name} is left out: {error}")
        if not load.available():
            self._say(load.MISSING)
        prices = [self._price(house) for house in self._houses]
        samples, fallen = serving.measure(
            entrants, self._houses, prices, self._effort, work=self._work, say=self._say
        )
        told = {name: self._told(name) for name in self._names}
        return {
            "servers": {n: {**told[n], **samples.get(n, {})} for n in self._names},
            "failed": failed | fallen,
            "loaded": load.available(),
        }

    def in_process(self) -> dict[str, list[float]]:
        """One house, request bytes to response bytes."""
        self._say("one house in process")
        return in_process.measure(self._model, self._effort)

    def imports(self) -> dict[str, list[float]]:
        """What importing costs, where the service runs and where a peer does."""
        self._say("imports")
        ours, peer = self._python(OURS), self._python("flask")
        pythons = dict.fromkeys(imports.STATEMENTS, ours)
        pythons["import pandas, sklearn.pipeline"] = peer
        return imports.measure(pythons, self._effort.imports)

    def growth(self) -> dict[str, Any]:
        """How cost grows with rows, trees, features and workers."""
        found = {
            "rows": growth.by_rows(self._model, self._effort, self._say),
            "trees": growth.by_trees(self._effort, self._say),
            "features": growth.by_features(self._effort, self._say),
        }
        if load.available():
            bodies = self._work / "workers.ndjson"
            found["workers"] = growth.by_workers(
                self._running, self._houses, self._effort, bodies, self._say
            )
        return found

    def batch(self) -> list[dict[str, Any]]:
        """Tables of more and more rows."""
        return batch.measure(self._model.artifact.folder, self._effort, self._say)

    @cached_property
    def _houses(self) -> list[House]:
        return generated(self._model, self._effort.houses)

    def _price(self, house: House) -> float:
        (price,) = self._model.predict(house)["predictions"]
        if price is None:
            raise SystemExit(f"the model has no price for a generated house: {house}")
        return price

    def _python(self, name: str) -> Path:
        if self._cache is None:
            return Path(sys.executable)
        if name not in self._pythons:
            self._pythons[name] = environment(name, server(name), self._cache)
        return self._pythons[name]

    @cached_property
    def _environ(self) -> dict[str, str]:
        answer, houses = self._work / "answer.json", self._work / "houses.json"
        answer.write_bytes(in_process.compiled(self._model)(body_of(self._houses[:1])))
        houses.write_text(json.dumps(self._houses))
        return {
            "BENCH_ANSWER": str(answer),
            "BENCH_HOUSES": str(houses),
            "REGRESSION_MODEL_ARTIFACT": str(self._model.artifact.folder.resolve()),
        }

    def _running(self, name: str) -> Running:
        work = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._work))
        return Running(name, server(name), self._python(name), work, self._environ)

    def _told(self, name: str) -> dict[str, Any]:
        found = server(name)
        try:
            told = version_of(found.library, self._python(name))
        except EnvironmentFailed:
            told = ""
        return {"title": found.title, "setting": found.setting, "version": told}


def _processor() -> str:
    """What the system calls its processor."""
    described = Path("/proc/cpuinfo")
    if described.exists():
        for line in described.read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()
