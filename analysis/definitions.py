"""Definition: what campaigns of a database define beside the tables; readers learn it, writers must not redefine it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from maggma.core import Store
from pydantic import ValidationError

from atomsieve.structures.adsorbate import adsorbates, define_adsorbate
from atomsieve.structures.definition import DefineSection
from atomsieve.structures.errors import InputError
from atomsieve.structures.reaction import define_reaction, reactions


def learn_stored(campaigns: Store) -> None:
    """Let this process know what campaigns of a database define, as far as it knows no such name yet."""
    for document in campaigns.query({"campaign.define": {"$exists": True}}, ["campaign.define"]):
        try:
            section = DefineSection.model_validate(document["campaign"]["define"])
            for name, entry in section.adsorbates.items():
                if name not in adsorbates():
                    define_adsorbate(entry.adsorbate(name))
            for name, own in section.reactions.items():
                if name not in reactions():
                    define_reaction(own.reaction(name))
        except (InputError, ValidationError):
            continue  # a newer atomsieve's, which has tables of its own


def refuse_redefined(content: Mapping[str, Any], adsorption_energies: Store, reaction_results: Store) -> None:
    """Refuse a campaign that calls something by a name which means something else in the results of a database.

    Parameters
    ----------
    content : mapping
        What the campaign's file says.
    adsorption_energies, reaction_results : Store
        Connected.

    Raises
    ------
    InputError
        Names the campaign whose it is.
    """
    section = DefineSection.model_validate(content.get("define", {}))
    wanted = [
        (adsorption_energies, "adsorbate", name, "policy.definition.key", entry.adsorbate(name).definition)
        for name, entry in section.adsorbates.items()
    ]
    wanted += [
        (reaction_results, "reaction", name, "definition.key", own.reaction(name).definition)
        for name, own in section.reactions.items()
    ]
    for store, field, name, path, definition in wanted:
        other = store.query_one({field: name, path: {"$ne": definition["key"]}}, ["campaigns"])
        if other is not None:
            whose = ", ".join(other.get("campaigns", ())) or "another campaign"
            raise InputError(
                f"define.{field}s.{name}: {name!r} is defined otherwise in results of {whose} in this database, "
                f"where a name means one thing; choose another name, or another folder or database"
            )
