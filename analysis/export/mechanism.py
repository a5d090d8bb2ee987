"""Mechanism: a reaction as CatMAP writes it, and the template of a model to start from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ase.formula import Formula

from atomsieve.structures.adsorbate import adsorbate
from atomsieve.structures.errors import InputError
from atomsieve.structures.molecule import molecule
from atomsieve.structures.reaction import Path, Reaction
from atomsieve.structures.state import State, Step
from atomsieve.structures.units import ROOM_TEMPERATURE

#: The one kind of site.
SITE: Final = "s"
#: eV by which the range of a descriptor goes beyond the sites.
MARGIN: Final = 0.2
#: Surfaces from which a line can be drawn through two descriptors.
ENOUGH: Final = 3


def name_in_catmap(name: str) -> str:
    """Return an adsorbate's name without the hyphen, by which CatMAP knows transition states."""
    return name.replace("-", "")


def gas_name(name: str) -> str:
    """Return the name of a molecule.

    Raises
    ------
    InputError
        If it is an ion.
    """
    if molecule(name).charge:
        raise InputError(
            f"{name} is an ion, for which CatMAP's tables have no name; export energies without 'reaction'"
        )
    return name


def _names(state: State, without: Mapping[str, int]) -> Iterator[str]:
    """Yield the species of a state, less some of its molecules."""
    bound = [name_in_catmap(name) for name, number in state.adsorbed.items() for _ in range(number)] or ["*"]
    yield from (f"{name}_{SITE}" for name in bound)
    for name, number in state.free.items():
        left = number - without.get(name, 0)
        if left:
            yield f"{left if left > 1 else ''}{gas_name(name)}_g"


def expression(step: Step) -> str:
    """Return a step as CatMAP writes it: ``OH_s + pe_g -> *_s + H2O_g``.

    Raises
    ------
    InputError
        If an ion takes part, or protons and electrons do not come in pairs.
    """
    if step.kind not in ("proton-electron", "chemical"):
        raise InputError(f"{step.text}: CatMAP's electrochemistry takes a proton with its electron, not one alone")
    common = {name: min(number, step.end.free.get(name, 0)) for name, number in step.start.free.items()}
    left, right = list(_names(step.start, common)), list(_names(step.end, common))
    pairs = abs(step.electrons)
    if pairs:
        (left if step.electrons > 0 else right).append(f"{pairs if pairs > 1 else ''}pe_g")
    return f"{' + '.join(left)} -> {' + '.join(right)}"


def mechanism(reaction: Reaction, energies: Mapping[str, Mapping[str, float]], table: str) -> str:
    """Return a template of a model, a setup file of CatMAP.

    Surfaces are those on which all intermediates of one path are known. Two intermediates describe them where there are
    enough; else it is one surface under potential and temperature.

    Parameters
    ----------
    reaction : Reaction
        The reaction.
    energies : mapping of str to mapping of str to float
        Free energies, eV, by surface and species.
    table : str
        File name of the table.

    Raises
    ------
    InputError
        If the reaction cannot be written so, or no surface has what it needs.
    """
    chains = [step for chain in reaction.leaves for step in Path("", chain).steps]
    steps = tuple(dict.fromkeys([*reaction.steps, *chains]))
    needed = [[name_in_catmap(name) for name in path.adsorbates] for path in reaction.paths]
    surfaces = [name for name, known in energies.items() if any(known.keys() >= set(names) for names in needed)]
    if not surfaces:
        raise InputError(f"no site has the free energies of all intermediates of a path of {reaction.name}")
    species = {name_in_catmap(name): name for name in reaction.adsorbates}
    described = [name for name in species if all(name in energies[surface] for surface in surfaces)][:2]
    scaled = len(surfaces) >= ENOUGH and len(described) == 2
    head = [
        f"# {reaction.name}: {reaction.title} ({reaction.source})",
        "# A template: no barriers, all pressures 1 (water a liquid, the soluble at 1 mol/kg); set what you mean.",
        f"input_file = {table!r}",
        f"data_file = {table.rpartition('.')[0] + '.pkl'!r}",
        "",
        "rxn_expressions = [",
        *(f"    {expression(step)!r}," for step in steps),
        "]",
        "",
    ]
    if scaled:
        ranges = [[energies[surface][name] for surface in surfaces] for name in described]
        head += [
            f"surface_names = {surfaces!r}",
            f"descriptor_names = {[f'{name}_{SITE}' for name in described]!r}",
            f"descriptor_ranges = {[[round(min(r) - MARGIN, 2), round(max(r) + MARGIN, 2)] for r in ranges]!r}",
            "resolution = 15",
            f"temperature = {ROOM_TEMPERATURE}",
            f"voltage = {round(reaction.equilibrium_potential, 3)}  # V against RHE: the reaction's own",
        ]
    else:
        others = f"  # one at a time; also {', '.join(surfaces[1:])}" if surfaces[1:] else ""
        head += [
            "scaler = 'ThermodynamicScaler'",
            f"surface_names = {surfaces[:1]!r}{others}",
            "descriptor_names = ['voltage', 'temperature']",
            f"descriptor_ranges = [[0.0, {round(max(reaction.equilibrium_potential, 1.0), 2)}], "
            f"[{ROOM_TEMPERATURE}, {ROOM_TEMPERATURE}]]",
            "resolution = [15, 1]",
        ]
    molecules = dict.fromkeys(name for step in steps for state in (step.start, step.end) for name in state.free)
    head += [
        "beta = 0.5",
        "",
        "species_definitions = {}",
        f"species_definitions[{SITE!r}] = {{'site_names': [{SITE!r}], 'total': 1}}",
        *(f"species_definitions['{gas_name(name)}_g'] = {{'pressure': 1.0}}" for name in molecules),
        "species_definitions['pe_g'] = {'pressure': 1.0}",
        *(
            f"species_definitions['{name}_{SITE}'] = {{'composition': {adsorbate(known).composition!r}}}"
            for name, known in species.items()
            if not _is_formula(name)
        ),
        "",
        "# the energies are free energies",
        "gas_thermo_mode = 'frozen_gas'",
        "adsorbate_thermo_mode = 'frozen_adsorbate'",
        "electrochemical_thermo_mode = 'simple_electrochemical'",
        "",
        "decimal_precision = 100",
        "tolerance = 1e-50",
        "max_rootfinding_iterations = 100",
        "max_bisections = 3",
    ]
    return "\n".join(head) + "\n"


def _is_formula(name: str) -> bool:
    try:
        Formula(name)
    except ValueError:
        return False
    return True
