"""FlowFile: a campaign as one jobflow Flow in a file, for any manager of jobflow to take."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jobflow import Flow
from monty.json import MontyEncoder

from atomsieve.analysis.whole import whole_file
from atomsieve.builders import catalog
from atomsieve.structures.errors import UnknownNameError, unknown
from atomsieve.workflows.checked import CheckedCampaign, site_key
from atomsieve.workflows.flows import SiteFlowMaker, gas_flow
from atomsieve.workflows.jobs import RelaxMaker

#: Labels that are listed where one is unknown.
LISTED = 30


@dataclass(frozen=True)
class FlowFile:
    """What was written.

    Parameters
    ----------
    path : Path
        Where.
    gases, sites : int
        How many flows there are of each.
    """

    path: Path
    gases: int
    sites: int


def write_flow(checked: CheckedCampaign, path: Path, site: str | None = None) -> FlowFile:
    """Write the flow of a campaign, or of its first stage, as MSON; one flow after another, so that memory stays flat.

    Parameters
    ----------
    checked : CheckedCampaign
        The campaign. Later stages begin where the one before ends, and have no flow before that.
    path : Path
        The file.
    site : str, optional
        The label of one site; all of them unless given.

    Returns
    -------
    FlowFile
        How many sites and gases are in it.

    Raises
    ------
    UnknownNameError
        If no site has this label.
    """
    first = checked.stages[0]
    whole = Flow([], name=first.campaign.name)
    frame = json.loads(json.dumps(whole, cls=MontyEncoder))
    frame.pop("jobs")
    counts = {"gas": 0, "variant": 0, "site": 0}
    with whole_file(path) as partial, partial.open("w", encoding="utf-8") as file:
        file.write(json.dumps(frame)[:-1] + ', "jobs": [')
        for kind, flow in _flows(first, site):
            flow.add_hosts_uuids(whole.uuid)
            file.write(("," if any(counts.values()) else "") + "\n")
            json.dump(flow, file, cls=MontyEncoder)
            counts[kind] += 1
        file.write("\n]}\n")
    return FlowFile(path, counts["gas"], counts["site"])


def _flows(checked: CheckedCampaign, wanted: str | None) -> Iterator[tuple[str, Flow]]:
    relax = RelaxMaker(numerics=checked.numerics)
    maker = SiteFlowMaker(checked.policy, checked.campaign.all_adsorbates, relax)
    bare = SiteFlowMaker(checked.policy, (), relax)
    own = {"campaign": checked.campaign.name, "stage": checked.stage.name if checked.stage is not None else None}
    labels: list[str] = []
    asked: set[str] = set()
    for gas in checked.species:
        flow = gas_flow(checked.species_policy(gas), relax, gas)
        flow.update_metadata({**own, "site": gas})
        yield "gas", flow
    for recipe in checked.recipes():
        site = catalog.build(recipe)
        if wanted not in (None, site.label):
            labels.append(site.label)
            continue
        for variant in checked.variants(recipe).values():
            if (key := site_key(variant)) not in asked:
                asked.add(key)
                built = catalog.build(variant)
                flow = bare.make(built)
                flow.update_metadata({**own, "site": built.label})
                yield "variant", flow
        flow = maker.make(site)
        flow.update_metadata({**own, "site": site.label})
        yield "site", flow
        if wanted is not None:
            return
    if wanted is not None:
        raise UnknownNameError(unknown(wanted, labels[:LISTED], "site"))
