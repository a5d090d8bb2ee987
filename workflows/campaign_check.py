"""Check of a campaign: what is wrong with it beyond what its file says by itself."""

from __future__ import annotations

from collections.abc import Iterator

from atomsieve.builders import catalog
from atomsieve.builders.axial import LIGANDS
from atomsieve.structures.adsorbate import adsorbates
from atomsieve.structures.campaign import Campaign
from atomsieve.structures.errors import CampaignError, InputError, Problem, unknown
from atomsieve.structures.gas_correction import gas_corrections
from atomsieve.structures.section import MethodSection, PrerelaxationSection
from atomsieve.structures.stage_section import StageSection
from atomsieve.workflows.calculators import CALCULATORS, calculator, no_calculator
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.entry import CalculatorEntry
from atomsieve.workflows.folder import Folder

#: A calculator that knows so many elements knows every one that a builder uses.
KNOWS_ALL = 86
#: The sections of a campaign file that name a method.
METHODS = ("method", "prerelaxation", "single_point")


def check(campaign: Campaign, source: str, folder: Folder) -> CheckedCampaign:
    """Check a campaign against the families of sites and the calculators.

    Parameters
    ----------
    campaign : Campaign
        As read.
    source : str
        The file's name, for messages.
    folder : Folder
        Where results lie unless the file says otherwise.

    Raises
    ------
    CampaignError
        With every entry that is wrong.
    """
    problems = [
        Problem(f"sites[{index}]" + (f".{problem.path}" if problem.path else ""), problem.message)
        for index, entry in enumerate(campaign.sites)
        for problem in catalog.check(entry)
    ]
    clean = not problems
    both = [name for name in LIGANDS if name in adsorbates()]
    problems += [
        Problem(f"resting[{index}]", unknown(name, both, "ligand that is an adsorbate as well"))
        for index, name in enumerate(campaign.resting)
        if name not in both
    ]
    for path, section, own in _methods(campaign):
        problems += _method_problems(own, path, section, with_elements=clean)
    problems += _electronic_problems(campaign)
    if problems:
        # stages share their sites, and what is wrong with these
        raise CampaignError(source, dict.fromkeys(problems))
    return CheckedCampaign(campaign, source, folder)


def _methods(campaign: Campaign) -> Iterator[tuple[str, MethodSection | PrerelaxationSection, Campaign]]:
    """Yield each section that names a method, with its path, and the campaign or the stage that it belongs to."""
    places: list[tuple[str, Campaign | StageSection, Campaign]] = [("", campaign, campaign)]
    for index, stage in enumerate(campaign.stages):
        places.append((f"stages[{index}].", stage, campaign.at_stage(stage)))
    for path, place, own in places:
        for name in METHODS:
            section = getattr(place, name)
            if section is not None:
                yield f"{path}{name}", section, own


def _electronic_problems(campaign: Campaign) -> Iterator[Problem]:
    """Yield where electronic structure is asked of a calculator that knows nothing of it."""
    able = ", ".join(sorted(name for name, entry in CALCULATORS.own.items() if entry.gives))
    stages = [(f"stages[{index}].", campaign.at_stage(stage)) for index, stage in enumerate(campaign.stages)]
    for path, own in stages or [("", campaign)]:
        section = own.single_point or own.method
        if section is None or section.calculator not in CALCULATORS or not own.descriptors.electronic:
            continue
        if not calculator(section.calculator).gives:
            text = (
                f"true, but {section.calculator} knows neither charges nor moments nor levels; set it to false"
                f"{' for this stage' if path else ''}, or take a method that does, if only as single_point: {able}"
            )
            yield Problem(f"{path}descriptors.electronic", text)


def lacks(campaign: Campaign) -> list[Problem]:
    """Return what this machine lacks to calculate for a campaign, and the command that mends it."""
    found = []
    for path, section, _ in _methods(campaign):
        if missing := calculator(section.calculator).requirement.missing():
            name, mend = section.calculator, calculator(section.calculator).requirement.mend
            text = f"{name} cannot calculate on this machine, which has no {', no '.join(missing)}; to mend it: {mend}"
            found.append(Problem(f"{path}.calculator", text))
    return found


def _method_problems(
    campaign: Campaign, path: str, section: MethodSection | PrerelaxationSection, *, with_elements: bool
) -> list[Problem]:
    """Return what is wrong with a section that names a method."""
    if section.calculator not in CALCULATORS:
        return [Problem(f"{path}.calculator", no_calculator(section.calculator))]
    entry = calculator(section.calculator)
    problems = [
        Problem(f"{path}.settings.{problem.path}", problem.message) for problem in entry.problems(section.settings)
    ]
    if problems:
        return problems
    method = entry.method(section.settings)
    mended = gas_corrections().get(campaign.thermochemistry.gas_corrections)
    # the energies of rows are those of a single point where there is one, and never those of a pre-relaxation
    own = campaign.single_point or campaign.method
    if mended is not None and own is not None and section == own:
        try:
            mended.values(method.to_dict())
        except InputError as error:
            problems.append(Problem("thermochemistry.gas_corrections", str(error)))
    solvent = method.physics.get("solvent", "none")
    if solvent != "none" and campaign.thermochemistry.solvation == "table":
        text = f"'table' comes on top of solvent {solvent!r} of {entry.name}; keep one of the two"
        problems.append(Problem("thermochemistry.solvation", text))
    return [*problems, *(_unknown_elements(campaign, entry) if with_elements else ())]


def _unknown_elements(campaign: Campaign, entry: CalculatorEntry) -> Iterator[Problem]:
    """Yield each element of each entry that the calculator does not know."""
    if len(entry.elements) >= KNOWS_ALL:
        return
    known = ", ".join(sorted(entry.elements))
    for index, site in enumerate(campaign.sites):
        formula = catalog.families()[site["family"]].formula
        missing = sorted({e for recipe in catalog.recipes(site) for e in formula(recipe)} - entry.elements)
        metals = site.get("metals", [])
        listed = isinstance(metals, list)
        for element in missing:
            where = f"sites[{index}]"
            if listed and element in metals:
                where += f".metals[{metals.index(element)}]"
            elif element == metals:
                where += ".metals"
            yield Problem(where, f"{entry.name} does not know {element!r}; it knows {known}")
