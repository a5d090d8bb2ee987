"""Summary: what rows come to for each value of a field, kept as they are read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass
class _Sum:
    rows: int = 0
    known: int = 0
    total: float = 0.0
    lowest: float | None = None
    highest: float | None = None

    def add(self, number: float | None) -> None:
        self.rows += 1
        if number is not None:
            self.known += 1
            self.total += number
            self.lowest = number if self.lowest is None else min(self.lowest, number)
            self.highest = number if self.highest is None else max(self.highest, number)


def summary(name: str, values: Iterable[tuple[Any, ...]], *, with_number: bool) -> list[dict[str, Any]]:
    """Sum up numbers by group.

    Parameters
    ----------
    name : str
        Of the groups.
    values : iterable of tuple
        Of each row the group, or a list of groups, and the number (None where unknown) if there is one.
    with_number : bool
        Whether there is.
    """
    sums: dict[Any, _Sum] = {}
    for group, *numbers in values:
        # a site of two iron atoms holds iron once
        for each in dict.fromkeys(group) if isinstance(group, list) else [group]:
            sums.setdefault(each, _Sum()).add(numbers[0] if numbers else None)
    order = sorted(sums, key=lambda each: (each is None, isinstance(each, str), each if each is not None else ""))
    found = []
    for each in order:
        one = sums[each]
        row = {name: each, "rows": one.rows}
        if with_number:
            mean = one.total / one.known if one.known else None
            row |= {"known": one.known, "lowest": one.lowest, "mean": mean, "highest": one.highest}
        found.append(row)
    return found
