"""What a config file must satisfy beyond its schema: names that exist, bounds that are ordered."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from math import inf, isfinite
from typing import Any, NamedTuple, TypeVar

from regression_model.config.spec import (
    NONE,
    UNKNOWN,
    Derived,
    Feature,
    Limit,
    Member,
    Sought,
    Spec,
)
from regression_model.training.tuning.search import (
    OWN_VALUES,
    as_text,
    extremes,
    present_value,
    space_fault,
    with_value,
)

T = TypeVar("T", bound=Hashable)


class Problem(NamedTuple):
    """A fault at a path of keys in the config file, with what to write instead."""

    path: tuple[str, ...]
    message: str


def problems_of(spec: Spec) -> list[Problem]:
    """Every fault of ``spec``, in the order of the file."""
    return [
        *_roles(spec),
        *_duplicate_names(spec),
        *(problem for f in spec.features for problem in _feature(spec, f)),
        *_lists(spec),
        *_derived(spec),
        *(problem for m in spec.members for problem in _member(spec, m)),
        *_search(spec),
        *_difficulty(spec),
        *_limits(spec),
    ]


def _roles(spec: Spec) -> Iterator[Problem]:
    for role, at_least in (("target", 1), ("identifier", 0), ("location", 0)):
        names = [f.name for f in spec.features if f.role == role]
        if not at_least <= len(names) <= 1:
            found = ", ".join(names) or "none"
            yield Problem(("features",), f"one feature has the role {role}; found {found}")
    if not spec.inputs:
        yield Problem(("features",), "there is no feature to predict from; declare at least one")


def _duplicate_names(spec: Spec) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for f in spec.features:
        for name in (f.name, *f.aliases):
            if name in seen:
                message = f"{name!r} already names {seen[name]}; a name or alias stands once"
                yield Problem(("features", f.name), message)
            seen[name] = f.name
    for column in (*_flags(spec), *_elapsed(spec)):
        seen.setdefault(column, column)
    for d in spec.derived:
        if d.name in seen:
            yield Problem(("derived", d.name), f"{d.name!r} is already a feature; rename it")
        seen[d.name] = d.name


def _feature(spec: Spec, f: Feature) -> Iterator[Problem]:
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
    yield from _unknown_names(names, [i.name for i in spec.inputs], ("features", f.name, "impute"))
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
    for level in _repeated(f.levels):
        yield Problem(path, f"level {level!r} of {f.name} stands more than once")
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


def _lists(spec: Spec) -> Iterator[Problem]:
    inputs = [f.name for f in spec.inputs]
    years = [f.name for f in spec.inputs if f.kind == "year"]
    yield from _unknown_names(spec.missing_indicators, inputs, ("missing_indicators",))
    yield from _unknown_names(spec.elapsed, years, ("elapsed",))
    for key, names in (("elapsed", spec.elapsed), ("missing_indicators", spec.missing_indicators)):
        for name in sorted(_repeated(names)):
            yield Problem((key,), f"{name!r} stands more than once; remove one")
    if spec.elapsed and spec.sale_year is None:
        yield Problem(
            ("elapsed",), "elapsed needs a feature of kind year with the role 'sale date'"
        )


def _repeated(values: Iterable[T]) -> list[T]:
    return [value for value, count in Counter(values).items() if count > 1]


def _derived(spec: Spec) -> Iterator[Problem]:
    known = [*(f.name for f in spec.inputs), *_elapsed(spec)]
    for d in spec.derived:
        path = ("derived", d.name, d.formula)
        yield from _unknown_names([term.feature for term in d.terms], known, path)
        yield from _arity(d, path)
        if d.formula == "flag":
            yield from _flag(spec, d, path)
        known.append(d.name)


def _flag(spec: Spec, d: Derived, path: tuple[str, ...]) -> Iterator[Problem]:
    source = next((f for f in spec.inputs if f.name == d.terms[0].feature), None)
    if source is not None and source.has_levels:
        if d.value not in source.levels or d.comparison not in ("=", "!="):
            message = f"{source.name} has levels; compare it with '= <level>' or '!= <level>'"
            yield Problem(path, message)
    elif isinstance(d.value, str):
        yield Problem(path, f"{d.value!r} is not a number")


def _arity(d: Derived, path: tuple[str, ...]) -> Iterator[Problem]:
    count = len(d.terms)
    if d.formula in ("difference", "ratio") and count != 2:
        yield Problem(path, f"a {d.formula} takes two features, {d.name} names {count}")
    if d.formula in ("sum", "product") and count < 2:
        yield Problem(path, f"a {d.formula} takes two features or more, {d.name} names {count}")


def _member(spec: Spec, member: Member) -> Iterator[Problem]:
    path = ("members", member.name)
    if not 0 < member.weight < inf:
        yield Problem((*path, "weight"), f"weight of {member.name} must be above zero")
    if member.limit is not None and not 0 < member.limit < inf:
        message = f"limit of {member.name} is a distance of log prices and must be above zero"
        yield Problem((*path, "limit"), message)
    if not 0 <= member.rare_levels < 1:
        yield Problem(
            (*path, "rare_levels"), "rare_levels is a share of rows: 0 up to, not with, 1"
        )
    yield from _unknown_names(member.drop, column_names(spec), (*path, "drop"))
    yield from _selection(member)
    from regression_model.training.pipeline import ESTIMATORS

    estimator = ESTIMATORS[member.estimator]()
    yield from _hyperparameters(estimator, member.hyperparameters, path)


def _selection(member: Member) -> Iterator[Problem]:
    path = ("members", member.name, "select")
    shares = {
        "quasi_constant": "quasi_constant is a share of rows, above 0 and at most 1",
        "correlated": "correlated is a correlation, above 0 and at most 1",
    }
    for key, message in shares.items():
        value = getattr(member.select, key)
        if value is not None and not 0 < value <= 1:
            yield Problem((*path, key), message)
    alpha = member.select.linear_model
    if alpha is not None and not 0 < alpha < inf:
        yield Problem((*path, "linear_model"), "linear_model is the alpha of a Lasso, above 0")


def _difficulty(spec: Spec) -> Iterator[Problem]:
    if spec.difficulty is None:
        return
    from regression_model.training.difficulty import DifficultyRegressor

    path = ("difficulty",)
    if spec.difficulty.copies < 0:
        yield Problem((*path, "copies"), "copies of each sale: 0 or more")
    for name in ("loss", "alpha"):
        if name in spec.difficulty.hyperparameters:
            message = f"{name} follows from coverage; remove it"
            yield Problem((*path, "hyperparameters", name), message)
    yield from _hyperparameters(DifficultyRegressor(), spec.difficulty.hyperparameters, path)


def _hyperparameters(
    estimator: Any, given: Mapping[str, Any], owner: tuple[str, ...]
) -> Iterator[Problem]:
    from sklearn.utils._param_validation import InvalidParameterError

    path = (*owner, "hyperparameters")
    known = estimator.get_params()
    unknown = [name for name in given if name not in known]
    for name in unknown:
        yield from _unknown_names([name], known, (*path, name))
    if unknown:
        return
    try:
        estimator.set_params(**given)._validate_params()
    except InvalidParameterError as error:
        yield Problem(path, str(error))


def _search(spec: Spec) -> Iterator[Problem]:
    members = {member.name: member for member in spec.members}
    for name in dict.fromkeys(sought.member for sought in spec.search):
        yield from _unknown_names([name], members, ("search", name))
    for sought in spec.search:
        if sought.member in members:
            yield from _sought(spec, members[sought.member], sought)


def _sought(spec: Spec, member: Member, sought: Sought) -> Iterator[Problem]:
    from regression_model.training.pipeline import ESTIMATORS

    path = ("search", sought.member, sought.name)
    known = [*OWN_VALUES, *ESTIMATORS[member.estimator]().get_params()]
    present = present_value(member, sought.name)
    if sought.name not in known:
        yield from _unknown_names([sought.name], known, path)
    elif present is None:
        message = f"{sought.name} is not written in {member.name}; write it there, as the search"
        yield Problem(path, f"{message} begins with its present value")
    elif (fault := space_fault(sought, present)) is not None:
        yield Problem(path, fault)
    elif not [*_member(spec, member)]:
        for value in extremes(sought):
            for problem in _member(spec, with_value(member, sought.name, value)):
                yield Problem(path, f"{as_text(value)} cannot be tried: {problem.message}")


def column_names(spec: Spec) -> list[str]:
    """Names of the numeric columns that every member starts from."""
    return [
        *(f.name for f in spec.inputs),
        *_flags(spec),
        *_elapsed(spec),
        *(d.name for d in spec.derived),
    ]


def _flags(spec: Spec) -> list[str]:
    return [f"{name}_missing" for name in spec.missing_indicators]


def _elapsed(spec: Spec) -> list[str]:
    return [f"{name}_elapsed" for name in spec.elapsed]


def _limits(spec: Spec) -> Iterator[Problem]:
    if not spec.members:
        yield Problem(("members",), "a model needs at least one member")
    elif all(member.limit is not None for member in spec.members):
        message = "a limit is a distance from the members without one; leave one member without"
        yield Problem(("members",), message)
    if not 0 <= spec.seed < 2**32:
        yield Problem(("seed",), "seed is a whole number from 0 to 4294967295")
    if not 0 < spec.coverage < 1:
        yield Problem(("coverage",), "coverage is a share of prices between 0 and 1")
    if spec.validation.folds < 2:
        yield Problem(("validation", "folds"), "cross-validation needs two folds or more")
    if not 0 < spec.validation.holdout < 1:
        yield Problem(("validation", "holdout"), "holdout is a share of rows between 0 and 1")
    for source, limits in spec.gates.items():
        for name, limit in limits.items():
            yield from _gate(name, limit, ("gates", source, name))
    for name, limit in (spec.differential or {}).items():
        yield from _differential(name, limit)


def _gate(name: str, limit: Limit, path: tuple[str, ...]) -> Iterator[Problem]:
    from regression_model.training.gate import GATED

    yield from _unknown_names([name], GATED, path)
    bounds = limit if isinstance(limit, tuple) else (limit,)
    if not all(isfinite(bound) for bound in bounds):
        yield Problem(path, f"limit of {name} must be a finite number")
    elif name in GATED and GATED[name].lower_is_better is None and len(bounds) == 1:
        yield Problem(path, f"{name} may be too low or too high; write the lowest, the highest")
    elif bounds[0] > bounds[-1]:
        yield Problem(path, f"limits of {name} must rise: the lowest, then the highest")


def _differential(name: str, limit: float) -> Iterator[Problem]:
    from regression_model.differential.limits import LIMITED

    path = ("differential", name)
    yield from _unknown_names([name], LIMITED, path)
    if not 0 <= limit < inf:
        yield Problem(path, f"limit of {name} is the largest change that will do: 0 or more")


def _unknown_names(
    names: Iterable[str], known: Iterable[str], path: tuple[str, ...]
) -> Iterator[Problem]:
    candidates = list(known)
    for name in names:
        if name not in candidates:
            near = difflib.get_close_matches(name, candidates, n=1)
            hint = (
                f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(candidates)}"
            )
            yield Problem(path, f"{name!r} is not known here; {hint}")
