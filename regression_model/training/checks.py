"""What a config must satisfy to be trained: hyperparameters, search, difficulty and gates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

from sklearn.utils._param_validation import InvalidParameterError

from regression_model.config.check import member_problems
from regression_model.config.estimators import ESTIMATORS
from regression_model.config.problems import Problem, unknown_names
from regression_model.config.reader import parse_spec
from regression_model.config.spec import Limit, Member, Sought, Spec
from regression_model.training.difficulty import DifficultyRegressor
from regression_model.training.gate import GATED
from regression_model.training.tuning.search import (
    OWN_VALUES,
    as_text,
    extremes,
    present_value,
    space_fault,
    with_value,
)


def parse_checked(text: str, *, label: str) -> Spec:
    """Read the text of a config file to train by, and check all that training needs of it.

    Raises :class:`~regression_model.errors.ConfigError` with every fault, each with line and
    remedy; ``label`` names the file.
    """
    return parse_spec(text, label=label, check=training_problems)


def training_problems(spec: Spec) -> Iterator[Problem]:
    """Yield every fault that estimators, search, gates and difficulty find in ``spec``."""
    for member in spec.members:
        yield from _hyperparameters_of(member)
    yield from _search(spec)
    yield from _difficulty(spec)
    for source, limits in spec.gates.items():
        for name, limit in limits.items():
            yield from _gate(name, limit, ("gates", source, name))


def _hyperparameters_of(member: Member) -> Iterator[Problem]:
    path = ("members", member.name)
    estimator = ESTIMATORS[member.estimator].load()()
    yield from _hyperparameters(estimator, member.hyperparameters, path)


def _member(spec: Spec, member: Member) -> Iterator[Problem]:
    yield from member_problems(spec, member)
    yield from _hyperparameters_of(member)


def _hyperparameters(
    estimator: Any, given: Mapping[str, Any], owner: tuple[str, ...]
) -> Iterator[Problem]:
    path = (*owner, "hyperparameters")
    known = estimator.get_params()
    unknown = [name for name in given if name not in known]
    for name in unknown:
        yield from unknown_names([name], known, (*path, name))
    if unknown:
        return
    try:
        estimator.set_params(**given)._validate_params()  # noqa: SLF001  # scikit-learn has no public one
    except InvalidParameterError as error:
        yield Problem(path, str(error))


def _search(spec: Spec) -> Iterator[Problem]:
    members = {member.name: member for member in spec.members}
    for name in dict.fromkeys(sought.member for sought in spec.search):
        yield from unknown_names([name], members, ("search", name))
    for sought in spec.search:
        if sought.member in members:
            yield from _sought(spec, members[sought.member], sought)


def _sought(spec: Spec, member: Member, sought: Sought) -> Iterator[Problem]:
    path = ("search", sought.member, sought.name)
    known = [*OWN_VALUES, *ESTIMATORS[member.estimator].load()().get_params()]
    present = present_value(member, sought.name)
    if sought.name not in known:
        yield from unknown_names([sought.name], known, path)
    elif present is None:
        message = f"{sought.name} is not written in {member.name}; write it there, as the search"
        yield Problem(path, f"{message} begins with its present value")
    elif (fault := space_fault(sought, present)) is not None:
        yield Problem(path, fault)
    elif not [*_member(spec, member)]:
        for value in extremes(sought):
            for problem in _member(spec, with_value(member, sought.name, value)):
                yield Problem(path, f"{as_text(value)} cannot be tried: {problem.message}")


def _difficulty(spec: Spec) -> Iterator[Problem]:
    if spec.difficulty is None:
        return
    path = ("difficulty",)
    for name in ("loss", "alpha"):
        if name in spec.difficulty.hyperparameters:
            message = f"{name} follows from coverage; remove it"
            yield Problem((*path, "hyperparameters", name), message)
    yield from _hyperparameters(DifficultyRegressor(), spec.difficulty.hyperparameters, path)


def _gate(name: str, limit: Limit, path: tuple[str, ...]) -> Iterator[Problem]:
    yield from unknown_names([name], GATED, path)
    bounds = limit if isinstance(limit, tuple) else (limit,)
    if not all(isfinite(bound) for bound in bounds):
        yield Problem(path, f"limit of {name} must be a finite number")
    elif name in GATED and GATED[name].lower_is_better is None and len(bounds) == 1:
        yield Problem(path, f"{name} may be too low or too high; write the lowest, the highest")
    elif bounds[0] > bounds[-1]:
        yield Problem(path, f"limits of {name} must rise: the lowest, then the highest")
