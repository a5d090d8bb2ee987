"""Campaigns: a file, checked against everything that will read it, and the sites that it names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from atomsieve.analysis.database import Database
from atomsieve.builders import catalog
from atomsieve.builders.axial import LIGANDS
from atomsieve.builders.catalog import Parameter
from atomsieve.structures.adsorbate import adsorbates
from atomsieve.structures.campaign import Campaign, campaign_from_data, parse_campaign
from atomsieve.structures.errors import CampaignError, InputError, Problem, UnknownNameError, unknown
from atomsieve.structures.gas_correction import gas_corrections
from atomsieve.structures.section import MethodSection, PrerelaxationSection, StageSection
from atomsieve.workflows.calculators import CALCULATORS, calculator, no_calculator
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.entry import CalculatorEntry
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.ingest.collection import Collection, is_collection
from atomsieve.workflows.settings import Settings

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


def load(path: Path, settings: Settings) -> CheckedCampaign:
    """Read and check a campaign file.

    Results lie where the file says, relative to it, else in the settings' folder.

    Parameters
    ----------
    path : Path
        The file.
    settings : Settings
        Those of the machine; :func:`~atomsieve.workflows.settings.read_settings` reads them.

    Returns
    -------
    CheckedCampaign
        What can be planned and run.

    Raises
    ------
    InputError
        If there is no such file.
    CampaignError
        With every entry that is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError):
        raise InputError(f"there is no campaign file {path}; `atomsieve new NAME` writes one") from None
    except (UnicodeDecodeError, PermissionError) as error:
        raise InputError(f"{path} cannot be read: {error}") from None
    campaign = _beside(parse_campaign(text, str(path)), path.parent)
    stated = campaign.results.folder
    folder = Folder(path.parent / Path(stated).expanduser()) if stated is not None else Folder(settings.folder)
    return check(campaign, str(path), folder)


def _beside(campaign: Campaign, folder: Path) -> Campaign:
    """Return a campaign that holds the structures whose files its sites name, from the campaign file's folder.

    What the database keeps of a campaign then stands on its own, whatever becomes of the files. Files that a calculator
    reads are named by their full path.
    """

    def located(value: Any, parameter: Parameter) -> Any:
        if isinstance(value, list):
            return [located(entry, parameter) for entry in value]
        # a frame of a trajectory is told by what follows an @
        names = (value, value.rpartition("@")[0]) if isinstance(value, str) else ()
        if not any((folder / name).is_file() for name in names if name):
            return value
        try:
            (structure,) = parameter.parse(str((folder / value).absolute()))
        except InputError:
            return str((folder / value).absolute())  # what is wrong with it is said where all entries are checked
        return structure

    def method(section: Any) -> Any:
        if section is None or section.calculator not in CALCULATORS:
            return section
        known = calculator(section.calculator).settings
        stated = {
            name: str((folder / value).absolute())
            for name, value in section.settings.items()
            if name in known and known[name].is_path and isinstance(value, str) and (folder / value).is_file()
        }
        return section.model_copy(update={"settings": {**section.settings, **stated}})

    sites = []
    for site in campaign.sites:
        family = catalog.families().get(site["family"]) if isinstance(site.get("family"), str) else None
        paths = {name: entry for name, entry in family.parameters.items() if entry.is_path} if family else {}
        sites.append({name: located(value, paths[name]) if name in paths else value for name, value in site.items()})

    def methods(place: Campaign | StageSection) -> dict[str, Any]:
        found = {name: getattr(place, name) for name in METHODS}
        return {name: method(section) for name, section in found.items() if section is not None}

    stages = [stage.model_copy(update=methods(stage)) for stage in campaign.stages]
    return campaign.model_copy(update={"sites": sites, **methods(campaign), **({"stages": stages} if stages else {})})


def find(file_or_name: str, settings: Settings) -> CheckedCampaign:
    """Return the campaign of a file, or the one that the database keeps under a name.

    Parameters
    ----------
    file_or_name : str
        A campaign file, or the name of a campaign that was run.
    settings : Settings
        Those of the machine.

    Raises
    ------
    InputError
        If it is neither; names the campaigns that there are.
    """
    path = Path(file_or_name)
    if path.is_file() or path.suffix in (".yaml", ".yml") or "/" in file_or_name:
        return load(path, settings)
    folder = Folder(settings.folder)
    if settings.mongodb_uri is None and not folder.database.exists():
        raise UnknownNameError(
            f"no campaign {file_or_name!r}: there is neither such a file nor a database in {folder.root}"
        )
    with open_database(None, folder, settings) as database:
        data = database.campaign(file_or_name)
        if data is None:
            names = database.campaign_names()
            raise UnknownNameError(unknown(file_or_name, names or ["none: nothing has been run here"], "campaign"))
    campaign = campaign_from_data(data, file_or_name)
    if is_collection(data):
        return Collection(campaign, file_or_name, folder)
    return check(campaign, file_or_name, folder)


def open_database(campaign: Campaign | None, folder: Folder, settings: Settings) -> Database:
    """Return the database of a campaign, not yet connected.

    Parameters
    ----------
    campaign : Campaign or None
        Which; None for that of the settings alone.
    folder : Folder
        Where results lie, in which the embedded database is.
    settings : Settings
        Those of the machine.

    Raises
    ------
    InputError
        If the campaign asks for MongoDB and no server is named in the settings.
    """
    wanted = campaign.results.database if campaign is not None else None
    if wanted == "mongodb" and settings.mongodb_uri is None:
        raise InputError(
            "results.database is 'mongodb', but ATOMSIEVE_MONGODB_URI is not set; set it, or use 'embedded'"
        )
    if settings.mongodb_uri is not None and wanted != "embedded":
        return Database.mongodb(settings.mongodb_uri.get_secret_value(), settings.mongodb_database)
    return Database.embedded(folder.database)


@contextmanager
def stored_database(checked: CheckedCampaign, settings: Settings) -> Iterator[Database | None]:
    """Open the database of a campaign, or give None where there is none yet: looking must not make one.

    Parameters
    ----------
    checked : CheckedCampaign
        The campaign.
    settings : Settings
        Those of the machine.

    Yields
    ------
    Database or None
        Connected.
    """
    database = open_database(checked.campaign, checked.folder, settings)
    if database.path is not None and not database.path.exists():
        yield None
        return
    with database:
        yield database
