"""LimitingPotential: what one reaction does on one site, along the cheapest path through its network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from atomsieve.structures.energies import SCHEMA, SiteLabel, site_label_from_dict
from atomsieve.structures.identity import content_key, plain

#: Error bar of a limiting potential unless something better is known, V.
ERROR_BAR = 0.2


@dataclass(frozen=True)
class StepEnergy:
    """One step of a reaction on one site.

    Parameters
    ----------
    text : str
        ``OH* → * + H2O``.
    electrons, protons : int
        Taken up; negative where given off. Only steps with as many of both enter a limiting potential.
    free_at_zero : float or None
        ΔG at 0 V against RHE and pH 0, eV; None where an intermediate is missing.
    free : float or None
        ΔG at the potential and the pH of the conditions, eV.
    """

    text: str
    electrons: int
    protons: int
    free_at_zero: float | None
    free: float | None


@dataclass(frozen=True)
class SideProduct:
    """Where a side product leaves the network of a reaction.

    Parameters
    ----------
    product : str
        The molecule.
    leaves : str
        The adsorbate that it comes from, ``OOH*``.
    steps : tuple of str
        The way from there.
    free_at_zero, free : float or None
        ΔG of the last step at 0 V against RHE and at the conditions, eV; None where an intermediate is missing.
    limiting_potential : float or None
        V against RHE at which the way to it is downhill in all proton-electron steps; None where it has none of these
        or an intermediate is missing.
    """

    product: str
    leaves: str
    steps: tuple[str, ...]
    free_at_zero: float | None
    free: float | None
    limiting_potential: float | None


@dataclass(frozen=True)
class LimitingPotential:
    """What one reaction does on one site.

    Parameters
    ----------
    site : SiteLabel
        The site.
    reaction : str
        Its name.
    method : mapping
        The one method of all energies.
    adsorption_energies : mapping of str to str
        Keys of the rows that it stands on, by adsorbate.
    states : tuple of mapping
        ``text`` and ``free`` (eV at 0 V against RHE, None where unknown) of each state.
    steps : tuple of StepEnergy
        All steps.
    equilibrium_potential : float
        V against RHE.
    limiting_potential : float or None
        V against RHE; None if undetermined.
    overpotential : float or None
        V; None if undetermined.
    potential_determining_steps : tuple of str
        Steps within 0.05 eV of the worst.
    undetermined : str or None
        Why there is no limiting potential.
    conditions : mapping
        Temperature (K), pH, potential (V against ``scale``), potential_rhe (V).
    predictive : bool
        False for a mock, semiempirical or machine-learned method: pre-screening only.
    error_bar : float
        V, one standard deviation.
    path : str
        Name of the route that the cheapest path follows, or ``mixed``; ``states`` and ``steps`` are those of this path.
    alternatives : tuple of mapping
        Other paths that ask for at most 0.1 eV more: ``path``, ``states`` (texts), ``limiting_potential``,
        ``potential_determining_steps``; at most ten of them.
    undetermined_paths, paths : int
        How many paths lack an intermediate, and how many there are.
    missing : mapping of str to str
        By adsorbate why it has no free energy; ``molecule CO`` of one that is free.
    side_products : tuple of SideProduct
        Where they leave.
    error_source : str
        Where the error bar comes from: ``assumed``, ``propagated`` from those of the rows, or an ``ensemble``.
    closure : float or None
        Free energy of the whole reaction with calculated molecules less the experimental one, eV; None without them.
    definition : mapping or None
        Of a reaction that a campaign defines: its title, routes, and so on.
    """

    site: SiteLabel
    reaction: str
    method: Mapping[str, Any]
    adsorption_energies: Mapping[str, str]
    states: tuple[Mapping[str, Any], ...]
    steps: tuple[StepEnergy, ...]
    equilibrium_potential: float
    limiting_potential: float | None
    overpotential: float | None
    potential_determining_steps: tuple[str, ...]
    undetermined: str | None
    conditions: Mapping[str, Any]
    predictive: bool
    error_bar: float = ERROR_BAR
    path: str = ""
    alternatives: tuple[Mapping[str, Any], ...] = ()
    undetermined_paths: int = 0
    paths: int = 1
    missing: Mapping[str, str] = field(default_factory=dict)
    side_products: tuple[SideProduct, ...] = ()
    error_source: str = "assumed"
    closure: float | None = None
    definition: Mapping[str, Any] | None = None

    @cached_property
    def key(self) -> str:
        """Reaction, conditions and the rows it stands on."""
        inputs = [SCHEMA, self.site.key, self.reaction, dict(self.adsorption_energies), plain(self.conditions)]
        inputs += [round(self.equilibrium_potential, 6), self.paths]
        if self.closure is not None:
            # the calculated molecules stand behind all steps as well
            inputs += [round(self.closure, 6), [[step.text, round(step.free or 0.0, 6)] for step in self.steps]]
        if self.definition is not None:
            inputs.append(self.definition["key"])
        return content_key("limiting potential", inputs)

    def to_dict(self) -> dict[str, Any]:
        """Return the document that is stored."""
        data = asdict(self)
        data["site"]["metals"] = list(self.site.metals)
        data["potential_determining_steps"] = list(self.potential_determining_steps)
        data["states"] = [dict(state) for state in self.states]
        data["steps"] = [asdict(step) for step in self.steps]
        data["alternatives"] = [dict(entry) for entry in self.alternatives]
        data["side_products"] = [{**asdict(entry), "steps": list(entry.steps)} for entry in self.side_products]
        return {"key": self.key, **data}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LimitingPotential:
        """Make a limiting potential from its document."""
        fields = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        fields["site"] = site_label_from_dict(data["site"])
        fields["states"] = tuple(data["states"])
        # older documents know proton-electron steps alone
        fields["steps"] = tuple(StepEnergy(**{"protons": step["electrons"], **step}) for step in data["steps"])
        fields["alternatives"] = tuple(data.get("alternatives", ()))
        fields["side_products"] = tuple(
            SideProduct(**{**entry, "steps": tuple(entry["steps"])}) for entry in data.get("side_products", ())
        )
        fields["potential_determining_steps"] = tuple(data["potential_determining_steps"])
        return cls(**fields)
