"""The search space of a config: which values of a member may change, and between what."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite

from regression_model.config.spec import Member, Sought, Spec

Value = bool | int | float | str
Place = tuple[str, str]

# What a member has of its own; every other name is one of its estimator's hyperparameters.
OWN_VALUES = ("weight", "limit", "rare_levels")


def present_value(member: Member, name: str) -> Value | None:
    """Return what the config writes for ``name`` in ``member``; None where it writes nothing."""
    if name not in OWN_VALUES:
        return member.hyperparameters.get(name)
    return getattr(member, name) if name in member.model_fields_set else None


def present_values(spec: Spec) -> dict[Place, Value]:
    """Return the present value of all that may change, by member and name."""
    members = {member.name: member for member in spec.members}
    return {
        (sought.member, sought.name): value
        for sought in spec.search
        if (value := present_value(members[sought.member], sought.name)) is not None
    }


def with_value(member: Member, name: str, value: Value) -> Member:
    """``member`` with another value for ``name``, unchecked."""
    if name in OWN_VALUES:
        return member.model_copy(update={name: float(value)})
    return member.model_copy(update={"hyperparameters": {**member.hyperparameters, name: value}})


def with_values(spec: Spec, values: Mapping[Place, Value]) -> Spec:
    """``spec`` with other values in its members."""
    members = {member.name: member for member in spec.members}
    for (member, name), value in values.items():
        members[member] = with_value(members[member], name, value)
    return spec.model_copy(update={"members": tuple(members.values())})


def as_text(value: Value) -> str:
    """Return a value as it is written in a config."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def extremes(sought: Sought) -> tuple[Value, ...]:
    """Return every choice, or both bounds."""
    return sought.choices or sought.bounds or ()


def space_fault(sought: Sought, present: Value) -> str | None:
    """Return what is wrong with choices or bounds, given the value of the config."""
    if sought.bounds is None:
        return _choices_fault(sought, present)
    name, now = sought.name, f"is {as_text(present)} now"
    low, high = sought.bounds
    if isinstance(present, str | bool):
        return f"{name} {now}, which is no number; write '<choice> or <choice>'"
    if not (isfinite(low) and isfinite(high) and low < high):
        return f"search of {name} goes from {low:g} to {high:g}; the first must be below the second"
    if sought.log and low <= 0:
        return f"search of {name} is on the logarithm and begins at {low:g}; begin above zero"
    if isinstance(present, int) and not (isinstance(low, int) and isinstance(high, int)):
        return f"{name} {now}, an integer; write whole numbers for both bounds"
    if not low <= present <= high:
        return f"{name} {now}, outside of {low:g} to {high:g}; widen it, the search begins there"
    return None


def _choices_fault(sought: Sought, present: Value) -> str | None:
    name, own = sought.name, sought.name in OWN_VALUES
    if len(set(map(as_text, sought.choices))) < len(sought.choices):
        return f"a choice of {name} appears twice; remove one"
    if own and any(isinstance(choice, str | bool) for choice in sought.choices):
        return f"{name} is a number; so must be its choices"
    # For scikit-learn 1 and 1.0 may differ: one counts, the other is a share.
    if not any(c == present and (own or type(c) is type(present)) for c in sought.choices):
        return f"{name} is {as_text(present)} now; add it to its choices, the search begins there"
    return None
