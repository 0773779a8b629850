"""The JSON Schemas of a house and of a request, derived from the spec."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any

from regression_model.config.spec import UNKNOWN, Feature, Spec

JSONSchema = dict[str, Any]


def house_schema(spec: Spec, *, example: Mapping[str, Any]) -> JSONSchema:
    """JSON Schema (2020-12) of one house: fields with type, limits, levels and meaning of null.

    ``example`` is a house whose values are shown as examples.
    """
    fields = [f for f in spec.features if f.role != "target"]
    properties = {
        name: _property(f, name=name, example=example)
        for f in fields
        for name in (f.name, *f.aliases)
    }
    schema: JSONSchema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A house ({spec.name})",
        "type": "object",
        "properties": properties,
        "required": [f.name for f in fields if f.required and not f.aliases],
        "additionalProperties": False,
        "examples": [dict(example)],
    }
    either = [_any_name(f) for f in fields if f.required and f.aliases]
    if either:
        schema["allOf"] = either
    twice = [{"required": list(pair)} for f in fields for pair in _pairs(f)]
    if twice:
        schema["not"] = {"anyOf": twice}
    return schema


def request_schema(house: JSONSchema) -> JSONSchema:
    """JSON Schema of a request that gets prices; ``house`` is the schema of one, or a reference.

    One house that can be priced is enough: the others get their errors.
    """
    anything = {"description": "Anything else is a row without a price, and gets its errors."}
    rows = {
        "title": "Houses",
        "type": "array",
        "items": {"anyOf": [house, anything]},
        "contains": house,
    }
    inputs = {
        "title": "Houses, with options",
        "type": "object",
        "properties": {
            "inputs": {"anyOf": [rows, house]},
            "explain": {
                "description": "Whether prices are explained and comparable sales listed.",
                "type": "boolean",
                "default": False,
            },
        },
        "required": ["inputs"],
        "additionalProperties": False,
    }
    return {"anyOf": [inputs, rows, house]}


def _any_name(f: Feature) -> JSONSchema:
    return {"anyOf": [{"required": [name]} for name in (f.name, *f.aliases)]}


def _pairs(f: Feature) -> Iterable[tuple[str, str]]:
    """Return the names of ``f`` that no house has both of."""
    return combinations((f.name, *f.aliases), 2)


def _property(f: Feature, *, name: str, example: Mapping[str, Any]) -> JSONSchema:
    kinds = {"text": "string", "integer": "integer", "number": "number"}
    schema: JSONSchema = {
        "description": _description(f, name),
        "type": kinds[f.type] if f.required else [kinds[f.type], "null"],
    }
    if f.has_levels:
        schema["examples"] = list(f.levels)
        schema["x-levels"] = list(f.levels)
    else:
        known = example.get(f.name)
        schema |= {"minimum": f.minimum, "maximum": f.maximum}
        schema["examples"] = [f.minimum if known is None else known]
    if f.range is not None:
        schema["x-training-range"] = list(f.range)
    if f.unit:
        schema["x-unit"] = f.unit
    return schema


def _description(f: Feature, name: str) -> str:
    said = [f"{f.description}{f' ({f.unit})' if f.unit else ''}."]
    if name != f.name:
        said.append(f"Another name of {f.name}.")
    if f.range is not None:
        low, high = f.range
        said.append(f"Trained on {low:.10g} to {high:.10g}.")
    if not f.required:
        meaning = "unknown" if f.null_means == UNKNOWN else f"{f.null_means!r} (the house has none)"
        said.append(f"null means {meaning}; an absent field is unknown.")
    return " ".join(said)
