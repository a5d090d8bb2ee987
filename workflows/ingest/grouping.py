"""Group: the runs of one site, told by what a person says of them, else by their structures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ase import Atoms

from atomsieve.structures.adsorbate import adsorbates
from atomsieve.structures.errors import InputError
from atomsieve.workflows.ingest.mapping import Role
from atomsieve.workflows.ingest.mapping_file import CLEAN
from atomsieve.workflows.ingest.matching import match
from atomsieve.workflows.ingest.recognition import has_metal
from atomsieve.workflows.ingest.records import Run, Spool

#: Å by which atoms may lie elsewhere in two structures of one site that nobody named: root mean square, and at most;
#: two atoms that changed places in a support moved by a bond at least.
SAME_SITE, SAME_PLACE = 0.5, 1.2


@dataclass(frozen=True)
class Entry:
    """A run that waits for the others of its site; the run itself lies on disk.

    Parameters
    ----------
    source : str
        Where it was found.
    name : str
        Its path from the folder that was named.
    role : Role
        What it is said to be.
    place : int
        Where it lies in the spool.
    formula : mapping of str to int or None
        Number of atoms by element; None without a structure.
    is_gas : bool
        It is said to be a gas, or is not said to belong to a site and holds no metal.
    """

    source: str
    name: str
    role: Role
    place: int
    formula: Counter[str] | None
    is_gas: bool

    @classmethod
    def of(cls, run: Run, name: str, role: Role, spool: Spool) -> Entry:
        """Put a run into the spool."""
        formula = Counter(str(symbol) for symbol in run.atoms.symbols) if run.atoms is not None else None
        is_gas = role.state == "gas" or (run.atoms is not None and role.state is None and not has_metal(run.atoms))
        return cls(run.source, name, role, spool.put(run), formula, is_gas)


@dataclass(eq=False)
class Group:
    """The runs of one site.

    Parameters
    ----------
    label : str
        What the site is called.
    clean, adsorbed : list of Entry
        Without and with an adsorbate.
    """

    label: str
    clean: list[Entry] = field(default_factory=list)
    adsorbed: list[Entry] = field(default_factory=list)


def groups(entries: Iterable[Entry], spool: Spool) -> list[Group]:
    """Sort runs by their sites.

    What is said to belong to a site belongs to it; there the clean runs are those that are said to be, else those with
    the fewest atoms. For all others the structures decide: a run is one of a site if it has its atoms, where they are,
    and perhaps those of an adsorbate.

    Parameters
    ----------
    entries : iterable of Entry
        All that are no gas.
    spool : Spool
        Where the runs lie.
    """
    labelled: dict[str, Group] = {}
    loose: list[Entry] = []
    members: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.role.site is not None:
            members.setdefault(entry.role.site, []).append(entry)
        else:
            loose.append(entry)
    for label, own in members.items():
        labelled[label] = _sorted(label, own)
    return [*labelled.values(), *_by_structure(loose, spool)]


def _sorted(label: str, entries: list[Entry]) -> Group:
    """Tell the clean runs of a site from those with an adsorbate."""
    group = Group(label)
    stated = [entry for entry in entries if entry.role.state == "clean"]
    unsaid = [entry for entry in entries if entry.role.state is None and entry.formula is not None]
    pool = [entry for entry in stated if entry.formula is not None] or unsaid
    smallest = min((entry.formula for entry in pool if entry.formula), key=lambda f: f.total(), default=None)
    for entry in entries:
        is_clean = entry.role.state == "clean" or (entry.role.state is None and entry.formula == smallest)
        (group.clean if is_clean else group.adsorbed).append(entry)
    return group


def _by_structure(entries: list[Entry], spool: Spool) -> list[Group]:
    found: list[Group] = []
    compositions = [Counter(species.composition) for species in adsorbates().values() if not species.removed]
    by_formula: dict[frozenset[tuple[str, int]], list[Group]] = {}

    def candidates(formula: Counter[str]) -> Iterable[tuple[Group, bool]]:
        yield from ((group, True) for group in by_formula.get(frozenset(formula.items()), ()))
        for composition in compositions:
            if all(formula[element] >= number for element, number in composition.items()):
                yield from ((group, False) for group in by_formula.get(frozenset((formula - composition).items()), ()))

    ordered = sorted(entries, key=lambda entry: (entry.formula.total() if entry.formula else 0, entry.name))
    for entry in ordered:
        if entry.formula is None:
            continue
        atoms = spool.get(entry.place).atoms
        assert atoms is not None
        home = _home(entry, atoms, candidates(entry.formula), spool)
        if home is None:
            home = (Group(_label(entry)), entry.role.state in (None, "clean"))
            found.append(home[0])
            if home[1]:
                by_formula.setdefault(frozenset(entry.formula.items()), []).append(home[0])
        group, is_clean = home
        (group.clean if is_clean else group.adsorbed).append(entry)
    return found


def _home(
    entry: Entry, atoms: Atoms, candidates: Iterable[tuple[Group, bool]], spool: Spool
) -> tuple[Group, bool] | None:
    """Return the site on which a structure lies best, and whether it is that site without an adsorbate."""
    best: tuple[float, Group, bool] | None = None
    for group, is_clean in dict.fromkeys(candidates):
        if (entry.role.state == "clean") != is_clean and entry.role.state is not None:
            continue
        clean = spool.get(group.clean[0].place).atoms
        assert clean is not None
        try:
            found = match(clean, atoms)
        except InputError:
            continue
        near = found.deviation <= SAME_SITE and found.farthest <= SAME_PLACE
        if near and (best is None or found.deviation < best[0]):
            best = (found.deviation, group, is_clean)
    return best[1:] if best is not None else None


def _label(entry: Entry) -> str:
    """Return a label for a site that nobody named: the path of its clean run, without a last part that says so."""
    path = Path(entry.name.partition("@")[0] if "@" in entry.name else entry.name)
    frame = entry.name.rpartition("@")[2] if "@" in entry.name else ""
    parts = [part for part in path.parts if part.casefold() not in CLEAN] or list(path.parts)
    return "/".join(parts) + (f"@{frame}" if frame else "")
