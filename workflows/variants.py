"""StabilityPolicy: what a campaign's stability is calculated from, and how it is judged; Variant, one such site."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from atomsieve.analysis.assessment import criteria
from atomsieve.analysis.bulk import SCHEMES, species
from atomsieve.analysis.stability import stability
from atomsieve.builders import catalog
from atomsieve.structures.energies import AdsorptionEnergy, SiteLabel
from atomsieve.structures.errors import InputError
from atomsieve.structures.metal import atom_name, metals
from atomsieve.structures.section import StabilitySection
from atomsieve.structures.site import ActiveSite
from atomsieve.structures.stability import Criterion, Stability
from atomsieve.workflows.metals import chosen_scheme, metal_method, scheme_problem

if TYPE_CHECKING:
    from atomsieve.analysis.surroundings import Surroundings
    from atomsieve.workflows.harvest import SiteRows
    from atomsieve.workflows.requests import Policy

Reference = Mapping[str, Any]


@dataclass(frozen=True)
class Variant:
    """What is left, or made, of a site for the sake of its stability.

    Parameters
    ----------
    site : ActiveSite
        As built.
    """

    site: ActiveSite

    @property
    def key(self) -> str:
        """Content key of its recipe."""
        return self.site.key

    @property
    def label(self) -> str:
        """What a chemist calls it."""
        return self.site.label


@dataclass(frozen=True)
class StabilityPolicy:
    """What a campaign's stability is calculated from.

    Parameters
    ----------
    section : StabilitySection
        What the campaign says.
    policy : Policy
        How its sites are calculated.
    """

    section: StabilitySection
    policy: Policy

    @cached_property
    def selection(self) -> dict[str, Any]:
        """What was tried, for the records that come of it."""
        whole = self.policy.selection
        return {
            "fmax": whole["fmax"],
            "spin": {"clean": whole["spin"]["clean"]},
            "metals": self.section.metals,
            "demetallation": self.section.demetallation,
            "aggregation": self.section.aggregation,
            **{name: whole[name] for name in ("before", "geometry_method") if name in whole},
        }

    @property
    def conditions(self) -> dict[str, Any]:
        """What is around besides what the campaign's conditions say."""
        return {"ion_activity": self.section.activity, "ligands": dict(self.section.ligands)}

    def scheme(self, metal: str) -> str:
        """Return by which of the schemes a bulk metal is known, or why by none."""
        try:
            return chosen_scheme(self.policy.energy_method, metal, self.section.metals)
        except InputError as error:
            return str(error)

    def species(self, metal: str) -> tuple[str, ...]:
        """Return what is calculated of a metal: what the scheme asks for, and its atom where there can be one."""
        scheme = self.scheme(metal)
        wanted = species(metal, scheme) if scheme in SCHEMES else ()
        has_atom = metal in metals() and not scheme_problem(self.policy.energy_method, metal, "cohesive")
        return tuple(dict.fromkeys((*wanted, *((atom_name(metal),) if has_atom else ()))))

    def needed(self, symbols: Iterable[str]) -> tuple[str, ...]:
        """Return all free species that the stability of a site with these metals refers to."""
        own = [name for metal in dict.fromkeys(symbols) for name in self.species(metal)]
        return (*own, *(("H2",) if self.section.demetallation else ()))

    def species_policy(self, name: str) -> Policy:
        """Return how a free species is calculated: as the sites, but without U the bulk metals of ``mixed``."""
        if self.section.metals != "mixed" or "(bulk" not in name:
            return self.policy
        own = metal_method(self.policy.energy_method, "mixed")
        if self.policy.single_point is not None:
            return replace(self.policy, single_point=own)
        return replace(self.policy, method=own)

    def variants(self, recipe: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """Return the recipes of what a site's stability is calculated from, by role."""
        found = {"vacant": None if _carried(recipe) else catalog.vacant(recipe)}
        if found["vacant"] is None:
            # nothing that the others add to could be told
            return {}
        if self.section.demetallation:
            found["hydrogenated"] = catalog.hydrogenated(recipe)
        if self.section.aggregation:
            found["stacked"] = catalog.stacked(recipe)
        return {role: one for role, one in found.items() if one is not None}

    def problems(self, recipe: Mapping[str, Any]) -> dict[str, str]:
        """Return why variants of a site do not exist, by role."""
        asked = {"vacant": True, "hydrogenated": self.section.demetallation, "stacked": self.section.aggregation}
        carried = _carried(recipe)
        whys = {role: carried or catalog.vacancy_problem(recipe, role) for role, is_asked in asked.items() if is_asked}
        return {role: why for role, why in whys.items() if why}

    def of_site(
        self,
        site: SiteLabel,
        recipe: Mapping[str, Any],
        tried: Mapping[str, Sequence[Reference]],
        free: Mapping[str, Reference],
        energies: Mapping[str, Reference] | None,
    ) -> Stability:
        """Return what holds a site together; see :func:`~atomsieve.analysis.stability.stability`."""
        return stability(
            site=site,
            method=self.policy.energy_method.to_dict(),
            policy=self.selection,
            tried=tried,
            problems=self.problems(recipe),
            species={name: free[name] for name in self.needed(site.metals) if name in free},
            schemes={metal: self.scheme(metal) for metal in site.metals},
            hydrogens=2 * len(site.metals),
            energies=energies,
        )

    def is_known(self, stored: SiteRows, clean: Collection[str | None]) -> bool:
        """Return whether nothing is left to do for the stability of a site whose rows stand on a clean state."""
        found = stored.stability
        if found is None or {found.calculations.get("clean")} != set(clean):
            return False
        wanted = {*self.variants(stored.recipe), *self.needed(found.site.metals)}
        return wanted <= {str(entry["role"]) for entry in found.considered}

    def criteria(
        self, one: Stability, rows: Mapping[str, AdsorptionEnergy], around: Surroundings
    ) -> tuple[Criterion, ...]:
        """Return what a site must withstand under the campaign's conditions."""
        return criteria(one, rows, around, activity=self.section.activity, ligands=self.section.ligands)


def _carried(recipe: Mapping[str, Any]) -> str:
    """Say what leaves a site together with its metals, so that no energy of the metals alone can be told."""
    own = [str(recipe[name]) for name in ("axial", "anions") if recipe.get(name, "none") != "none"]
    if not own:
        return ""
    return f"{' and '.join(own)} would leave with the metal; ask for the stability of the site without it"
