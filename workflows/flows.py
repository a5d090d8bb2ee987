"""Flows: the chemistry, written once, whatever calculates and wherever it runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from jobflow import Flow, Maker

from atomsieve.structures.site import ActiveSite
from atomsieve.workflows.jobs import RelaxMaker, place_adsorbates
from atomsieve.workflows.requests import Policy


@dataclass
class SiteFlowMaker(Maker):  # type: ignore[misc]
    """Make the flow of one site: clean starts, then poses on the lowest of them, then all references together.

    Parameters
    ----------
    policy : Policy
        What is tried.
    adsorbates : tuple of str
        Names.
    relax : RelaxMaker
        The calculation.
    name : str
        Name of the flows.
    """

    policy: Policy
    adsorbates: tuple[str, ...]
    relax: RelaxMaker = field(default_factory=RelaxMaker)
    name: str = "site"

    def make(self, site: ActiveSite) -> Flow:
        """Make the flow of one site; its output holds ``clean`` and ``adsorbed`` references."""
        starts = [
            self.relax.make(request, site=site, name=f"clean {site.label}")
            for request in self.policy.clean_requests(site)
        ]
        end = place_adsorbates(
            self.relax,
            self.policy.to_dict(),
            site.to_dict(),
            list(self.adsorbates),
            [start.output for start in starts],
        )
        return Flow([*starts, end], output=end.output, name=site.label)


def gas_flow(policy: Policy, relax: RelaxMaker, molecule: str) -> Flow:
    """Make the flow of a gas reference; its output is the reference of the calculation."""
    made = relax.make(policy.molecule_request(molecule), name=f"gas {molecule}")
    return Flow([made], output=made.output, name=molecule)
