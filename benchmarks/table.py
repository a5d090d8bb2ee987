"""Table: what a benchmark gives, as the page shows it."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import psutil

T = TypeVar("T")


@dataclass(frozen=True)
class Table:
    """Rows under heads.

    Parameters
    ----------
    heads : tuple of str
        The first names what a row is, and may be empty.
    rows : tuple of tuple of str
        As many cells as there are heads; plain text or Markdown.
    note : str
        What else was counted, in whole sentences.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def __post_init__(self) -> None:
        if any(len(row) != len(self.heads) for row in self.rows):
            raise ValueError(f"rows of {sorted({len(row) for row in self.rows})} cells under {len(self.heads)} heads")

    def markdown(self) -> str:
        """Return the table as Markdown, its note above it."""
        lines = [self.heads, ("---",) * len(self.heads), *self.rows]
        text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"{self.note}\n\n{text}" if self.note else text


def machine() -> str:
    """Return the day and the machine: model of the processor, cores, memory and Python; nothing that names it."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.partition(":")[2] for line in info.read_text("utf-8").splitlines() if line.startswith("model name")
        ]
        model = " ".join(names[0].split()) if names else model
    cores = os.cpu_count() or 1
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {cores} cores of {model}, {memory:.0f} GiB, Python {platform.python_version()}"
    )


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Return the median with the least and the most: ``1.30 (1.21 to 1.55)``; one value alone."""
    if len(values) == 1:
        return f"{values[0]:,.{digits}f}"
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:,.{digits}f} ({low:,.{digits}f} to {high:,.{digits}f})"


def ratios(values: Sequence[float], others: Sequence[float], digits: int = 2) -> str:
    """Return how many times one is the other, turn by turn."""
    return spread([value / other for value, other in zip(values, others, strict=True)], digits)


def alternate(ways: dict[str, Callable[[], T]], turns: int) -> dict[str, list[T]]:
    """Return what each way gave, one after another in each turn, so that other load hits all alike."""
    found: dict[str, list[T]] = {name: [] for name in ways}
    for turn in range(turns):
        # the other way round every second time: what the first warms, none has always
        for name in list(ways)[:: -1 if turn % 2 else 1]:
            found[name].append(ways[name]())
    return found
