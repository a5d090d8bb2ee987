"""Definition: an adsorbate or a reaction that no table has, as a campaign file writes it out.

An entry has the form of one in ``adsorbates.yaml`` or ``reactions.yaml``. The definition travels with the campaign:
into its policy, its requests and its rows, so that workers need no file of their own.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

from ase.data import atomic_numbers, covalent_radii
from pydantic import Field

from atomsieve.structures.adsorbate import (
    END_ON,
    METAL,
    MODES,
    OF_LATTICE,
    Adsorbate,
    adsorbates,
    define_adsorbate,
    tabulated_adsorbates,
)
from atomsieve.structures.errors import InputError, Problem, unknown
from atomsieve.structures.molecule import REFERENCES
from atomsieve.structures.reaction import Reaction, define_reaction, problem_with, tabulated_reactions
from atomsieve.structures.section import Section

#: Share of the sum of covalent radii below which two atoms are bonded, and below which they clash.
BONDED, CLASH = 1.25, 0.6
_ADSORBATE: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]*(\.[A-Za-z0-9-]+)*")
_REACTION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_Text = Annotated[str, Field(min_length=1)]


class AdsorbateSection(Section):
    """An adsorbate of a campaign's own.

    Parameters
    ----------
    symbols : list of str
        Chemical symbols; the atom that binds end-on comes first.
    positions : list of [x, y, z]
        Å; the metal lies below the first atom, towards -z.
    source : str
        Where the geometry comes from.
    bonds : list of [i, j] or None
        Bonds within it; None for those that the distances tell.
    modes : dict
        How it can bind, and the atoms that do.
    torsions : list of dict
        Bonds about which it turns: ``atoms`` and ``degrees``.
    takes : int or None
        Electrons that it formally takes from its metals, by which spin states are chosen; None for 1 of a radical and 0
        of a closed shell.
    """

    symbols: Annotated[list[str], Field(min_length=1)]
    positions: list[Annotated[list[float], Field(min_length=3, max_length=3)]]
    source: _Text
    bonds: list[Annotated[list[int], Field(min_length=2, max_length=2)]] | None = None
    modes: Annotated[dict[str, list[int]], Field(min_length=1)] = Field(default_factory=lambda: {END_ON: [0]})
    torsions: list[dict[str, Any]] = Field(default_factory=list)
    takes: Annotated[int, Field(ge=-4, le=6)] | None = None

    def adsorbate(self, name: str) -> Adsorbate:
        """Return the adsorbate, its first atom at the origin."""
        bonds = (
            self.bonds if self.bonds is not None else [list(pair) for pair, ratio in self._ratios() if ratio < BONDED]
        )
        x, y, z = self.positions[0]
        moved = [[a - x, b - y, c - z] for a, b, c in self.positions]
        stated = {"symbols": self.symbols, "modes": self.modes, "torsions": self.torsions, "source": self.source}
        takes = sum(atomic_numbers[symbol] for symbol in self.symbols) % 2 if self.takes is None else self.takes
        return Adsorbate.from_dict(name, {**stated, "positions": moved, "bonds": bonds, "takes": takes})

    def _ratios(self) -> Iterator[tuple[tuple[int, int], float]]:
        """Yield each pair of atoms with its distance as a share of the sum of its covalent radii."""
        radii = [covalent_radii[atomic_numbers[symbol]] for symbol in self.symbols]
        for i, j in itertools.combinations(range(len(radii)), 2):
            yield (i, j), math.dist(self.positions[i], self.positions[j]) / (radii[i] + radii[j])

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with it; paths are relative to it."""
        for index, symbol in enumerate(self.symbols):
            if symbol not in REFERENCES:
                yield Problem(f"symbols[{index}]", unknown(symbol, REFERENCES, "element with a reference gas"))
                return
        size = len(self.symbols)
        if len(self.positions) != size:
            yield Problem("positions", f"are {len(self.positions)}, of {size} symbols; write one for each")
            return
        for (i, j), ratio in self._ratios():
            stated = self.bonds is not None and sorted((i, j)) in map(sorted, self.bonds)
            pair = f"atoms {i} and {j} ({self.symbols[i]}, {self.symbols[j]})"
            length = f"{math.dist(self.positions[i], self.positions[j]):.2f} Å apart"
            if ratio < CLASH:
                yield Problem("positions", f"{pair} are {length}, which no bond is; positions are in Å")
            elif self.bonds is not None and stated != (ratio < BONDED):
                what = "are not bonded at that distance; move them" if stated else "are bonded; list them"
                yield Problem("bonds", f"{pair}, {length}, {what}, or leave bonds out")
        yield from self._wrong_indices(size)

    def _wrong_indices(self, size: int) -> Iterator[Problem]:
        allowed = {name: entry for name, entry in MODES.items() if name not in OF_LATTICE}
        for name, atoms in self.modes.items():
            if name not in allowed:
                yield Problem("modes", unknown(name, allowed, "binding mode"))
            elif len(atoms) != allowed[name][0] or not set(atoms) <= set(range(size)):
                held = f"{allowed[name][0]} of its atoms, counted from 0"
                yield Problem(f"modes.{name}", f"{atoms} is not allowed; {name} binds through {held}")
            elif name == END_ON and atoms != [0]:
                yield Problem(f"modes.{name}", f"{atoms} is not allowed; the atom that binds end-on comes first: [0]")
        for index, turn in enumerate(self.torsions):
            atoms = turn.get("atoms", [])
            indices = [METAL if atom == "metal" else atom for atom in atoms]
            fits = len(indices) == 4 and set(indices[1:]) <= set(range(size)) and indices[0] in range(METAL, size)
            if turn.keys() != {"atoms", "degrees"} or not fits or not turn["degrees"]:
                how = "{atoms: [metal, 0, 1, 2], degrees: [110, -110]}"
                yield Problem(f"torsions[{index}]", f"{turn} is not allowed; write four atoms and angles: {how}")


class ReactionSection(Section):
    """A reaction of a campaign's own.

    Parameters
    ----------
    title : str
        What it is, in words.
    routes : dict of str to list of str
        Chains of states, all from the same reactants to the same products.
    source : str
        Where the mechanism is described.
    leaves : list of list of str
        Chains on which side products leave.
    competes : list of str
        Reactions that take its electrons.
    """

    title: _Text
    routes: Annotated[dict[str, Annotated[list[str], Field(min_length=2)]], Field(min_length=1)]
    source: _Text
    leaves: list[Annotated[list[str], Field(min_length=2)]] = Field(default_factory=list)
    competes: list[str] = Field(default_factory=list)

    def reaction(self, name: str) -> Reaction:
        """Return the reaction.

        Raises
        ------
        InputError
            If a state cannot be read.
        """
        return Reaction.from_dict(name, self.model_dump(), is_own=True)

    def problems(self, name: str, known: DefineSection) -> Iterator[Problem]:
        """Yield what is wrong with it, once the adsorbates of the campaign are known; paths are relative to it."""
        try:
            own = self.reaction(name)
            chains = [*own.routes.values(), *own.leaves]
            if any(chain[0] != own.start or chain[-1] != own.end for chain in own.routes.values()):
                ends = f"{own.start.text} → {own.end.text}"
                yield Problem("routes", f"do not all lead from the same state to the same state ({ends}); make them")
            elif own.start.adsorbed or own.end.adsorbed:
                yield Problem("routes", "begin or end with an adsorbate; both ends are the bare site, as '* + O2'")
            elif not own.steps or not own.paths or not own.electrons:
                yield Problem("routes", f"{own.overall.text} takes up no electrons; allowed: what an electrode does")
            for chain in own.leaves:
                for start, end in itertools.pairwise(chain):
                    one = Reaction("", "", {"": (start, end)}, "")
                    one.overall.require_balance(f"leaves of {name}")
        except InputError as error:
            yield Problem("routes", str(error))
            return
        for adsorbate in dict.fromkeys(name for chain in chains for state in chain for name in state.adsorbed):
            if adsorbate not in known.adsorbate_names:
                yield Problem("routes", unknown(adsorbate, known.adsorbate_names, "adsorbate"))
        for index, other in enumerate(self.competes):
            if other not in tabulated_reactions():
                yield Problem(f"competes[{index}]", unknown(other, tabulated_reactions(), "reaction"))


class DefineSection(Section):
    """What a campaign defines beside the tables.

    Parameters
    ----------
    adsorbates, reactions : dict
        By name.
    """

    adsorbates: dict[str, AdsorbateSection] = Field(default_factory=dict)
    reactions: dict[str, ReactionSection] = Field(default_factory=dict)

    @property
    def adsorbate_names(self) -> tuple[str, ...]:
        """Names that a campaign with this section may use."""
        return (*tabulated_adsorbates(), *self.adsorbates)

    @property
    def reaction_names(self) -> tuple[str, ...]:
        """Names that a campaign with this section may use."""
        return (*tabulated_reactions(), *self.reactions)

    def learn(self) -> None:
        """Let this process know what is defined here; it has no problems."""
        for name, entry in self.adsorbates.items():
            define_adsorbate(entry.adsorbate(name))
        for name, own in self.reactions.items():
            define_reaction(own.reaction(name))

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong; adsorbates are looked at first, and reactions only where these are right."""
        found = list(self._adsorbate_problems())
        if not found:
            for name, entry in self.adsorbates.items():
                define_adsorbate(entry.adsorbate(name))
            for name, own in self.reactions.items():
                path = f"define.reactions.{name}"
                found += _name_problems(path, name, _REACTION, tabulated_reactions())
                found += [Problem(f"{path}.{one.path}", one.message) for one in own.problems(name, self)]
        yield from found

    def _adsorbate_problems(self) -> Iterator[Problem]:
        for name, entry in self.adsorbates.items():
            path = f"define.adsorbates.{name}"
            yield from _name_problems(path, name, _ADSORBATE, tabulated_adsorbates())
            yield from (Problem(f"{path}.{one.path}", one.message) for one in entry.problems())

    def problem_with(self, reaction: str) -> str | None:
        """Return what is wrong with the name of a reaction in a campaign with this section, None if nothing is."""
        whole = reaction.partition(":")[0]
        if whole not in self.reaction_names:
            # another campaign of this process may have defined it
            return unknown(whole, self.reaction_names, "reaction")
        return problem_with(reaction)


def learn(definitions: Mapping[str, Mapping[str, Any]]) -> None:
    """Let this process know adsorbates by what :attr:`Adsorbate.definition` returned, as a policy carries them."""
    for name, entry in definitions.items():
        define_adsorbate(Adsorbate.from_dict(name, entry))


def described(subject: Mapping[str, Any]) -> Adsorbate:
    """Return the adsorbate of a request, which carries the definition of one that no table has."""
    name = str(subject["adsorbate"])
    return Adsorbate.from_dict(name, subject["definition"]) if "definition" in subject else adsorbates()[name]


def _name_problems(path: str, name: str, form: re.Pattern[str], taken: Mapping[str, Any]) -> Iterator[Problem]:
    if not form.fullmatch(name):
        yield Problem(path, f"{name!r} is no name; allowed: letters, digits and dashes, as NH2-side")
    elif name in taken:
        yield Problem(path, f"{name!r} is in the table already; leave it out here, or choose another name")
