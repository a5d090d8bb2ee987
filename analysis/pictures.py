"""Picture: a structure from above and from the side, drawn to scale."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from ase import Atoms
from ase.data import chemical_symbols, covalent_radii
from ase.data.colors import jmol_colors
from matplotlib import rc_context
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, Polygon

from atomsieve.structures.errors import InputError

Array = npt.NDArray[np.float64]

#: Kinds of file that can be written.
SUFFIXES: Final = (".png", ".svg")
#: Two atoms are joined up to this multiple of the sum of their covalent radii.
JOINED: Final = 1.2
# Radius of a drawn atom as a share of its covalent radius, and the room around a structure in Å.
_SHARE, _MARGIN = 0.55, 1.2
_DOTS_PER_INCH = 150


def draw(
    atoms: Atoms,
    path: Path | str,
    *,
    title: str | None = None,
    bonds: Sequence[tuple[int, int]] | None = None,
) -> Path:
    """Draw a structure from above and from the side.

    Parameters
    ----------
    atoms : ase.Atoms
        A molecule or a periodic structure; bonds that leave the cell end half way.
    path : path-like
        Where to write; ``.png`` or ``.svg``.
    title : str, optional
        Stands above the picture.
    bonds : sequence of pair of int, optional
        Which atoms are joined, as a site lists them; by their distance unless given.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    InputError
        If the file is of another kind, or there are no atoms.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path.name!r} cannot be drawn; allowed: names that end in {' or '.join(SUFFIXES)}")
    if len(atoms) == 0:
        raise InputError("there are no atoms to draw")
    starts, ends = _half_bonds(atoms, bonds)
    views = ((0, 1, 2), (0, 2, 1))
    outline = _outline(atoms)
    frames = [_frame(atoms, view, outline if view[1] == 1 else None) for view in views]
    left, right = min(low[0] for low, _ in frames), max(high[0] for _, high in frames)
    width, heights = right - left, [high[1] - low[1] for low, high in frames]
    inches = 6.0
    size = (inches, inches * sum(heights) / width + 1.3)
    figure = Figure(figsize=size, layout="constrained", facecolor="white")
    panels = figure.subplots(2, 1, height_ratios=heights)
    for panel, view, (low, high), name in zip(panels, views, frames, ("from above", "from the side"), strict=True):
        if outline is not None and view[1] == 1:
            panel.add_patch(Polygon(outline, closed=True, fill=False, edgecolor="0.7", linewidth=0.8, linestyle="--"))
        _paint(panel, atoms, view, starts, ends)
        panel.set(xlim=(left, right), ylim=(low[1], high[1]), aspect="equal")
        panel.set_title(name, loc="left", fontsize=8, color="0.4", pad=2)
        panel.axis("off")
    _scale_bar(panels[1], (left, frames[1][0][1]), width)
    _legend(figure, atoms)
    if title is not None:
        figure.suptitle(title, fontsize=11)
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {"Date": None} if path.suffix.lower() == ".svg" else {"Software": None}
    with rc_context({"svg.hashsalt": "atomsieve"}):
        figure.savefig(path, dpi=_DOTS_PER_INCH, metadata=metadata)
    return path


def _half_bonds(atoms: Atoms, bonds: Sequence[tuple[int, int]] | None) -> tuple[npt.NDArray[np.intp], Array]:
    """Return for each end of each bond its atom, and the middle of the bond as seen from there."""
    vectors = atoms.positions[None] - atoms.positions[:, None]
    if atoms.pbc.any():
        cell = atoms.cell.array
        fractions = vectors @ np.linalg.inv(cell)
        vectors = vectors - (np.round(fractions) * atoms.pbc) @ cell
    if bonds is not None:
        one, other = np.array(bonds, dtype=np.intp).reshape(-1, 2).T
        first, second = np.concatenate([one, other]), np.concatenate([other, one])
        return first, atoms.positions[first] + vectors[first, second] / 2
    radii = covalent_radii[atoms.numbers]
    joined = np.linalg.norm(vectors, axis=-1) < JOINED * (radii[:, None] + radii)
    np.fill_diagonal(joined, False)
    first, second = np.nonzero(joined)
    return first, atoms.positions[first] + vectors[first, second] / 2


def _outline(atoms: Atoms) -> Array | None:
    """Return the corners of the cell in the xy plane, where two of its vectors lie in it and are periodic."""
    if not atoms.pbc[:2].all() or np.abs(atoms.cell.array[:2, 2]).max() > 1e-3:
        return None
    a, b = atoms.cell.array[:2, :2]
    return np.array([np.zeros(2), a, a + b, b])


def _frame(atoms: Atoms, view: Sequence[int], outline: Array | None) -> tuple[Array, Array]:
    points = atoms.positions[:, view[:2]]
    if outline is not None:
        points = np.vstack([points, outline])
    return points.min(axis=0) - _MARGIN, points.max(axis=0) + _MARGIN


def _paint(panel: Any, atoms: Atoms, view: Sequence[int], starts: npt.NDArray[np.intp], ends: Array) -> None:
    """Paint atoms and half bonds from back to front."""
    right, up, towards = view
    # From the side the viewer stands at -y.
    depth = atoms.positions[:, towards] * (1.0 if up == 1 else -1.0)
    rank = np.empty(len(atoms))
    rank[np.argsort(depth, kind="stable")] = np.arange(len(atoms))
    for atom in range(len(atoms)):
        order = 2.0 + rank[atom] / len(atoms)
        middle, colour = atoms.positions[atom, [right, up]], jmol_colors[atoms.numbers[atom]]
        segments = [[middle, end[[right, up]]] for end in ends[starts == atom]]
        panel.add_collection(
            LineCollection(segments, colors="0.45", linewidths=2.2, zorder=order - 1, capstyle="round")
        )
        radius = _SHARE * covalent_radii[atoms.numbers[atom]]
        panel.add_patch(Circle(middle, radius, facecolor=colour, edgecolor="0.2", linewidth=0.6, zorder=order))


def _scale_bar(panel: Any, corner: tuple[float, float], width: float) -> None:
    length = 5.0 if width > 12 else 2.0
    x, y = corner[0] + 0.3, corner[1] + 0.25
    panel.plot([x, x + length], [y, y], color="black", linewidth=2, solid_capstyle="butt", zorder=9)
    panel.text(x + length + 0.25, y, f"{length:g} Å", va="center", ha="left", fontsize=8)


def _legend(figure: Figure, atoms: Atoms) -> None:
    numbers, counts = np.unique(atoms.numbers, return_counts=True)
    handles = [
        Line2D(
            [], [], linestyle="", marker="o", markersize=8, markerfacecolor=jmol_colors[number], markeredgecolor="0.2"
        )
        for number in numbers
    ]
    labels = [f"{chemical_symbols[number]} {count}" for number, count in zip(numbers, counts, strict=True)]
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False, fontsize=9)
