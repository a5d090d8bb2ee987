"""AdsorptionEnergy from finished calculations: the lowest usable states, and every term by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from atomsieve.analysis.gases import correction_terms, tabulated_terms
from atomsieve.analysis.refinement import imaginary_modes, modes_of, points_of, vibrational_terms, why_not
from atomsieve.analysis.spin import SpinOutcome, distinct_states
from atomsieve.analysis.thermochemistry import SYMBOLS
from atomsieve.structures.adsorbate import OF_LATTICE
from atomsieve.structures.adsorbate import adsorbate as adsorbate_named
from atomsieve.structures.correction import CorrectionTable, correction_tables
from atomsieve.structures.energies import AdsorptionEnergy, SiteLabel, Term
from atomsieve.structures.errors import InputError, unknown
from atomsieve.structures.gate import Participant, require_combinable
from atomsieve.structures.judgement import USABLE, Verdict
from atomsieve.structures.molecule import reference_amounts
from atomsieve.structures.reference import lowest, lowest_adsorbed
from atomsieve.structures.units import require_room_temperature
from atomsieve.structures.vibrations import Vibrations

#: What a policy may say under ``solvation``.
SOLVATIONS = ("none", "table")
#: Roles of states of a site, which share its cell.
SITES = frozenset({"clean", "adsorbed", "vacant", "hydrogenated", "stacked"})
#: eV below which a rejected state is not worth a remark.
REMARK = 0.005

_SYMBOLS = {**SYMBOLS, "solvation": "solvation", "correction": "ΔG-ΔE"}


def adsorption_energy(
    *,
    site: SiteLabel,
    adsorbate: str,
    method: Mapping[str, Any],
    policy: Mapping[str, Any],
    clean: Sequence[Mapping[str, Any]],
    adsorbed: Sequence[Mapping[str, Any]],
    gases: Mapping[str, Mapping[str, Any]],
    energies: Mapping[str, Mapping[str, Any]] | None = None,
    vibrations: Mapping[str, Vibrations] | None = None,
) -> AdsorptionEnergy:
    """Return ΔG of an adsorbate from the lowest usable states, or the reason why there is none.

    ΔE = E(A*) - E(*) - Σ n E(gas), with H from 1/2 H2, O from H2O - H2 (doi 10.1021/jp047349j), C from CO2 - 2 H2O +
    2 H2 and N from 1/2 N2. A correction table
    of the convention ``reaction`` adds ΔG - ΔE and nothing else; one of the convention ``adsorbate`` adds the terms of
    A* and takes off those of the gases, which are tabulated with the molecules. Gas corrections mend the errors of a
    functional for the gases, whatever else is added.

    Parameters
    ----------
    site : SiteLabel
        The site.
    adsorbate : str
        Its name, without the star.
    method : mapping
        The method of the row, as ``Method.to_dict`` gives it.
    policy : mapping
        ``corrections`` (a table's name or ``none``), ``solvation`` (``none`` or ``table``), ``temperature`` (K), where
        there are any ``gas_corrections`` (a table's name), and whatever else was tried.
    clean, adsorbed : sequence of mapping
        References as :func:`~atomsieve.structures.reference.reference` gives them (energies in eV), each with an
        optional ``method``, which is then held against those of the row and the others, and with ``elements`` and
        ``cell`` where they are known.
    gases : mapping of str to mapping
        References of the molecules, by name.
    energies : mapping of str to mapping, optional
        References of single points by the keys of the states at whose geometry they were made; where given, all
        electronic terms come from them.
    vibrations : mapping of str to Vibrations, optional
        By the keys of the states that vibrate; where given, all thermal terms come from them.

    Returns
    -------
    AdsorptionEnergy
        Without terms where a clean site, a gas or a bound state is missing.

    Raises
    ------
    InputError
        If the policy names an unknown table, a table without the adsorbate, or a temperature that no table holds at.
    MethodMismatchError
        If the energies come from methods that cannot be combined.
    """
    # H2O before H2, as the reaction is written
    amounts = dict(sorted(reference_amounts(adsorbate_named(adsorbate).composition).items(), reverse=True))
    thermal = _thermal_terms(adsorbate, amounts, policy) if vibrations is None else []
    mended = correction_terms(amounts, method, policy)
    dropped = [entry for entry in adsorbed if entry["status"] == "dropped"]
    adsorbed = [entry for entry in adsorbed if entry["status"] != "dropped"]
    tried: dict[str, Sequence[Mapping[str, Any]]] = {"clean": clean, "adsorbed": adsorbed}
    tried |= {gas: [gases[gas]] if gas in gases else [] for gas in amounts}
    warnings = gated(policy.get("geometry_method", method), tried)
    if energies is not None:
        at_states = {role: [energies[e["key"]] for e in found if e["key"] in energies] for role, found in tried.items()}
        warnings = tuple(dict.fromkeys([*warnings, *gated(method, at_states)]))
    chosen = {role: lowest(entries) for role, entries in tried.items() if role != "adsorbed"}
    # only what was placed on the clean state that is subtracted belongs to it
    parent = chosen["clean"]["key"] if chosen["clean"] is not None else None
    chosen["adsorbed"] = lowest_adsorbed(adsorbed, parent)
    states = {role: entry for role, entry in chosen.items() if entry is not None}
    points = states if energies is None else points_of(states, energies)
    modes = None if vibrations is None else modes_of(states, vibrations, _still(adsorbate, policy))

    if len(points) == len(tried) and (modes is None or len(modes) == len(tried)):
        if modes is not None:
            thermal = vibrational_terms(adsorbate, amounts, modes, policy)
            warnings = (*warnings, *imaginary_modes(adsorbate, modes))
        terms = (*_electronic_terms(adsorbate, amounts, points), *thermal, *mended)
        verdict = str(Verdict.BOUND)
        reason = "; ".join([str(states["adsorbed"]["reason"]), *_lower_states(states["adsorbed"], adsorbed)])
    else:
        terms = ()
        whys = [(role, *why_unusable(tried[role])) for role in tried if role not in states]
        missing = {"single point": points, "vibrations": states if modes is None else modes}
        whys += [
            (role, str(Verdict.NOT_CONVERGED), f"{what}: {why_not(state, what, energies)}")
            for what, found in missing.items()
            for role, state in states.items()
            if role not in found
        ]
        if "clean" in states and not adsorbed:
            whys = [
                ("adsorbed", str(Verdict.NOT_PLACED), _nowhere(site, adsorbate)),
                *(why for why in whys if why[0] != "adsorbed"),
            ]
        verdict = str(whys[0][1])
        names = {"clean": "clean site: ", "adsorbed": ""}
        reason = "; ".join(names.get(role, f"{role}: ") + text for role, _, text in whys)
    return AdsorptionEnergy(
        site=site,
        adsorbate=adsorbate,
        method=method,
        policy=policy,
        terms=terms,
        verdict=verdict,
        reason=reason,
        calculations={role: str(entry["key"]) for role, entry in states.items()}
        | {f"energy of {role}": str(points[role]["key"]) for role in points if points is not states}
        | {f"vibrations of {role}": found.key for role, found in (modes or {}).items() if found is not None},
        considered=tuple(
            considered(role, entry) for role, entries in {**tried, "pre-relaxed": dropped}.items() for entry in entries
        ),
        multiplicity={role: states[role]["multiplicity"] for role in ("clean", "adsorbed") if role in states},
        spin_states={role: count for role in ("clean", "adsorbed") if (count := _spin_states(tried[role])) is not None},
        warnings=warnings,
    )


def with_electronic(row: AdsorptionEnergy, found: Mapping[str, Any] | None) -> AdsorptionEnergy:
    """Return a row that names the calculation of the electronic structure of its clean site.

    Parameters
    ----------
    row : AdsorptionEnergy
        The row; its energies stay as they are.
    found : mapping or None
        Reference of that calculation; None where there is none.
    """
    if found is None:
        return row
    calculations = dict(row.calculations)
    if found["status"] == "done":
        calculations["electronic of clean"] = str(found["key"])
    return replace(row, calculations=calculations, considered=(*row.considered, considered("electronic", found)))


def considered(role: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a record keeps of a calculation that was tried."""
    fields = ("key", "status", "verdict", "reason", "energy", "multiplicity")
    return {"role": role, **{name: entry[name] for name in fields}}


def gated(method: Mapping[str, Any], tried: Mapping[str, Iterable[Mapping[str, Any]]]) -> tuple[str, ...]:
    """Hold the methods of all energies against each other and that of the row; return what they leave as warnings."""
    energies = [
        Participant(
            name=f"{role} {str(entry['key'])[:8]}",
            method=entry["method"],
            elements=frozenset(entry["elements"]) if entry.get("elements") else None,
            role="site" if role in SITES else "gas",
            cell=entry.get("cell"),
        )
        for role, entries in tried.items()
        for entry in entries
        if entry.get("method") is not None and entry["energy"] is not None
    ]
    return require_combinable([Participant("the row", method), *energies])


def _spin_states(entries: Iterable[Mapping[str, Any]]) -> int | None:
    """Return how many different spin states may be used, None where the method knows none.

    Poses differ in energy whatever their spin, so that only multiplicities tell their states apart; states of one
    multiplicity (broken symmetry) are different where their energies are.
    """
    usable = [entry for entry in entries if entry["status"] == "done" and entry["verdict"] in USABLE]
    if any(entry["multiplicity"] is None for entry in usable):
        return None
    if any(entry.get("subject", {}).get("adsorbate") for entry in usable):
        return len({entry["multiplicity"] for entry in usable})
    return len(distinct_states([SpinOutcome(entry["energy"], entry["multiplicity"]) for entry in usable]))


def _finished(entries: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return what has an energy, the lowest first; the key decides between equal ones, so that all runs agree."""
    done = [entry for entry in entries if entry["status"] == "done"]
    return sorted(done, key=lambda entry: (entry["energy"], entry["key"]))


def why_unusable(entries: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Return the most telling verdict of states that cannot be used, and its clause."""
    if not entries:
        return Verdict.NOT_CONVERGED, "not calculated"
    telling = next(iter(_finished(entries)), entries[0])
    verdict, number = str(telling["verdict"]), len(entries)
    if number == 1:
        return verdict, str(telling["reason"])
    counts = Counter(str(entry["verdict"]) for entry in entries)
    first = "lowest" if telling["status"] == "done" else "first"
    if len(counts) == 1:
        return verdict, f"{verdict} in {number} of {number} relaxations; {first}: {telling['reason']}"
    mixture = ", ".join(f"{count} {name}" for name, count in counts.most_common())
    return verdict, f"no usable state in {number} relaxations ({mixture}); {first}: {verdict}, {telling['reason']}"


def _still(adsorbate: str, policy: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the roles of the states that have no atom that is displaced: the clean site, and what only lacks one."""
    if policy["vibrations"]["metal"]:
        return ()
    return ("clean",) if adsorbate_named(adsorbate).symbols else ("clean", "adsorbed")


def _nowhere(site: SiteLabel, adsorbate: str) -> str:
    """Say why an adsorbate has no pose on a site."""
    modes = adsorbate_named(adsorbate).modes
    if all(mode.name in OF_LATTICE for mode in modes):
        return "no oxygen of an oxide node at the metal (one that metals alone hold, and with room)"
    if all(mode.metals == 2 for mode in modes):
        one = len(site.metals) == 1
        lacks = "and the site has one" if one else "and no two of the relaxed clean site are open to the same side"
        return f"it takes two metals, {lacks}"
    return "no way to the metal is open on the relaxed clean site"


def _lower_states(state: Mapping[str, Any], entries: Iterable[Mapping[str, Any]]) -> list[str]:
    """Say which rejected state lies below the one that is used, as a dissociated OOH* often does."""
    first = _finished(entries)[0]
    below = float(state["energy"]) - float(first["energy"])
    return [f"{below:.2f} eV lower: {first['verdict']}, {first['reason']}"] if below > REMARK else []


def _electronic_terms(
    adsorbate: str, amounts: Mapping[str, float], states: Mapping[str, Mapping[str, Any]]
) -> Iterable[Term]:
    summands = [(f"E({adsorbate}*)", 1.0, "adsorbed"), ("-E(*)", -1.0, "clean")]
    summands += [(f"{-amount:+g} E({gas})", -amount, gas) for gas, amount in amounts.items()]
    for name, factor, role in summands:
        state = states[role]
        yield Term(name, "electronic", factor * float(state["energy"]), str(state["key"]))


def _thermal_terms(adsorbate: str, amounts: Mapping[str, float], policy: Mapping[str, Any]) -> list[Term]:
    solvation, temperature = policy["solvation"], float(policy["temperature"])
    if solvation not in SOLVATIONS:
        raise InputError(unknown(solvation, SOLVATIONS, "solvation"))
    require_room_temperature(temperature, "all tabulated free energies")
    table = _table(policy["corrections"])
    if table is None:
        if solvation != "none":
            raise InputError(
                "solvation 'table' takes its terms from a correction table, and corrections is 'none'; "
                f"choose one of {', '.join(correction_tables())}, or solvation 'none'"
            )
        return []
    terms = [
        Term(_term_name(kind, f"{adsorbate}*"), kind, value, source)
        for kind, value, source in table.terms(adsorbate, solvation=solvation == "table")
    ]
    if table.convention == "adsorbate":
        terms += tabulated_terms(amounts)
    return terms


def _table(name: str) -> CorrectionTable | None:
    if name == "none":
        return None
    if name not in correction_tables():
        raise InputError(unknown(name, [*correction_tables(), "none"], "correction table"))
    return correction_tables()[name]


def _term_name(kind: str, species: str) -> str:
    return f"{'-' if kind == 'entropy' else ''}{_SYMBOLS[kind]}({species})"
