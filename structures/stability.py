"""Stability: what holds a site together, every energy with its terms, and what becomes of it under conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

from atomsieve.structures.energies import SiteLabel, Term, site_label_from_dict
from atomsieve.structures.identity import content_key, plain

#: Raised when an energy changes its meaning.
SCHEMA: Final = 1

#: The energies of a site, what each is, and how it is written; all in eV, without zero-point energies.
ENERGIES: Final[Mapping[str, tuple[str, str]]] = {
    "formation_energy": ("formation energy against the bulk metal and the vacant site", "E_f"),
    "binding_energy": ("binding energy of the metal, against its free atom and the vacant site", "E_b"),
    "cohesive_energy": ("cohesive energy of the bulk metal, against free atoms", "E_coh"),
    "hydrogenation_energy": ("energy to put H2 on the vacant site", "E_H"),
    "aggregation_energy": ("energy for the metal of one site to move onto that of another", "E_agg"),
}


#: What the values of criteria are called where campaigns ask for them.
QUANTITIES: Final[Mapping[str, str]] = {
    "formation": "formation energy",
    "dissolution": "dissolution potential",
    "demetallation": "demetallation energy",
    "aggregation": "aggregation energy",
    "coverage": "coverage energy",
}


class StabilityVerdict(StrEnum):
    """What becomes of a site under the conditions of a campaign."""

    STABLE = "stable"
    UNSTABLE = "unstable"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True)
class Criterion:
    """One thing that a site must withstand.

    Parameters
    ----------
    name : str
        ``formation``, ``dissolution``, ``demetallation``, ``aggregation`` or ``coverage``.
    value : float or None
        What is held against the limit; None where it is not known.
    unit : str
        ``eV`` or ``V``.
    limit : float
        In the same unit.
    passes_below : bool
        Whether the site withstands where the value is below the limit; above it otherwise.
    reason : str
        One clause: what it would become, or why nothing is known.
    terms : tuple of Term
        The sum behind the value, where it is one.
    """

    name: str
    value: float | None
    unit: str
    limit: float
    passes_below: bool
    reason: str
    terms: tuple[Term, ...] = ()

    @property
    def passes(self) -> bool | None:
        """Whether the site withstands; None where that is not known."""
        if self.value is None:
            return None
        return self.value < self.limit if self.passes_below else self.value > self.limit

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {**asdict(self), "terms": [asdict(term) for term in self.terms], "passes": self.passes}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Criterion:
        """Make a criterion from what :meth:`to_dict` returned."""
        fields = {name: data[name] for name in ("name", "value", "unit", "limit", "passes_below", "reason")}
        return cls(**fields, terms=tuple(Term(**term) for term in data["terms"]))


@dataclass(frozen=True)
class Stability:
    """What holds one site together, and what becomes of it.

    Parameters
    ----------
    site : SiteLabel
        The site.
    method : mapping
        The one method of all electronic terms.
    policy : mapping
        What was tried, and by which scheme the bulk metals are known.
    energies : mapping of str to tuple of Term
        Of :data:`ENERGIES` those that are known; their terms add up to them.
    missing : mapping of str to str
        Why the others are not.
    calculations : mapping of str to str
        Request keys by role: ``clean``, ``vacant``, ``hydrogenated``, ``stacked``, each free species by its name.
    considered : tuple of mapping
        Every calculation that was tried: key, role, status, verdict, reason, energy, multiplicity.
    hydrogens : int
        Number of H on the hydrogenated site.
    warnings : tuple of str
        In what the calculations differ that does not keep their energies from being combined.
    conditions : mapping
        Potential, pH, temperature, activities, ligands: what the criteria hold under.
    criteria : tuple of Criterion
        What it must withstand.
    """

    site: SiteLabel
    method: Mapping[str, Any]
    policy: Mapping[str, Any]
    energies: Mapping[str, tuple[Term, ...]]
    missing: Mapping[str, str]
    calculations: Mapping[str, str]
    considered: tuple[Mapping[str, Any], ...]
    hydrogens: int = 0
    warnings: tuple[str, ...] = ()
    conditions: Mapping[str, Any] = field(default_factory=dict)
    criteria: tuple[Criterion, ...] = ()

    def energy(self, name: str) -> float | None:
        """Return one of :data:`ENERGIES`, eV; None where it is not known."""
        terms = self.energies.get(name)
        return sum(term.value for term in terms) if terms is not None else None

    @property
    def per_metal(self) -> float | None:
        """Formation energy for each metal of the site, eV."""
        whole = self.energy("formation_energy")
        return whole / len(self.site.metals) if whole is not None else None

    @property
    def verdict(self) -> StabilityVerdict:
        """Unstable if it fails one criterion; stable if it passes all; else nothing can be said."""
        passed = [criterion.passes for criterion in self.criteria]
        if False in passed:
            return StabilityVerdict.UNSTABLE
        return StabilityVerdict.STABLE if passed and None not in passed else StabilityVerdict.UNDETERMINED

    @property
    def reason(self) -> str:
        """The clauses of the criteria that decided."""
        decisive = {StabilityVerdict.UNSTABLE: False, StabilityVerdict.UNDETERMINED: None}
        wanted = decisive.get(self.verdict, True)
        return "; ".join(criterion.reason for criterion in self.criteria if criterion.passes is wanted)

    def quantity(self, name: str) -> tuple[float | None, str]:
        """Return a number that a campaign may ask for (``formation energy``), or None and why it is not known."""
        for criterion in self.criteria:
            if QUANTITIES[criterion.name] == name:
                return criterion.value, criterion.reason
        field = name.replace(" ", "_")
        return self.energy(field), self.missing.get(field, "it is not calculated")

    @cached_property
    def slot(self) -> str:
        """What it is about; of several of a slot the newest is current, the others are marked superseded."""
        return content_key("stability slot", [SCHEMA, self.site.key, self.method["key"], self.policy["metals"]])

    @cached_property
    def policy_key(self) -> str:
        """Site, method and policy: known before anything runs."""
        return stability_key(self.site.key, str(self.method["key"]), self.policy)

    @cached_property
    def key(self) -> str:
        """Policy, inputs and conditions."""
        inputs = sorted(f"{entry['role']} {entry['key']} {entry['status']}" for entry in self.considered)
        criteria = [criterion.to_dict() for criterion in self.criteria]
        return content_key("stability", [self.policy_key, inputs, plain(self.conditions), plain(criteria)])

    def under(self, conditions: Mapping[str, Any], criteria: Sequence[Criterion]) -> Stability:
        """Return the same energies, judged under conditions."""
        return replace(self, conditions=dict(conditions), criteria=tuple(criteria))

    def to_dict(self) -> dict[str, Any]:
        """Return the document that is stored."""
        return {
            "key": self.key,
            "slot": self.slot,
            "policy_key": self.policy_key,
            "site": self.site.to_dict(),
            "method": dict(self.method),
            "policy": dict(self.policy),
            **{name: self.energy(name) for name in ENERGIES},
            "terms": {name: [asdict(term) for term in terms] for name, terms in self.energies.items()},
            "missing": dict(self.missing),
            "calculations": dict(self.calculations),
            "considered": [dict(entry) for entry in self.considered],
            "hydrogens": self.hydrogens,
            "warnings": list(self.warnings),
            "conditions": dict(self.conditions),
            "criteria": [criterion.to_dict() for criterion in self.criteria],
            "verdict": str(self.verdict),
            "reason": self.reason,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Stability:
        """Make it from its document."""
        return cls(
            site=site_label_from_dict(data["site"]),
            method=data["method"],
            policy=data["policy"],
            energies={name: tuple(Term(**term) for term in terms) for name, terms in data["terms"].items()},
            missing=data["missing"],
            calculations=data["calculations"],
            considered=tuple(data["considered"]),
            hydrogens=data["hydrogens"],
            warnings=tuple(data["warnings"]),
            conditions=data["conditions"],
            criteria=tuple(Criterion.from_dict(entry) for entry in data["criteria"]),
        )


def stability_key(site: str, method: str, policy: Mapping[str, Any]) -> str:
    """Return the policy key of a stability before it is known."""
    return content_key("stability policy", [SCHEMA, site, method, plain(policy)])
