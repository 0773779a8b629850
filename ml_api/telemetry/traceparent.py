"""The trace that a request belongs to: the header ``traceparent`` of W3C Trace Context."""

from __future__ import annotations

import re

# Version, trace, parent, flags; ids of zeros and the version ff are invalid. What a version after
# the first adds is behind another dash, and is not read here.
_FORM = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(-.*)?"
)


def read_trace(header: str) -> dict[str, str]:
    """``trace_id`` and ``parent_span_id`` of a request; empty where the header is not valid.

    Source: W3C Trace Context, level 1 (2021) and level 2, section 3.2.
    """
    found = _FORM.fullmatch(header)
    if found is None or (found[1] == "00" and found[4] is not None):
        return {}
    return {"trace_id": found[2], "parent_span_id": found[3]}
