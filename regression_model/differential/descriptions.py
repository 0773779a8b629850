"""What differs between the descriptions of two models: config, steps, data, libraries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from regression_model.model import Model

ABSENT, PRESENT = "absent", "present"
_NOTHING = object()


class Differing(NamedTuple):
    """Something that the two descriptions say differently, both as text."""

    what: str
    old: str
    new: str


def differing(old: Model, new: Model) -> list[Differing]:
    """Everything of the two descriptions that may bear on prices or ranges and is not the same."""
    before, after = _description(old), _description(new)
    both = [name for name in after if name in before]  # an older package recorded less
    found = [d for name in both for d in _compared(name, before[name], after[name])]
    orders = [[f.name for f in model.spec.inputs] for model in (old, new)]
    if sorted(orders[0]) == sorted(orders[1]) and orders[0] != orders[1]:
        moved = [n for n, m in zip(*orders, strict=True) if n != m]
        found.append(Differing("order of the inputs", "", f"moved: {', '.join(moved)}"))
    return found


def _description(model: Model) -> dict[str, Any]:
    manifest = model.artifact.manifest
    spec = model.spec.model_dump(mode="json", exclude={"search", "gates", "differential"})
    for section in ("features", "derived", "members"):
        spec[section] = {entry["name"]: entry for entry in spec[section]}
    recorded = ("steps", "data", "interval", "libraries", "git_revision")
    rest = {name: manifest[name] for name in recorded if name in manifest}
    return {"version": model.version, **spec, **rest}


def _compared(path: str, old: Any, new: Any) -> Iterator[Differing]:
    if old == new:
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in dict.fromkeys([*old, *new]):
            yield from _compared(f"{path}.{name}", old.get(name, _NOTHING), new.get(name, _NOTHING))
    else:
        yield Differing(path, _text(old), _text(new))


def _text(value: Any) -> str:
    if value is _NOTHING:
        return ABSENT
    if isinstance(value, Mapping):
        return PRESENT
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return str(value)
