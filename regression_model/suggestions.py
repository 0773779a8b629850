"""The spelling that somebody meant: of known names, the nearest to one that is not known."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import lru_cache

_MAX_REMEMBERED = 10_000
_MIN_SIMILARITY = 0.6  # difflib's similarity, from which on a name is suggested


def nearest(text: str, candidates: tuple[str, ...]) -> str | None:
    """Return the candidate most similar to ``text``, None where no candidate is similar.

    A search costs as much as valuing a house, so what was found for a text is remembered. A text
    that is longer than any similar one can be is not searched for.
    """
    longest = max(map(len, candidates), default=0)
    if 2 * longest < _MIN_SIMILARITY * (longest + len(text)):
        return None
    return _search(text, candidates)


def suggest(text: str, candidates: Iterable[str], otherwise: str | None = None) -> str:
    """Return the question whether the nearest of ``candidates`` was meant, else ``otherwise``.

    Without ``otherwise`` the candidates are listed.
    """
    known = tuple(candidates)
    near = nearest(text, known)
    if near is not None:
        return f"did you mean {near!r}?"
    return f"expected one of {', '.join(known)}" if otherwise is None else otherwise


@lru_cache(maxsize=_MAX_REMEMBERED)
def _search(text: str, candidates: tuple[str, ...]) -> str | None:
    found = difflib.get_close_matches(text, candidates, n=1, cutoff=_MIN_SIMILARITY)
    return found[0] if found else None
