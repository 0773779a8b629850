"""Names that are declared elsewhere, as a type of value."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import AfterValidator


def one_of(names: Iterable[str]) -> AfterValidator:
    """Accept one of ``names``, and no other text.

    The value becomes the declared text itself, as with a ``Literal``: pickle writes a text once
    for each object, so equal specs give equal files.
    """
    declared = {name: name for name in names}

    def check(name: str) -> str:
        if name not in declared:
            raise ValueError(f"{name!r} is not one of {', '.join(declared)}")
        return declared[name]

    return AfterValidator(check)
