"""Which paths are guarded, and what guards write into the environment of a request."""

from __future__ import annotations

# Asked by machines that have no key and call the service by its address.
OPEN_PATHS = frozenset({"/health", "/ready"})
# Opened by browsers, which have no key until the page asks for it: the contract, and nothing else.
KEYLESS_PATHS = frozenset({"/openapi.json", "/docs"})
KEYLESS_FOLDER = "/docs/"
CLIENT = "ml_api.client"  # key of the environment: the name of the API key


def wants_key(path: str) -> bool:
    """Return whether a path is for holders of an API key, where keys are asked for."""
    return path not in OPEN_PATHS | KEYLESS_PATHS and not path.startswith(KEYLESS_FOLDER)
