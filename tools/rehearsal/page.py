"""What a rehearsal saw, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tools.measuring.load import Answers
from tools.measuring.markdown import table
from tools.rehearsal.checkout import Release
from tools.rehearsal.sizes import Size


def page(
    made: Release,
    moves: Mapping[str, Answers],
    ended: Sequence[int],
    again: Mapping[str, tuple[str, str]],
    weighed: Sequence[Size],
    layers: str,
    faults: Sequence[str],
) -> str:
    """Return the whole page, with the verdict first."""
    verdict = "Everything held." if not faults else "\n".join(f"- {fault}" for fault in faults)
    sections = {
        "Rehearsal of a release": verdict,
        "Moved under load": moved(moves, ended),
        "Built twice": built(again),
        "What it weighs": weights(weighed),
        "Layers of the image": layers,
        "What the differential report says": said(made.differential.read_text("utf-8")),
    }
    return "\n".join(f"## {title}\n\n{text}\n" for title, text in sections.items())


def said(report: str) -> str:
    """The verdict of a differential report."""
    return report.partition("## Verdict\n")[2].partition("\n## ")[0].strip()


def moved(moves: Mapping[str, Answers], ended: Sequence[int]) -> str:
    """Requests, failures and who answered, for each move."""
    rows = []
    for move, seen in moves.items():
        by = ", ".join(f"{version}: {count}" for version, count in sorted(seen.versions.items()))
        rows.append([move, f"{seen.asked}", f"{len(seen.failures)}", by, f"{seen.slowest:.2f}"])
    header = ["move", "requests", "failed", "answered by", "slowest (s)"]
    codes = ", ".join(map(str, ended))
    return f"{table(header, rows, 'lrrlr')}\n\nReleases that were replaced ended with {codes}."


def built(again: Mapping[str, tuple[str, str]]) -> str:
    """The hash of each file, and whether the other build has it too."""
    rows = [
        [name, f"`{one}`", "the same" if one == two else f"`{two}`"]
        for name, (one, two) in again.items()
    ]
    return table(["file", "SHA-256", "again"], rows)


def weights(weighed: Sequence[Size]) -> str:
    """Megabytes of files and environments."""
    rows = [[what, f"{size / 1e6:.1f}", f"{of or ''}"] for what, size, of in weighed]
    return table(["what", "MB", "packages"], rows, "lrr")
