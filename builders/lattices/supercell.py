"""Supercell: the cells of a sheet along both lattice vectors, as recipes write them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from atomsieve.structures.errors import InputError


def parse_supercell(smallest: int | tuple[int, int], largest: int | tuple[int, int]) -> Callable[[Any], tuple[str]]:
    """Return the parser of a supercell, ``2x2``.

    Parameters
    ----------
    smallest, largest : int or tuple of int
        Cells along either lattice vector. One number stands for vectors that are mirror images: the smaller number of
        cells is written first. Two are for vectors that differ.
    """
    alike = isinstance(smallest, int)
    low, high = ((bound, bound) if isinstance(bound, int) else bound for bound in (smallest, largest))

    def parse(value: Any) -> tuple[str]:
        match = (
            re.fullmatch(r"\s*([0-9]{1,4})\s*[x×]\s*([0-9]{1,4})\s*", value, re.I) if isinstance(value, str) else None
        )
        if match is None:
            raise InputError(
                f"{value!r} is not a supercell; write the cells along both lattice vectors, as {low[0]}x{low[1]}"
            )
        n, m = int(match[1]), int(match[2])
        if n < low[0] or m < low[1]:
            raise InputError(
                f"{value} is too small: the site would touch its periodic image; write at least {low[0]}x{low[1]}"
            )
        if n > high[0] or m > high[1]:
            raise InputError(f"{value} is too large; write at most {high[0]}x{high[1]}")
        n, m = sorted((n, m)) if alike else (n, m)
        return (f"{n}x{m}",)

    return parse


def size_of(supercell: str) -> tuple[int, int]:
    """Return the cells along each lattice vector of a supercell as recipes write it."""
    n, m = supercell.split("x")
    return int(n), int(m)
