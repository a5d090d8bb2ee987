"""Flows: the chemistry, written once, whatever calculates and wherever it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jobflow import Flow, Maker

from atomsieve.structures.site import ActiveSite
from atomsieve.workflows.jobs import RelaxMaker, carry_on, place_adsorbates
from atomsieve.workflows.refining import refine_molecule
from atomsieve.workflows.requests import Policy


@dataclass
class SiteFlowMaker(Maker):  # type: ignore[misc]
    """Make the flow of one site: clean starts, then poses on the lowest of them, then all references together.

    Parameters
    ----------
    policy : Policy
        What is tried; where it has one before it, that one's flow comes first and hands on its geometries.
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

    def make(self, site: ActiveSite, carried: Mapping[str, Any] | None = None) -> Flow:
        """Make the flow of one site; its output holds ``clean`` and ``adsorbed`` references.

        Parameters
        ----------
        site : ActiveSite
            As built.
        carried : mapping, optional
            Such an output of another method, whose geometries are the starts.
        """
        plain, names = self.policy.to_dict(), list(self.adsorbates)
        if carried is not None:
            end = carry_on(self.relax, plain, site.to_dict(), names, dict(carried))
            return Flow([end], output=end.output, name=site.label)
        if self.policy.before is not None:
            before = SiteFlowMaker(self.policy.before, self.adsorbates, self.relax).make(site)
            end = carry_on(self.relax, plain, site.to_dict(), names, before.output)
            return Flow([before, end], output=end.output, name=site.label)
        starts = [
            self.relax.make(request, site=site, name=f"clean {site.label}")
            for request in self.policy.clean_requests(site)
        ]
        end = place_adsorbates(self.relax, plain, site.to_dict(), names, [start.output for start in starts])
        return Flow([*starts, end], output=end.output, name=site.label)


def gas_flow(policy: Policy, relax: RelaxMaker, molecule: str) -> Flow:
    """Make the flow of a gas reference; its output holds the reference of the ``molecule``."""
    made = relax.make(policy.molecule_request(molecule), name=f"gas {molecule}")
    end = refine_molecule(relax, policy.to_dict(), molecule, made.output)
    return Flow([made, end], output=end.output, name=molecule)
