"""What a feature of a config must satisfy: levels that differ, bounds that are ordered."""

from __future__ import annotations

from collections.abc import Iterator

from regression_model.config.problems import Problem, repeated, unknown_names
from regression_model.config.spec import NONE, UNKNOWN, Feature, Spec


def feature_problems(spec: Spec, f: Feature) -> Iterator[Problem]:
    """Yield every fault of one feature: levels, bounds, null and imputation."""
    yield from _levels(f) if f.has_levels else _bounds(f)
    yield from _null(f)
    if f.kind == "nominal" and f.scores:
        yield Problem(("features", f.name, "scores"), "scores belong to ordinal features")
    if f.scores and len(f.scores) != len(f.levels):
        message = f"{f.name} has {len(f.levels)} levels and {len(f.scores)} scores; give one each"
        yield Problem(("features", f.name, "scores"), message)
    if f.transform != "none" and f.has_levels:
        message = f"{f.name} has levels; a {f.transform} transform needs numbers"
        yield Problem(("features", f.name, "transform"), message)
    names = [name for name in (f.impute.by, f.impute.feature) if name is not None]
    yield from unknown_names(names, [i.name for i in spec.inputs], ("features", f.name, "impute"))
    if f.impute.by in {i.name for i in spec.inputs if not i.has_levels}:
        message = f"{f.impute.by} has no levels to group by"
        yield Problem(("features", f.name, "impute"), message)
    if f.impute.method == "constant" and f.has_levels and f.impute.value not in f.levels:
        message = f"{f.impute.value!r} is not a level of {f.name}; write 'level <level>'"
        yield Problem(("features", f.name, "impute"), message)


def _levels(f: Feature) -> Iterator[Problem]:
    path = ("features", f.name, "levels")
    if len(f.levels) < 2:
        yield Problem(path, f"{f.name} is {f.kind} and needs at least two levels")
    if "" in f.levels:
        yield Problem(path, f"level '' of {f.name} is empty; remove a comma")
    for level in repeated(f.levels):
        yield Problem(path, f"level {level!r} of {f.name} appears twice")
    for spelling, level in f.spellings.items():
        where = ("features", f.name, "spellings")
        if level not in f.levels:
            yield Problem(where, f"spelling {spelling!r} names {level!r}, which is not a level")
        if spelling in f.levels:
            yield Problem(where, f"spelling {spelling!r} is itself a level of {f.name}")
    if f.minimum is not None or f.maximum is not None or f.range is not None:
        yield Problem(
            ("features", f.name), f"{f.name} has levels; remove minimum, maximum and range"
        )


def _bounds(f: Feature) -> Iterator[Problem]:
    path = ("features", f.name)
    if f.levels or f.spellings or f.type == "text":
        yield Problem(path, f"{f.name} is {f.kind}: remove levels, spellings and 'type: text'")
    if f.minimum is None or f.maximum is None:
        yield Problem(path, f"{f.name} needs minimum and maximum: outside of them is impossible")
        return
    if f.minimum > f.maximum:
        yield Problem((*path, "minimum"), f"minimum of {f.name} is above its maximum")
    if f.role == "identifier":
        return
    if f.range is None:
        yield Problem(path, f"{f.name} needs a range: the lowest and highest value of training")
    elif not f.minimum <= f.range[0] < f.range[1] <= f.maximum:
        low, high = f.range
        message = (
            f"range {low:g}, {high:g} of {f.name} must rise and "
            f"lie in {f.minimum:g} to {f.maximum:g}"
        )
        yield Problem((*path, "range"), message)


def _null(f: Feature) -> Iterator[Problem]:
    allowed = (
        {UNKNOWN, *f.levels} if f.has_levels else {UNKNOWN, NONE} if f.kind == "year" else {UNKNOWN}
    )
    if f.null_means not in allowed:
        choices = ", ".join(str(choice) for choice in sorted(allowed, key=str))
        message = f"null_means of {f.name} is {f.null_means!r}; expected one of {choices}"
        yield Problem(("features", f.name, "null_means"), message)
