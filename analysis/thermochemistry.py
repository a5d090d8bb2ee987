"""Thermochemistry: from the modes of vibration to the terms that turn an electronic energy into a free energy."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from ase import Atoms

from atomsieve.analysis.hessian import shape_of
from atomsieve.structures.energies import Term
from atomsieve.structures.errors import InputError
from atomsieve.structures.gate import Participant, require_combinable
from atomsieve.structures.site import atoms_from_dict
from atomsieve.structures.units import CRITICAL_TEMPERATURE, ROOM_TEMPERATURE, TRIPLE_POINT, WAVENUMBER
from atomsieve.structures.vibrations import Vibrations

#: Standard pressure, Pa.
BAR: Final = 1e5
#: Critical pressure of water (Pa), and the coefficients of its vapour pressure by power of 1 - T/Tc (W. Wagner,
#: A. Pruß 2002, doi 10.1063/1.1461829, equation 2.5).
CRITICAL_PRESSURE = 22.064e6
VAPOUR: Final[Mapping[float, float]] = MappingProxyType(
    {1: -7.85951783, 1.5: 1.84408259, 3: -11.7866497, 3.5: 22.6807411, 4: -15.9618719, 7.5: 1.80122502}
)
#: Å within which two atoms of a relaxed molecule are images of each other.
SYMMETRY_TOLERANCE: Final = 0.1

SYMBOLS = {"zpe": "ZPE", "thermal": "∫Cp dT", "entropy": "TS"}


def harmonic_terms(
    vibrations: Vibrations,
    species: str,
    *,
    temperature: float = ROOM_TEMPERATURE,
    floor: float = 0.0,
    factor: float = 1.0,
) -> tuple[Term, ...]:
    """Return the terms of atoms that vibrate where they are held, each mode a harmonic oscillator.

    Imaginary modes are left out. For what is bound ∫Cp dT is that of Cv: p ΔV is nothing beside kT.

    Parameters
    ----------
    vibrations : Vibrations
        Of an adsorbate, or of atoms of a site.
    species : str
        What the terms are of, as ``OH*``.
    temperature : float
        K.
    floor : float
        Modes below it are raised to it in all three terms, cm⁻¹; see ``TREATMENTS``.
    factor : float
        How often the species enters the sum; -1 takes it off.

    Returns
    -------
    tuple of Term
        Zero-point energy, integral of the heat capacity from 0 K, -TS; eV. Their source is the vibrations' key.

    Raises
    ------
    InputError
        If the temperature is not positive.
    """
    from ase.thermochemistry import HarmonicThermo

    _require_positive(temperature, "temperature", "K")
    energies = np.maximum(vibrations.real, floor * WAVENUMBER)
    if not energies.size:
        return _terms(vibrations, species, factor, 0.0, 0.0, 0.0)
    thermo = HarmonicThermo(energies)
    zpe = thermo.get_ZPE_correction()
    thermal = thermo.get_internal_energy(temperature, verbose=False) - zpe
    entropy = thermo.get_entropy(temperature, verbose=False)
    return _terms(vibrations, species, factor, zpe, thermal, -temperature * entropy)


def adsorbed_terms(
    adsorbate: str,
    adsorbed: Vibrations,
    clean: Vibrations | None = None,
    *,
    temperature: float = ROOM_TEMPERATURE,
    floor: float = 0.0,
) -> tuple[Term, ...]:
    """Return the terms of an adsorbate; where the metal was displaced with it, less those of the same atoms without it.

    Parameters
    ----------
    adsorbate : str
        Its name, without the star.
    adsorbed : Vibrations
        Of its atoms, and of those of the site that were displaced with them.
    clean : Vibrations or None
        Of the same atoms of the clean site; None where none of the site's were displaced.
    temperature : float
        K.
    floor : float
        As in :func:`harmonic_terms`, for both states.

    Returns
    -------
    tuple of Term
        Three, or six with a clean site.

    Raises
    ------
    InputError
        If other atoms were displaced in the clean site than in the one with the adsorbate.
    MethodMismatchError
        If the two come from different methods.
    """
    terms = harmonic_terms(adsorbed, f"{adsorbate}*", temperature=temperature, floor=floor)
    if clean is None:
        return terms
    states = {f"the vibrations of {adsorbate}*": adsorbed, "those of the clean site": clean}
    require_combinable(_participant(f"{name} {state.key[:8]}", state) for name, state in states.items())
    # the atoms of an adsorbate come after those of the site
    shared = tuple(atom for atom in adsorbed.displaced if atom < len(clean.atoms["numbers"]))
    if shared != clean.displaced:
        raise InputError(
            f"atoms {list(shared)} of the site were displaced with {adsorbate}*, and {list(clean.displaced)} without "
            "it; displace the same ones in both"
        )
    return (*terms, *harmonic_terms(clean, "*", temperature=temperature, floor=floor, factor=-1.0))


def _participant(name: str, vibrations: Vibrations) -> Participant:
    atoms = atoms_from_dict(vibrations.atoms)
    cell = atoms.cell.array.tolist() if atoms.pbc.any() else None
    return Participant(name, vibrations.request.method.identity, frozenset(atoms.symbols), cell=cell)


def gas_terms(
    vibrations: Vibrations,
    gas: str,
    *,
    multiplicity: int,
    temperature: float = ROOM_TEMPERATURE,
    pressure: float = BAR,
    factor: float = 1.0,
) -> tuple[Term, ...]:
    """Return the terms of an ideal gas: it moves freely, turns as a rigid body, and vibrates harmonically.

    Parameters
    ----------
    vibrations : Vibrations
        Of all its atoms, as a free molecule.
    gas : str
        Its name.
    multiplicity : int
        2S + 1; adds kT ln(2S + 1) to TS.
    temperature : float
        K.
    pressure : float
        Pa; its vapour pressure gives water the free energy of the liquid.
    factor : float
        How often the molecule enters the sum; negative for a reference that is taken off.

    Returns
    -------
    tuple of Term
        Zero-point energy, enthalpy from 0 K, -TS at the pressure; eV. Their source is the vibrations' key.

    Raises
    ------
    InputError
        If temperature, pressure or multiplicity do not exist, or not all atoms were displaced as those of a free
        molecule.
    """
    from ase.thermochemistry import IdealGasThermo

    _require_positive(temperature, "temperature", "K")
    _require_positive(pressure, "pressure", "Pa")
    if multiplicity < 1:
        raise InputError(f"a multiplicity of {multiplicity} does not exist; it is 2S + 1, so at least 1")
    atoms = atoms_from_dict(vibrations.atoms)
    if len(vibrations.displaced) < len(atoms) or not vibrations.is_free:
        raise InputError(f"the vibrations {vibrations.key[:8]} are not those of a free molecule; {gas} is no gas here")
    atoms.set_masses(vibrations.masses)
    thermo = IdealGasThermo(
        np.array(vibrations.real),
        geometry=shape_of(atoms.positions, vibrations.masses),
        atoms=atoms,
        symmetrynumber=symmetry_number(atoms),
        spin=(multiplicity - 1) / 2,
        # the modes are all genuine; those that are imaginary are missing
        vib_selection="all",
    )
    zpe = thermo.get_ZPE_correction()
    thermal = thermo.get_enthalpy(temperature, verbose=False) - zpe
    entropy = thermo.get_entropy(temperature, pressure, verbose=False)
    return _terms(vibrations, gas, factor, zpe, thermal, -temperature * entropy)


def reference_pressure(gas: str, temperature: float) -> float:
    """Return the pressure (Pa) at which a gas is a reference: its vapour pressure for water, 1 bar for all others.

    Parameters
    ----------
    gas : str
        Its name.
    temperature : float
        K.

    Raises
    ------
    InputError
        If there is no liquid water at this temperature.

    Examples
    --------
    >>> round(reference_pressure("H2O", 298.15)), reference_pressure("H2", 298.15)
    (3170, 100000.0)
    """
    if gas != "H2O":
        return BAR
    if not TRIPLE_POINT <= temperature <= CRITICAL_TEMPERATURE:
        raise InputError(
            f"{temperature:g} K: the reference is liquid water, of which there is none; allowed {TRIPLE_POINT} to "
            f"{CRITICAL_TEMPERATURE} K"
        )
    below = 1 - temperature / CRITICAL_TEMPERATURE
    series = sum(coefficient * below**power for power, coefficient in VAPOUR.items())
    return float(CRITICAL_PRESSURE * np.exp(CRITICAL_TEMPERATURE / temperature * series))


def symmetry_number(atoms: Atoms) -> int:
    """Return the number of ways to turn a molecule onto itself: 1 for CO, 2 for H2O, 3 for NH3, 12 for CH4.

    Two atoms fix a turn, so each pair that they may land on is tried. Finders of point groups multiply the operations
    that they find, and lose themselves where these are as rough as a relaxed geometry.

    Parameters
    ----------
    atoms : ase.Atoms
        A molecule, relaxed.
    """
    from scipy.spatial.transform import Rotation

    centred = atoms.positions - atoms.get_center_of_mass()
    shape = shape_of(centred, atoms.get_masses())
    if shape == "monatomic":
        return 1
    if shape == "linear":
        return 1 if _permutation(atoms.numbers, centred, -centred) is None else 2
    first = int(np.argmax(np.linalg.norm(centred, axis=1)))
    second = int(np.argmax(np.linalg.norm(np.cross(centred, centred[first]), axis=1)))
    found = set()
    for pair in permutations(range(len(atoms)), 2):
        if (atoms.numbers[list(pair)] == atoms.numbers[[first, second]]).all():
            turn, _ = Rotation.align_vectors(centred[list(pair)], centred[[first, second]])
            found.add(_permutation(atoms.numbers, centred, turn.apply(centred)))
    return len(found - {None})


def _permutation(numbers: Any, before: Any, after: Any) -> tuple[int, ...] | None:
    """Return on which atom of its kind each atom landed, None if one landed on none."""
    distances = np.linalg.norm(after[:, None] - before[None], axis=2)
    distances[numbers[:, None] != numbers[None]] = np.inf
    landed = distances.argmin(axis=1)
    is_close = (distances.min(axis=1) < SYMMETRY_TOLERANCE).all()
    return tuple(landed.tolist()) if is_close and len(set(landed)) == len(landed) else None


def _terms(
    vibrations: Vibrations, species: str, factor: float, zpe: float, thermal: float, entropy: float
) -> tuple[Term, ...]:
    """Name the three terms and weigh them; ``entropy`` is -TS, and its name carries the sign of TS."""
    values = {"zpe": zpe, "thermal": thermal, "entropy": entropy}
    signs = {kind: -factor if kind == "entropy" else factor for kind in values}
    return tuple(
        Term(f"{_times(signs[kind])}{SYMBOLS[kind]}({species})", kind, float(factor * value), vibrations.key)
        for kind, value in values.items()
    )


def _times(number: float) -> str:
    return {1.0: "", -1.0: "-"}.get(number, f"{number:+g} ")


def _require_positive(value: float, name: str, unit: str) -> None:
    if not (np.isfinite(value) and value > 0):
        raise InputError(f"{name} {value:g} {unit} does not exist; give a positive number")
