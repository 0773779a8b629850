"""The JSON Schema of a house, derived from the spec."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from regression_model.spec import UNKNOWN, Feature, Spec


def house_schema(spec: Spec) -> dict[str, Any]:
    """JSON Schema (2020-12) of one house: fields with type, limits, levels and meaning of null."""
    fields = [f for f in spec.features if f.role != "target"]
    properties = {name: _property(f) for f in fields for name in (f.name, *f.aliases)}
    once = [_one_name(f) for f in fields if f.aliases]
    required = [_requirement(f) for f in fields if f.required]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A house ({spec.name})",
        "type": "object",
        "properties": properties,
        "allOf": [*required, *once],
        "additionalProperties": False,
    }


def _requirement(f: Feature) -> dict[str, Any]:
    return {"anyOf": [{"required": [name]} for name in (f.name, *f.aliases)]}


def _one_name(f: Feature) -> dict[str, Any]:
    """No two names of ``f`` stand in one house."""
    pairs = combinations((f.name, *f.aliases), 2)
    return {"not": {"anyOf": [{"required": list(pair)} for pair in pairs]}}


def _property(f: Feature) -> dict[str, Any]:
    kinds = {"text": "string", "integer": "integer", "number": "number"}
    schema: dict[str, Any] = {
        "description": _description(f),
        "type": kinds[f.type] if f.required else [kinds[f.type], "null"],
    }
    if f.has_levels:
        schema["examples"] = list(f.levels)
        schema["x-levels"] = list(f.levels)
    else:
        schema |= {"minimum": f.minimum, "maximum": f.maximum}
    if f.range is not None:
        schema["x-training-range"] = list(f.range)
    if f.unit:
        schema["x-unit"] = f.unit
    return schema


def _description(f: Feature) -> str:
    if f.required:
        return f"{f.description}."
    meaning = "unknown" if f.null_means == UNKNOWN else f"{f.null_means!r} (the house has none)"
    return f"{f.description}. null means {meaning}; an absent field is unknown."
