"""Page: docs/performance.md, whose tables lie between markers and are replaced one by one."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"


def markers(name: str) -> tuple[str, str]:
    """Return the lines between which a benchmark's table lies."""
    return f"<!-- benchmark: {name} -->", f"<!-- end: {name} -->"


def names(text: str) -> list[str]:
    """Return the benchmarks that a page has a place for, in its order."""
    return re.findall(r"^<!-- benchmark: (\w+) -->$", text, flags=re.MULTILINE)


def with_table(text: str, name: str, table: str) -> str:
    """Return a page with another table of a benchmark.

    Raises
    ------
    ValueError
        If it has no place for it.
    """
    begin, end = markers(name)
    before, found, rest = text.partition(f"{begin}\n")
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"the page has no lines {begin!r} and {end!r}")
    return f"{before}{begin}\n{table.strip()}\n{end}{after}"
