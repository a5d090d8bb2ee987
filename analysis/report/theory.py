"""Theory: a level of theory in sentences, with every setting that fixes its energies and what is cited for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from atomsieve.analysis.report.bibliography import Citations
from atomsieve.analysis.report.practice import Theory
from atomsieve.analysis.report.prose import listed, number
from atomsieve.structures.adsorbate import load_yaml
from atomsieve.structures.hubbard import hubbard_tables

#: The form of U that is calculated here, and VASPsol.
DUDAREV: Final = "doi 10.1103/PhysRevB.57.1505"
VASPSOL: Final = "doi 10.1063/1.4865107"
PAW: Final = "doi 10.1103/PhysRevB.59.1758"
#: Letters of the checksum of weights that are printed.
LETTERS: Final = 12

#: How a setting is said in a sentence that begins with the calculator; those that need more are said below.
_CLAUSES: Final[Mapping[str, Callable[[Any], str]]] = {
    "cutoff": lambda v: f"a plane-wave cutoff of {number(v)} eV",
    "density_cutoff": lambda v: f"a cutoff of {number(v)} eV for the density",
    "relative_cutoff": lambda v: f"a relative cutoff of {number(v)} Ry",
    "grid_spacing": lambda v: f"a real-space grid with a spacing of {number(v)} Å",
    "vacuum": lambda v: f"at least {number(v)} Å of vacuum around molecules",
    "precision": lambda v: f"the precision {v!r}".replace("'", "“", 1).replace("'", "”", 1),
    "electronic_threshold": lambda v: f"an electronic convergence threshold of {number(v)} eV",
    "density_threshold": lambda v: f"a threshold of {number(v)} electrons for the density",
    "scf_threshold": lambda v: f"a threshold of {number(v)} for the density matrix",
    "electronic_temperature": lambda v: f"an electronic temperature of {number(v)} K",
    "spin_polarization": lambda v: f"a spin-polarisation energy scaled by {number(v)}",
    "accuracy": lambda v: f"a numerical accuracy of {number(v)}",
    "dtype": lambda v: f"{v} arithmetic",
    "head": lambda v: f"the head {v}" if v else "",
    "task": lambda v: f"the task {v}",
}
#: What the sentences below say, or what goes without saying.
_SAID: Final = frozenset(
    {
        "functional", "dispersion", "u", "pseudopotentials", "pseudopotential_set", "basis", "kpoints", "smearing",
        "smearing_width", "solvent", "charge_model", "spin_polarised", "relativity", "dipole", "checkpoint", "model",
        "aspherical", "total_spin", "VDW_SR", "VDW_S8", "VDW_A1", "VDW_A2",
    }
)  # fmt: skip
_KINDS: Final = {
    "mock": "the calculator",
    "semiempirical": "the semiempirical tight-binding method",
    "potential": "the machine-learned interatomic potential",
    "dft": "density functional theory as implemented in",
}


@cache
def _sources(kind: str) -> dict[str, str]:
    """Return the DOI of each functional, or each dispersion correction, by name."""
    table = load_yaml("vasp_tags.yaml")[kind]
    entries = table.values() if isinstance(table, dict) else table
    return {str(entry["name"]): f"doi {entry['doi']}" for entry in entries if "doi" in entry}


def cited(theory: Theory, cite: Citations) -> str:
    """Return what a sentence calls a calculator, with its reference: ``GFN1-xTB [@grimme2017]``."""
    return f"{theory.title}{cite.known(theory.source)}"


def sentences(
    theory: Theory, elements: Sequence[str], cite: Citations, what: str = "Energies and forces"
) -> Iterator[str]:
    """Yield what is said of a level of theory.

    Parameters
    ----------
    theory : Theory
        The level.
    elements : sequence of str
        Chemical symbols of all atoms.
    cite : Citations
        Takes up what is cited.
    what : str
        What it gives.
    """
    physics = theory.physics
    how = f"{_KINDS[theory.tier]} {cited(theory, cite)}"
    functional = str(physics.get("functional", "none"))
    if theory.tier == "dft" and functional != "none":
        how += f" with the {functional} functional{cite.known(_sources('functionals').get(functional, ''))}"
        how += _dispersion(str(physics.get("dispersion", "none")), functional, cite)
    yield f"{what} were calculated with {how}"
    if theory.name == "mock":
        yield "This calculator is a pair potential that is shaped like chemistry: its numbers mean nothing"
    elif theory.tier != "dft":
        yield f"The numbers of {theory.title} rank candidates for a dearer method, and do not predict"
    if "checkpoint" in physics:
        named = f"the weights {physics['model']}" if physics.get("model") else "weights"
        trained = f", trained on energies of {functional}" if functional != "none" else ""
        yield f"It used {named} (SHA-256 {str(physics['checkpoint'])[:LETTERS]}…){trained}"
    clauses = [*_basis(theory, elements, cite)]
    clauses += [text for tag, clause in _CLAUSES.items() if tag in physics and (text := clause(physics[tag]))]
    if clauses:
        yield f"These calculations used {listed(clauses)}"
    yield from _electrons(theory, elements, cite)
    # what fixes the physics is never kept quiet
    rest = [f"{tag} = {value}" for tag, value in physics.items() if tag not in _SAID and tag not in _CLAUSES]
    if rest:
        yield f"Further settings were {listed(rest)}"


def _dispersion(name: str, functional: str, cite: Citations) -> str:
    if name == "none":
        return "" if "vdW" in functional else " without a dispersion correction"
    sources = [_sources("dispersion").get(name, "")]
    if name == "D3(BJ)":
        # the damping is another paper than the correction
        sources.insert(0, _sources("dispersion").get("D3(zero)", ""))
    mark = cite(*(source for source in sources if source)) if any(sources) else ""
    return f" and the {name} dispersion correction{mark}"


def _basis(theory: Theory, elements: Sequence[str], cite: Citations) -> Iterator[str]:
    physics = theory.physics
    potentials = physics.get("pseudopotentials")
    if isinstance(potentials, Mapping):
        own = [f"{element}: {potentials[element]}" for element in elements if element in potentials]
        kind = (
            f"the projector augmented-wave potentials of VASP{cite(PAW)}"
            if theory.name == "vasp"
            else "the pseudopotentials"
        )
        yield f"{kind} ({'; '.join(own)})" if own else kind
    elif "pseudopotential_set" in physics:
        yield f"the potentials of the set {physics['pseudopotential_set']}"
    if "basis" in physics:
        basis = physics["basis"]
        yield "wave functions on the grid itself" if basis == "grid" else f"the {basis} basis of atomic orbitals"


def _electrons(theory: Theory, elements: Sequence[str], cite: Citations) -> Iterator[str]:
    """Yield what is said of k-points, smearing, U, solvent, charge and dipole."""
    physics = theory.physics
    if "kpoints" in physics:
        points = physics["kpoints"]
        if points == "Γ":
            yield "The Brillouin zone was sampled at Γ alone"
        elif isinstance(points, int | float):
            yield f"The Brillouin zone was sampled on Γ-centred meshes with points at most {number(points)} Å⁻¹ apart"
        else:
            yield f"The Brillouin zone was sampled with k-points {points}"
    smearing = physics.get("smearing", "none")
    if smearing != "none" and "smearing_width" in physics:
        yield f"Occupations were smeared ({smearing}) by {number(physics['smearing_width'])} eV"
    if theory.tier == "dft" and "spin_polarised" in physics:
        is_polarised = physics["spin_polarised"]
        held = ", with the total moment held" if physics.get("total_spin") == "held" else ""
        yield f"The calculations were {'spin-polarised' if is_polarised else 'not spin-polarised'}{held}"
    yield from _hubbard(physics.get("u"), elements, cite)
    solvent = physics.get("solvent", "none")
    if solvent != "none":
        yield f"The solvent was implicit ({solvent}){cite(VASPSOL) if 'VASPsol' in str(solvent) else ''}"
    if physics.get("dipole", "none") != "none":
        yield f"For sheets the dipole along {physics['dipole']} was corrected for"
    damping = [f"{tag[4:].lower()} = {number(physics[tag])}" for tag in sorted(physics) if tag.startswith("VDW_")]
    if damping:
        yield f"The damping of the dispersion correction had {listed(damping)}"
    if physics.get("charge_model") == "background":
        yield "Charged cells were neutralised by a homogeneous background"


def _hubbard(u: Any, elements: Sequence[str], cite: Citations) -> Iterator[str]:
    if not isinstance(u, Mapping):
        return
    own = [f"{element} {number(u[element])} eV" for element in elements if u.get(element)]
    if not own:
        return
    table = next((table for table in hubbard_tables().values() if dict(table.values) == dict(u)), None)
    origin = f", from the table “{table.title}”{cite(table.source)}" if table is not None else ""
    yield f"A Hubbard U in the form of Dudarev{cite(DUDAREV)} was added for {listed(own)}{origin}"
