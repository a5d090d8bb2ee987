"""Campaigns: a file, checked against everything that will read it, and the sites that it names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from atomsieve.analysis.database import Database
from atomsieve.builders import catalog
from atomsieve.builders.catalog import Parameter
from atomsieve.structures.campaign import Campaign, campaign_from_data, parse_campaign
from atomsieve.structures.errors import InputError, UnknownNameError, unknown
from atomsieve.structures.stage_section import StageSection
from atomsieve.workflows.calculators import CALCULATORS, calculator
from atomsieve.workflows.campaign_check import METHODS, check
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.folder import Folder
from atomsieve.workflows.ingest.collection import Collection, is_collection
from atomsieve.workflows.settings import Settings


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
