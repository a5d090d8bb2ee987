"""Envelope: the lowest of several planes over a rectangle, as polygons with exact corners.

Points are (x, y); a plane is (name, value at the origin, slope along x, slope along y).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

Point = tuple[float, float]
Span = tuple[float, float]
#: Name, value at the origin, slope along x, slope along y.
Sheet = tuple[str, float, float, float]

#: Below which values are the same: far below any energy (eV), far above rounding.
SAME = 1e-10
#: Within which two points are one.
NEAR = 1e-9


@dataclass(frozen=True)
class Region:
    """Where one plane is the lowest.

    Parameters
    ----------
    state : str
        Its name.
    corners : tuple of (float, float)
        Counter-clockwise.
    """

    state: str
    corners: tuple[Point, ...]

    @property
    def area(self) -> float:
        """Its area, in the units of both axes."""
        return _area(self.corners)

    def contains(self, x: float, y: float) -> bool:
        """Return whether a point lies in it."""
        inside = False
        for (x1, y1), (x2, y2) in _edges(self.corners):
            if (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
                inside = not inside
        return inside


@dataclass(frozen=True)
class Boundary:
    """Where two planes are equally low.

    Parameters
    ----------
    states : (str, str)
        Their names.
    start, end : (float, float)
        Its ends.
    """

    states: tuple[str, str]
    start: Point
    end: Point


@dataclass(frozen=True)
class Strip:
    """The lowest planes over a rectangle.

    Parameters
    ----------
    pieces : tuple of (plane, corners)
        Each convex, counter-clockwise.
    """

    pieces: tuple[tuple[Sheet, tuple[Point, ...]], ...]


def lower(sheets: Sequence[Sheet], xs: Span, ys: Span) -> Strip:
    """Return where each plane is the lowest within a rectangle; of planes that are the same the first counts."""
    box = ((xs[0], ys[0]), (xs[1], ys[0]), (xs[1], ys[1]), (xs[0], ys[1]))
    whole = _area(box)
    different: list[Sheet] = []
    for sheet in sheets:
        if all(max(abs(a - b) for a, b in zip(sheet[1:], other[1:], strict=True)) > SAME for other in different):
            different.append(sheet)
    pieces = []
    for sheet in different:
        corners: tuple[Point, ...] = box
        for other in different:
            if other is not sheet and corners:
                corners = _clipped(corners, other, sheet)
        if corners and _area(corners) > SAME * whole:
            pieces.append((sheet, corners))
    return Strip(tuple(pieces))


def joined(strips: Sequence[Strip]) -> tuple[Region, ...]:
    """Return the regions of strips side by side, those of one name joined where they touch."""
    chains: list[tuple[str, list[tuple[Point, ...]]]] = []
    for strip in strips:
        for sheet, corners in strip.pieces:
            chain = next((own for name, own in chains if name == sheet[0] and _touch(own[-1], corners)), None)
            if chain is None:
                chains.append((sheet[0], [corners]))
            else:
                chain.append(corners)
    return tuple(Region(name, _outline(pieces)) for name, pieces in chains)


def boundaries(strips: Iterable[Strip]) -> tuple[Boundary, ...]:
    """Return where two planes are equally low, from end to end in each strip."""
    found = []
    for strip in strips:
        for (one, corners), (other, others) in combinations(strip.pieces, 2):
            shared = sorted({_rounded(p) for p in (*corners, *others) if _is_lowest(p, (one, other), strip)})
            if len(shared) > 1 and one[0] != other[0]:
                found.append(Boundary((one[0], other[0]), shared[0], shared[-1]))
    return tuple(found)


def corners_of_three(strips: Iterable[Strip], xs: Span, ys: Span) -> tuple[tuple[tuple[str, ...], Point], ...]:
    """Return the points inside of a rectangle where three or more planes are equally low, with their names."""
    found: dict[Point, tuple[str, ...]] = {}
    for strip in strips:
        for point in {_rounded(point) for _, corners in strip.pieces for point in corners}:
            names = {sheet[0] for sheet, _ in strip.pieces if _is_lowest(point, (sheet,), strip)}
            if len(names) > 2 and xs[0] < point[0] < xs[1] and ys[0] < point[1] < ys[1]:
                found[point] = tuple(sorted(names))
    return tuple((names, point) for point, names in sorted(found.items()))


def _value(sheet: Sheet, point: Point) -> float:
    return sheet[1] + sheet[2] * point[0] + sheet[3] * point[1]


def _is_lowest(point: Point, sheets: Iterable[Sheet], strip: Strip) -> bool:
    least = min(_value(sheet, point) for sheet, _ in strip.pieces)
    return all(_value(sheet, point) - least < 100 * SAME for sheet in sheets)


def _rounded(point: Point) -> Point:
    # the same corner, reached from two polygons
    return round(point[0], 9) + 0.0, round(point[1], 9) + 0.0


def _edges(corners: Sequence[Point]) -> Iterable[tuple[Point, Point]]:
    return zip(corners, (*corners[1:], corners[0]), strict=True)


def _area(corners: Sequence[Point]) -> float:
    return sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in _edges(corners)) / 2


def _clipped(corners: Sequence[Point], higher: Sheet, sheet: Sheet) -> tuple[Point, ...]:
    """Return the part of a convex polygon where one plane is not below the other (Sutherland and Hodgman 1974).

    doi 10.1145/360767.360802
    """
    found: list[Point] = []
    for start, end in _edges(corners):
        before, after = (_value(higher, point) - _value(sheet, point) for point in (start, end))
        if before >= 0:
            found.append(start)
        if (before > 0 > after) or (before < 0 < after):
            share = before / (before - after)
            found.append((start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])))
    return tuple(found) if len(found) > 2 else ()


def _side(corners: Sequence[Point], x: float) -> Span:
    """Return from and up to which y a polygon reaches at one of its ends."""
    at_end = [y for own, y in corners if abs(own - x) < NEAR]
    return min(at_end), max(at_end)


def _touch(left: Sequence[Point], right: Sequence[Point]) -> bool:
    """Return whether the right end of one polygon and the left end of another share more than a point."""
    x, other = max(x for x, _ in left), min(x for x, _ in right)
    if abs(x - other) > NEAR:
        return False
    (low, high), (below, above) = _side(left, x), _side(right, other)
    return min(high, above) - max(low, below) > NEAR


def _outline(pieces: Sequence[Sequence[Point]]) -> tuple[Point, ...]:
    """Return the outline of convex polygons in a row, each of which shares its end with the next."""
    below: list[Point] = []
    above: list[Point] = []
    for corners in pieces:
        ends = min(x for x, _ in corners), max(x for x, _ in corners)
        first, last = ((x, _side(corners, x)[0]) for x in ends)
        start = min(range(len(corners)), key=lambda k: _distance(corners[k], first))
        around = [*corners[start:], *corners[:start]]
        turn = min(range(len(around)), key=lambda k: _distance(around[k], last))
        below += around[: turn + 1]
        above = [*around[turn + 1 :], *above]
    ring = [*below, *above]
    ring = [point for before, point in zip([ring[-1], *ring], ring, strict=False) if _distance(before, point) > NEAR]
    # what lies on a line with its neighbours is no corner
    return tuple(
        point
        for before, point, after in zip([ring[-1], *ring], ring, [*ring[1:], ring[0]], strict=False)
        if abs(_area((before, point, after))) > NEAR
    )


def _distance(one: Point, other: Point) -> float:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])
