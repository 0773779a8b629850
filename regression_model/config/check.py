"""What a config file must satisfy beyond its schema: names that exist, bounds that are ordered.

What only training can judge (hyperparameters, search, gates) is in ``training/checks.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from regression_model.config.feature_check import feature_problems
from regression_model.config.formulas import FORMULAS
from regression_model.config.problems import Problem, repeated, unknown_names
from regression_model.config.spec import DIFFERENTIAL_FIGURES, Derived, Member, Spec


def problems_of(spec: Spec) -> list[Problem]:
    """Every fault of ``spec``, in the order of the file."""
    return [
        *_roles(spec),
        *_duplicate_names(spec),
        *(problem for f in spec.features for problem in feature_problems(spec, f)),
        *_lists(spec),
        *_derived(spec),
        *(problem for m in spec.members for problem in member_problems(spec, m)),
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
                message = f"{name!r} already names {seen[name]}; a name or alias may appear once"
                yield Problem(("features", f.name), message)
            seen[name] = f.name
    for column in (*_flags(spec), *_elapsed(spec)):
        seen.setdefault(column, column)
    for d in spec.derived:
        if d.name in seen:
            yield Problem(("derived", d.name), f"{d.name!r} is already a feature; rename it")
        seen[d.name] = d.name


def _lists(spec: Spec) -> Iterator[Problem]:
    inputs = [f.name for f in spec.inputs]
    years = [f.name for f in spec.inputs if f.kind == "year"]
    yield from unknown_names(spec.missing_indicators, inputs, ("missing_indicators",))
    yield from unknown_names(spec.elapsed, years, ("elapsed",))
    for key, names in (("elapsed", spec.elapsed), ("missing_indicators", spec.missing_indicators)):
        for name in sorted(repeated(names)):
            yield Problem((key,), f"{name!r} appears twice; remove one")
    if spec.elapsed and spec.sale_year is None:
        yield Problem(
            ("elapsed",), "elapsed needs a feature of kind year with the role 'sale date'"
        )


def _derived(spec: Spec) -> Iterator[Problem]:
    known = [*(f.name for f in spec.inputs), *_elapsed(spec)]
    for d in spec.derived:
        path = ("derived", d.name, d.formula)
        yield from unknown_names([term.feature for term in d.terms], known, path)
        yield from _arity(d, path)
        if FORMULAS[d.formula].compares:
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
    formula, count = FORMULAS[d.formula], len(d.terms)
    if not formula.accepts(count):
        yield Problem(path, f"a {d.formula} takes {formula.takes}, {d.name} names {count}")


def member_problems(spec: Spec, member: Member) -> Iterator[Problem]:
    """Yield every fault of one member, but for those of its hyperparameters."""
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
    yield from unknown_names(member.drop, column_names(spec), (*path, "drop"))
    yield from _selection(member)


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
    if spec.difficulty is not None and spec.difficulty.copies < 0:
        yield Problem(("difficulty", "copies"), "copies of each sale: 0 or more")


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
    for name, limit in (spec.differential or {}).items():
        yield from _differential(name, limit)


def _differential(name: str, limit: float) -> Iterator[Problem]:
    path = ("differential", name)
    yield from unknown_names([name], DIFFERENTIAL_FIGURES, path)
    if not 0 <= limit < inf:
        yield Problem(path, f"limit of {name} is the largest change that will do: 0 or more")
