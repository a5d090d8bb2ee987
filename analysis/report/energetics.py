"""Energetics: how free energies, potentials and stabilities came about, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from atomsieve.analysis.bulk import SCHEMES
from atomsieve.analysis.report.bibliography import Citations
from atomsieve.analysis.report.practice import Practice, Treatment
from atomsieve.analysis.report.prose import listed, number
from atomsieve.analysis.surroundings import surroundings
from atomsieve.structures.correction import TREATMENTS, correction_tables
from atomsieve.structures.gas_correction import gas_corrections
from atomsieve.structures.molecule import molecule
from atomsieve.structures.reaction import reaction

#: The computational hydrogen electrode.
ELECTRODE: Final = "doi 10.1021/jp047349j"
#: Of the absolute potential of the standard hydrogen electrode; of modes that are raised; of the vapour pressure of
#: water; of dissolved metals; of bulk metals.
ABSOLUTE: Final = "doi 10.1351/pac198658070955"
RAISED: Final = "doi 10.1021/jp205508z"
VAPOUR: Final = "doi 10.1063/1.1461829"
DISSOLVED: Final = ("doi 10.1016/0098-3004(92)90029-Q", "doi 10.1063/1.555839")
EQUATION: Final = "doi 10.1103/PhysRev.71.809"
COHESION: Final = "Introduction to Solid State Physics"
MIXED: Final = "doi 10.1038/s41598-021-94550-5"
#: A term of a table, in a sentence.
_TERMS: Final = {"correction": "", "zpe": "ZPE ", "thermal": "∫Cp dT ", "entropy": "−TS ", "solvation": ""}


def free_energies(done: Practice, cite: Citations) -> Iterator[str]:
    """Yield how electronic energies became free energies; stages that agree are told once."""
    if not done.adsorbates:
        return
    gases = listed(done.references)
    yield (
        "Adsorption energies are ΔE = E(A*) − E(*) − Σ n E(gas) against "
        f"{gases or 'molecules'}, calculated by the same method; O2 is never calculated, but follows from water"
        f"{cite(ELECTRODE)}"
    )
    told: dict[tuple[Any, ...], list[Treatment]] = {}
    for one in done.treatments:
        told.setdefault(
            (one.corrections, one.solvation, one.gas_corrections, one.gases, str(one.vibrations)), []
        ).append(one)
    for same in told.values():
        where = (
            f"In stage{'s' if len(same) > 1 else ''} {listed(str(one.name) for one in same)}, " if len(told) > 1 else ""
        )
        for text in _treated(done, same[0], cite):
            yield f"{where}{text[0].lower()}{text[1:]}" if where else text


def _treated(done: Practice, one: Treatment, cite: Citations) -> Iterator[str]:
    temperature = number(float(done.conditions.get("temperature", 298.15)))
    table = correction_tables().get(one.corrections)
    if one.vibrations is not None:
        moved = " and of the metals" if one.vibrations["metal"] else ""
        yield (
            f"Free energies at {temperature} K take zero-point energies, heat capacities and entropies from harmonic "
            f"vibrations of the adsorbate{moved}, by central differences with displacements of "
            f"{number(one.vibrations['displacement'])} Å; gases are ideal, at 1 bar, but water at its vapour pressure"
            f"{cite(VAPOUR)}"
        )
        if one.corrections == "quasi-harmonic":
            usual = cite(RAISED) if one.vibrations["floor"] == TREATMENTS["quasi-harmonic"] else ""
            yield f"Modes below {number(one.vibrations['floor'])} cm⁻¹ were raised to it{usual}"
        if one.vibrations["follow"]:
            yield "Where a mode was imaginary, the geometry was relaxed again along it"
    elif table is None:
        yield "No zero-point, thermal or entropic terms were added: the free energies are electronic energies"
    else:
        own = [f"{name}* {_terms(table.adsorbates[name])}" for name in done.adsorbates if name in table.adsorbates]
        sources = dict.fromkeys(
            str(table.adsorbates[name]["source"]) for name in done.adsorbates if name in table.adsorbates
        )
        what = (
            "corrections ΔG − ΔE, the gases' terms inside"
            if table.convention == "reaction"
            else "terms of the adsorbates"
        )
        yield (
            f"Free energies at {temperature} K add tabulated {what} ({table.title}): {'; '.join(own)} (eV)"
            f"{cite(*sources) if sources else ''}"
        )
        if table.convention == "adsorbate":
            terms = [molecule(name).source for name in done.references if molecule(name).thermal]
            yield f"The terms of the gases are tabulated as well{cite(*dict.fromkeys(terms)) if terms else ''}"
        lost = [f"{name}*" for name in done.adsorbates if name not in table.adsorbates]
        if lost:
            yield f"The table holds nothing of {listed(lost)}, whose energies are electronic ones"
    if one.solvation == "table" and table is not None:
        rows = {name: table.solvation[name] for name in done.adsorbates if name in table.solvation}
        own = [f"{name}* {number(float(row['solvation']))}" for name, row in rows.items()]
        sources = dict.fromkeys(str(row["source"]) for row in rows.values())
        yield f"Tabulated solvation energies were added: {'; '.join(own)} (eV){cite(*sources) if sources else ''}"
    elif str(one.energies.physics.get("solvent", "none")) == "none":
        yield "Solvation was not treated"
    if (mended := gas_corrections().get(one.gas_corrections)) is not None:
        values = mended.functionals.get(str(one.energies.physics.get("functional", "none")), {})
        own = [f"{name} {number(value, '+g')} eV" for name, value in values.items()]
        yield f"Known errors of the functional for gases were corrected for: {listed(own)}{cite(mended.source)}"
    yield from _molecules(done, one, cite)


def _terms(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{word}{number(float(row[term]))}" for term, word in _TERMS.items() if term in row)


def _molecules(done: Practice, one: Treatment, cite: Citations) -> Iterator[str]:
    if not done.reactions:
        return
    chains = [reaction(name) for name in done.reactions]
    names = dict.fromkeys(name for wanted in chains for state in (wanted.start, wanted.end) for name in state.free)
    phases = done.conditions.get("phases", {})
    used = [molecule(name).phases[phases.get(name, molecule(name).phase)] for name in names]
    mark = cite.known(*(phase.source for phase in used))
    if one.gases == "computed":
        yield f"Reactants and products were calculated as the sites were, and held against measured free energies{mark}"
    else:
        yield f"Reactants and products have their measured free energies of formation{mark}"


def electrode(done: Practice, cite: Citations) -> Iterator[str]:
    """Yield how potentials and the pH came in, and what a limiting potential is."""
    stated = done.conditions
    yield (
        "Proton–electron pairs were treated with the computational hydrogen electrode"
        f"{cite(ELECTRODE)}: their chemical potential is that of ½ H2 at 0 V vs RHE, and shifts by −eU"
    )
    if done.reactions:
        kinds = {reaction(name).is_reduction for name in done.reactions}
        formulas = [
            *(["U_L = −max ΔG/e for reductions"] if True in kinds else []),
            *(["U_L = max ΔG/e for oxidations"] if False in kinds else []),
        ]
        yield (
            f"At the limiting potential every proton–electron step is downhill, {listed(formulas)}, along the "
            "cheapest path; the overpotential is its distance from the equilibrium potential"
        )
        yield (
            "Steps within 0.05 eV of the worst count as potential-determining, and a path that lacks a bound "
            "intermediate is undetermined"
        )
    scale, ph = str(stated.get("scale", "RHE")), float(stated.get("pH", 0.0))
    potential, temperature = float(stated.get("potential", 0.0)), float(stated.get("temperature", 298.15))
    name = {"RHE": "RHE", "SHE": "SHE", "absolute": "the vacuum"}.get(scale, scale)
    against = f"U = {number(potential)} V vs {name}"
    if scale != "RHE":
        against += f", {number(surroundings(stated).potential, '.2f')} V vs RHE"
    zero = (
        f" (the standard hydrogen electrode at {number(float(stated['she']))} V{cite(ABSOLUTE)})"
        if "she" in stated
        else ""
    )
    yield f"Conditions were pH {number(ph)}, {number(temperature)} K and {against}{zero}"
    for field, unit, what in (("pressures", " bar", "Pressures"), ("activities", "", "Activities")):
        if stated.get(field):
            own = [f"{species} {number(float(value))}{unit}" for species, value in stated[field].items()]
            yield f"{what} other than 1{unit} were {listed(own)}"
    if stated.get("phases"):
        words = {"g": "a gas", "aq": "dissolved", "l": "a liquid"}
        yield f"Phases as stated: {listed(f'{species} {words[phase]}' for species, phase in stated['phases'].items())}"
    if done.error_bars:
        own = [f"±{number(value)} V ({source})" for value, source in done.error_bars]
        yield f"Error bars of limiting potentials are {listed(own)}"


def stability(done: Practice, cite: Citations) -> Iterator[str]:
    """Yield from what the stability of sites was told."""
    found = next((one.stability for one in reversed(done.treatments) if one.stability is not None), None)
    if found is None:
        return
    yield (
        "The stability of sites was told from the formation energy E_f = E(site) − E(vacant) − E(bulk metal) and the "
        "dissolution potential U_diss = U°(Mᶻ⁺/M) − E_f/(ze), with the most stable dissolved species at the pH and a "
        f"metal activity of {number(float(found['activity']))} mol/kg{cite(*DISSOLVED)}"
    )
    schemes: dict[str, list[str]] = {}
    for metal, scheme in found["schemes"].items():
        schemes.setdefault(scheme, []).append(metal)
    marks = {"bulk": EQUATION, "cohesive": COHESION, "mixed": MIXED}
    for scheme, metals in schemes.items():
        if scheme in SCHEMES:
            yield f"Bulk energies of {listed(metals)} come from the {SCHEMES[scheme]}{cite(marks[scheme])}"
        else:
            yield f"No energy of bulk {listed(metals)} is known: {scheme}"
    also = {
        "demetallation": "demetallation in acid (from the site with hydrogen in the metal's place)",
        "aggregation": "aggregation (from the site with a second metal atom)",
    }
    asked = [text for name, text in also.items() if found[name]]
    if asked:
        yield f"Also considered: {listed(asked)}"
    if found["ligands"]:
        own = [f"{name} ({number(float(amount))})" for name, amount in found["ligands"].items()]
        yield f"Ligands that may cover the metal, with their pressures (bar) or activities (mol/kg), were {listed(own)}"


def probe(done: Practice) -> Iterator[str]:
    """Yield how the stretch of carbon monoxide was told."""
    if done.probed:
        yield (
            "The C–O stretch of carbon monoxide on a site is the measured fundamental of the gas, shifted by the "
            "difference of the harmonic wavenumbers that were calculated on the site and of the gas"
        )
