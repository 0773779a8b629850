"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from regression_model.errors import InvalidInput


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A temporary file beside ``target`` that takes its place once it was written whole.

    Raises :class:`InvalidInput` where the disk or the folder refuses; ``target`` is then as it was.
    """
    temporary = None
    try:
        descriptor, name = tempfile.mkstemp(
            dir=target.parent, prefix=f".{target.name}-", suffix=target.suffix
        )
        temporary = Path(name)
        os.close(descriptor)
        yield temporary
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.chmod(0o644)
        os.replace(temporary, target)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InvalidInput(f"{target}: cannot be written: {reason}") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
