"""VASP's tags: what an INCAR means in the vocabulary of Method.physics, in whichever of its spellings it is written.

The tables and their sources stand in vasp_tags.yaml.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from atomsieve.structures.adsorbate import load_yaml
from atomsieve.structures.errors import InputError

#: Default of EDIFF, eV; of SIGMA, eV; of ISMEAR (VASP wiki).
EDIFF: Final = 1e-4
SIGMA: Final = 0.2
ISMEAR: Final = 1

_SILENT = ("", "--", "NONE")
_SMEARINGS = {0: "Gaussian", -1: "Fermi", -2: "fixed occupations", -4: "tetrahedron", -5: "tetrahedron (Blöchl)"}
_DIRECTIONS = {1: "x", 2: "y", 3: "z", 4: "all"}
_ORBITALS = "spdf"


def canonical_tags(
    incar: Mapping[str, Any], species: Sequence[str] = (), *, lexch: str = "PE", electrons: float | None = None
) -> dict[str, Any]:
    """Return the physics of an INCAR, with VASP's defaults written out.

    Without tags it is spin-unpolarised PBE (of PBE POTCARs), no dispersion, no U, no solvent, a neutral cell, scalar
    relativity, Methfessel-Paxton smearing of 0.2 eV. Tags that no table here knows are handed on as they are, unless
    they are off: what is not understood must agree. The k-points are those of KSPACING, where it is set; a KPOINTS file
    goes before it, and is the caller's to read.

    Parameters
    ----------
    incar : mapping
        The tags that a person wrote, values as text or already read. Not the full list that VASP resolves them to; only
        ENMAX, the cutoff that was used, may be added from there.
    species : sequence of str
        Elements in the order of POSCAR and POTCAR, one for each block; with +U and without ENCUT it is needed.
    lexch : str
        LEXCH of the POTCARs: the functional where GGA and METAGGA are not set.
    electrons : float or None
        Valence electrons of the neutral cell. Where they are not known a cell with NELECT counts as charged.

    Returns
    -------
    dict
        ``functional, dispersion, u`` (eV by element; text where it is not Dudarev's, or not on the usual shell),
        ``cutoff`` (eV), ``solvent, charge_model, spin_polarised, relativity, aspherical, dipole, smearing,
        smearing_width`` (eV), ``precision, electronic_threshold`` (eV) and, where set, ``force_threshold`` (eV/Å),
        ``kpoints`` (1/Å), ``noncollinear`` and what is not understood.

    Raises
    ------
    InputError
        If a value cannot be read, or the species are needed and do not fit.

    Examples
    --------
    >>> tags = canonical_tags({"LVDW": ".TRUE.", "ENCUT": "500", "LDAU": "T", "LDAUU": "3.3 0"}, ["Fe", "N"])
    >>> tags["functional"], tags["dispersion"], tags["u"], tags["cutoff"]
    ('PBE', 'D2', {'Fe': 3.3}, 500.0)
    """
    tags = {name.strip().upper(): _bare(value) for name, value in incar.items()}
    tags = {name: value for name, value in tags.items() if str(value).upper() not in _SILENT}
    smearing = _whole(tags, "ISMEAR", ISMEAR)
    physics = {
        "functional": _functional(tags, lexch),
        "dispersion": _dispersion(tags),
        "u": _hubbard(tags, species),
        "cutoff": _cutoff(tags, species),
        "solvent": _solvent(tags),
        "charge_model": _charge_model(tags, electrons),
        "spin_polarised": _whole(tags, "ISPIN", 1) == 2,
        "relativity": "spin-orbit" if _flag(tags, "LSORBIT") else "scalar",
        "aspherical": _flag(tags, "LASPH"),
        "dipole": _dipole(tags),
        "smearing": f"Methfessel-Paxton {smearing}" if smearing > 0 else _SMEARINGS.get(smearing, f"ISMEAR={smearing}"),
        "smearing_width": _number(tags, "SIGMA", SIGMA),
        "precision": _precision(tags),
        "electronic_threshold": _number(tags, "EDIFF", EDIFF),
    }
    if _number(tags, "EDIFFG", 0.0) < 0:
        physics["force_threshold"] = -_number(tags, "EDIFFG", 0.0)
    if "KSPACING" in tags:
        physics["kpoints"] = _number(tags, "KSPACING", 0.0)
    # spin-orbit coupling makes VASP noncollinear by itself
    if _flag(tags, "LSORBIT") or _flag(tags, "LNONCOLLINEAR"):
        physics |= {"noncollinear": True, "spin_polarised": True}
    known = _known()
    for name, value in tags.items():
        if name not in known and not name.startswith("LIBXC") and not (value is False or value == 0):
            physics[name] = value
    return physics


@cache
def _tables() -> dict[str, Any]:
    return load_yaml("vasp_tags.yaml")


@cache
def _known() -> frozenset[str]:
    tables = _tables()
    own = [tables[name] for name in ("read", "precision", "solvent_defaults", "solvent_further")]
    return _functional_tags().union(*own, *tables["ignored"].values())


@cache
def _functional_tags() -> frozenset[str]:
    return frozenset([*_tables()["functional_defaults"], *_tables()["functional_further"]])


def _bare(value: Any) -> Any:
    """Take the comment off a text, and read it if it is one logical value or one number; all numbers become floats."""
    if not isinstance(value, str):
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
    text = value.split("#")[0].split("!")[0].strip().strip("\"'").strip()
    logical = {"T": True, "TRUE": True, "F": False, "FALSE": False}.get(text.upper().strip("."))
    if logical is not None:
        return logical
    try:
        number = float(text.upper().replace("D", "E"))
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def _spelled(name: str, value: Any) -> str:
    """Write a tag so that equal values give equal text."""
    return f"{name}={value:.8g}" if isinstance(value, float) else f"{name}={value}"


def _flag(tags: Mapping[str, Any], name: str) -> bool:
    value = tags.get(name, False)
    if isinstance(value, str) and value.lstrip(".")[:1].upper() in ("T", "F"):
        return value.lstrip(".")[0].upper() == "T"
    if not isinstance(value, bool):
        raise InputError(f"{name} = {value!r} cannot be read; allowed: .TRUE. or .FALSE.")
    return value


def _number(tags: Mapping[str, Any], name: str, default: float) -> float:
    try:
        return float(tags.get(name, default))
    except (TypeError, ValueError):
        raise InputError(f"{name} = {tags[name]!r} cannot be read; a number is wanted") from None


def _whole(tags: Mapping[str, Any], name: str, default: int) -> int:
    return round(_number(tags, name, default))


def _numbers(value: Any) -> list[float]:
    """Read an array, in which ``3*0.0`` stands for three zeros."""
    found: list[float] = []
    for word in value.split() if isinstance(value, str) else value if isinstance(value, list | tuple) else [value]:
        times, star, number = str(word).rpartition("*")
        found += [float(number)] * (int(times) if star else 1)
    return found


def _functional(tags: Mapping[str, Any], lexch: str) -> str:
    """Name the functional, or spell out its tags where it has no name: equal tags then still give equal text."""
    tables = _tables()
    own = {name: tags[name] for name in tags if name in _functional_tags() or name.startswith("LIBXC")}
    for condition in tables["functional_conditions"]:
        if not any(_flag(tags, switch) for switch in condition["needs"]):
            own = {name: value for name, value in own.items() if name not in condition["tags"]}
    if "METAGGA" in own:
        own = {name: value for name, value in own.items() if name != "GGA"} | {"METAGGA": str(own["METAGGA"]).upper()}
    else:
        # VASP reads two letters; 91 may have been read as a number
        code = own.get("GGA", lexch)
        own["GGA"] = f"{code:.0f}" if isinstance(code, float) else str(code)[:2].upper()
    defaults = tables["functional_defaults"] | _mixing_defaults(tags, own) | {"IVDW_NL": 2 if "METAGGA" in own else 1}
    chosen = {name: value for name, value in own.items() if not _same(value, defaults.get(name))}
    for entry in tables["functionals"]:
        named = entry["tags"]
        if chosen.keys() == named.keys() and all(_same(chosen[name], named[name]) for name in named):
            return str(entry["name"])
    return " ".join(_spelled(name, chosen[name]) for name in sorted(chosen))


def _mixing_defaults(tags: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, float]:
    hybrid = _flag(tags, "LHFCALC") or _flag(tags, "LMODELHF")
    exact = _number(own, "AEXX", 1.0 if hybrid and _flag(tags, "LRHFCALC") else 0.25) if hybrid else 0.0
    correlation = 0.0 if exact == 1.0 else 1.0
    mixing = {"AEXX": 0.25, "AGGAX": 1 - exact, "ALDAX": 1 - exact, "AMGGAX": 1 - exact}
    return mixing | {"AGGAC": correlation, "ALDAC": correlation, "AMGGAC": correlation}


def _same(ours: Any, theirs: Any) -> bool:
    numbers = isinstance(ours, int | float) and isinstance(theirs, int | float)
    return abs(ours - theirs) < 1e-6 if numbers else bool(ours == theirs)


def _dispersion(tags: Mapping[str, Any]) -> str:
    code = _whole(tags, "IVDW", 1 if _flag(tags, "LVDW") else 0)
    entry = _tables()["dispersion"].get(code)
    return str(entry["name"]) if entry else f"IVDW={code}"


def _hubbard(tags: Mapping[str, Any], species: Sequence[str]) -> dict[str, float | str]:
    if not _flag(tags, "LDAU"):
        return {}
    kind = round(_numbers(tags.get("LDAUTYPE", 2))[0])
    arrays = [_by_species(tags, name, default, species) for name, default in (("LDAUL", 2), ("LDAUU", 0), ("LDAUJ", 0))]
    found: dict[str, float | str] = {}
    for element, shell, coulomb, exchange in zip(species, *arrays, strict=True):
        effective = round(coulomb - exchange, 6)
        if shell < 0 or (effective == 0 if kind == 2 else coulomb == exchange == 0):
            continue
        value: float | str = effective
        if kind != 2:
            value = f"U={coulomb:g} J={exchange:g} on {_ORBITALS[round(shell)]} (LDAUTYPE={kind})"
        elif round(shell) != _usual_shell(element):
            value = f"{effective:g} on {_ORBITALS[round(shell)]}"
        # two blocks of one element may differ, as two sublattices do
        same = element not in found or found[element] == value
        found[element] = value if same else f"{found[element]} and {value}"
    return found


def _by_species(tags: Mapping[str, Any], name: str, default: float, species: Sequence[str]) -> list[float]:
    value = tags.get(name, [default] * len(species))
    if isinstance(value, Mapping):
        # as in the input sets of pymatgen; an element that is not named has no U
        return [float(value.get(element, -1 if name == "LDAUL" else 0)) for element in species]
    try:
        numbers = _numbers(value)
    except ValueError:
        raise InputError(f"{name} = {value!r} cannot be read; one number for each species is wanted") from None
    if len(numbers) != len(species):
        raise InputError(
            f"{name} = {value!r} has {len(numbers)} values for the species {', '.join(species) or '(none given)'}; "
            "pass the species in the order of the POSCAR, one for each value"
        )
    return numbers


def _usual_shell(element: str) -> int:
    from ase.data import atomic_numbers

    number = atomic_numbers[element]
    if 57 <= number <= 71 or 89 <= number <= 103:
        return 3
    return 2 if any(first <= number <= last for first, last in ((21, 30), (39, 48), (72, 80), (104, 112))) else 1


def _cutoff(tags: Mapping[str, Any], species: Sequence[str]) -> float | str:
    for name in ("ENCUT", "ENMAX"):
        if name in tags:
            return _number(tags, name, 0.0)
    if not species:
        raise InputError("ENCUT is not set, so that the cutoff follows from the species; pass them, or ENMAX as used")
    # the default differs between a site and a gas molecule, as H asks for less than C, N and O do
    return f"largest ENMAX of {', '.join(sorted(set(species)))}"


def _solvent(tags: Mapping[str, Any]) -> str:
    if not _flag(tags, "LSOL"):
        return "none"
    tables = _tables()
    defaults = tables["solvent_defaults"]
    constant = _number(tags, "EB_K", defaults["EB_K"])
    water = "water " if _same(constant, defaults["EB_K"]) else ""
    further = [name for name in ("TAU", *tables["solvent_further"]) if name in tags]
    values = [" " + _spelled(name, tags[name]) for name in further if not _same(tags[name], defaults.get(name))]
    return f"VASPsol {water}eps={constant:g}{''.join(values)}"


def _charge_model(tags: Mapping[str, Any], electrons: float | None) -> str:
    if "NELECT" not in tags or (electrons is not None and abs(_number(tags, "NELECT", 0.0) - electrons) < 1e-6):
        return "neutral"
    return "background with monopole correction" if _flag(tags, "LMONO") else "background"


def _dipole(tags: Mapping[str, Any]) -> str:
    direction = _whole(tags, "IDIPOL", 0)
    if direction not in _DIRECTIONS:
        return "without direction" if _flag(tags, "LDIPOL") else "none"
    return _DIRECTIONS[direction] + ("" if _flag(tags, "LDIPOL") else " (energy only)")


def _precision(tags: Mapping[str, Any]) -> str:
    levels = {"L": "Low", "M": "Medium", "H": "High", "N": "Normal", "A": "Accurate", "S": "Single"}
    level = levels.get(str(tags.get("PREC", "Normal"))[:1].upper(), str(tags.get("PREC")))
    words = [level]
    for name, default in _tables()["precision"].items():
        value = tags.get(name, default)
        if not _same(value, default):
            # VASP reads the first letter of LREAL = Auto
            words.append(_spelled(name, value[0].upper() if name == "LREAL" and isinstance(value, str) else value))
    return ", ".join(words)
