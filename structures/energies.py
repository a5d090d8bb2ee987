"""AdsorptionEnergy: what binds how strongly, with every term named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

from atomsieve.structures.identity import content_key, plain

#: Raised when a row's terms change their meaning.
SCHEMA = 1


@dataclass(frozen=True)
class Term:
    """One summand of a free energy.

    Parameters
    ----------
    name : str
        As a chemist writes it, ``E(OH*)`` or ``-1 E(H2O)``.
    kind : str
        ``electronic``, ``correction``, ``zpe``, ``thermal``, ``entropy`` or ``solvation``; of a free molecule also
        ``experiment``, ``acid-base``, ``pressure`` or ``activity``.
    value : float
        eV, with the sign with which it enters the sum.
    source : str
        Request key of the calculation, or DOI of the number.
    """

    name: str
    kind: str
    value: float
    source: str

    @property
    def taken_off(self) -> Term:
        """The same with the other sign: ``-1 E(H2O)`` of ``+1 E(H2O)``, ``-E(OH*)`` of ``E(OH*)``."""
        sign, rest = (self.name[0], self.name[1:]) if self.name[:1] in ("+", "-") else ("+", self.name)
        other = "-" if sign == "+" else "+" if rest[:1].isdigit() else ""
        return replace(self, name=f"{other}{rest}", value=-self.value)


@dataclass(frozen=True)
class SiteLabel:
    """What a row says of its site.

    Parameters
    ----------
    label : str
        The site's label.
    key : str
        Content key of its recipe.
    family : str
        Family of supports.
    metals : tuple of str
        Chemical symbols.
    """

    label: str
    key: str
    family: str
    metals: tuple[str, ...]

    @property
    def metal_set(self) -> str:
        """Its different metals, as ``Co-Fe``."""
        return joined(self.metals)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {**asdict(self), "metals": list(self.metals)}


def joined(metals: Iterable[str]) -> str:
    """Return the different ones of some metals, sorted and joined: ``Co-Fe``."""
    return "-".join(sorted(set(metals)))


@dataclass(frozen=True)
class AdsorptionEnergy:
    """The free energy of one adsorbate on one site, or the reason why there is none.

    Parameters
    ----------
    site : SiteLabel
        The site.
    adsorbate : str
        Its name.
    method : mapping
        The one method of all electronic terms.
    policy : mapping
        Spin treatment, poses, convergence, corrections, solvation, temperature: what was tried and added.
    terms : tuple of Term
        All summands; empty if there is no bound, converged state.
    verdict : str
        ``bound``, or why there is no energy.
    reason : str
        The clause behind the verdict.
    calculations : mapping of str to str
        Request keys by role: ``clean``, ``adsorbed``, and each gas by its name.
    considered : tuple of mapping
        Every calculation that was tried: key, role, verdict, reason, energy, multiplicity.
    multiplicity : mapping of str to (int or None)
        2S + 1 of the ``clean`` and the ``adsorbed`` state.
    spin_states : mapping of str to int
        How many different usable spin states were found of each; fewer than two say nothing of which is lowest. Empty
        for a method that knows no spin.
    warnings : tuple of str
        In what the calculations differ that does not keep their energies from being combined.
    carried : tuple of str
        Request keys of another method's states, of an earlier stage, at whose geometries relaxations could start.
    uncertainty : float or None
        One standard deviation of ΔG, eV; None where nobody states it.
    ensemble : tuple of float
        By how much ΔE deviates from its value for each member of an ensemble of functionals (BEEF, doi
        10.1103/PhysRevB.85.235149), eV, in the same order in all rows of a method; empty where there is none.
    """

    site: SiteLabel
    adsorbate: str
    method: Mapping[str, Any]
    policy: Mapping[str, Any]
    terms: tuple[Term, ...]
    verdict: str
    reason: str
    calculations: Mapping[str, str]
    considered: tuple[Mapping[str, Any], ...]
    multiplicity: Mapping[str, int | None] = field(default_factory=dict)
    spin_states: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    carried: tuple[str, ...] = ()
    uncertainty: float | None = None
    ensemble: tuple[float, ...] = ()

    @property
    def electronic(self) -> float | None:
        """ΔE, eV; None without a bound state."""
        return sum(t.value for t in self.terms if t.kind == "electronic") if self.terms else None

    @property
    def free(self) -> float | None:
        """ΔG at 0 V against RHE, eV; None without a bound state."""
        return sum(t.value for t in self.terms) if self.terms else None

    @cached_property
    def slot(self) -> str:
        """What the row is about; of several rows of a slot all but one are marked superseded, see :func:`rank`."""
        return slot_key(self.site.key, self.adsorbate, str(self.method["key"]), self.policy)

    @cached_property
    def policy_key(self) -> str:
        """Slot and policy: known before anything runs."""
        return policy_key(self.slot, self.policy)

    @cached_property
    def key(self) -> str:
        """Slot, policy and inputs: the same inputs give the same row."""
        # what failed may fail in another way with other numerics; what is done is fixed by its key
        inputs = sorted(
            f"{entry['key']} {entry['status']} {entry['reason'] if entry['status'] == 'failed' else ''}"
            for entry in self.considered
        )
        content: list[Any] = [SCHEMA, self.policy_key, inputs, dict(self.calculations)]
        # what most rows do not have leaves their keys as they are
        content += [list(self.carried)] if self.carried else []
        content += [self._errors] if self._errors else []
        return content_key("adsorption energy", content)

    @property
    def _errors(self) -> dict[str, Any]:
        stated: dict[str, Any] = {} if self.uncertainty is None else {"uncertainty": self.uncertainty}
        return {**stated, "ensemble": list(self.ensemble)} if self.ensemble else stated

    def to_dict(self) -> dict[str, Any]:
        """Return the document that is stored."""
        return {
            "key": self.key,
            "slot": self.slot,
            "policy_key": self.policy_key,
            "site": self.site.to_dict(),
            "adsorbate": self.adsorbate,
            "method": dict(self.method),
            "policy": dict(self.policy),
            "terms": [asdict(term) for term in self.terms],
            "electronic": self.electronic,
            "free": self.free,
            "verdict": self.verdict,
            "reason": self.reason,
            "calculations": dict(self.calculations),
            "considered": [dict(entry) for entry in self.considered],
            "multiplicity": dict(self.multiplicity),
            "spin_states": dict(self.spin_states),
            "warnings": list(self.warnings),
            **({"carried": list(self.carried)} if self.carried else {}),
            **self._errors,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> AdsorptionEnergy:
        """Make a row from its document."""
        return cls(
            site=site_label_from_dict(data["site"]),
            adsorbate=data["adsorbate"],
            method=data["method"],
            policy=data["policy"],
            terms=tuple(Term(**term) for term in data["terms"]),
            verdict=data["verdict"],
            reason=data["reason"],
            calculations=data["calculations"],
            considered=tuple(data["considered"]),
            multiplicity=data["multiplicity"],
            spin_states=data.get("spin_states", {}),
            warnings=tuple(data.get("warnings", ())),
            carried=tuple(data.get("carried", ())),
            uncertainty=data.get("uncertainty"),
            ensemble=tuple(data.get("ensemble", ())),
        )


def slot_key(site_key: str, adsorbate: str, method_key: str, policy: Mapping[str, Any]) -> str:
    """Return the slot of a row before the row exists: what its number means, not how hard it was looked for."""
    meaning = {name: policy.get(name) for name in ("corrections", "solvation", "temperature", "terms")}
    if "gas_corrections" in policy:
        meaning["gas_corrections"] = policy["gas_corrections"]
    if "geometry_method" in policy:
        meaning["geometry_method"] = policy["geometry_method"]["key"]
    if "definition" in policy:
        meaning["definition"] = policy["definition"]["key"]
    return content_key("slot", [SCHEMA, site_key, adsorbate, method_key, plain(meaning)])


def rank(document: Mapping[str, Any]) -> tuple[int, Any, str]:
    """Return what decides between rows of one slot: how many finished calculations stand behind it, then its age.

    Parameters
    ----------
    document : mapping
        A stored row.
    """
    finished = sum(entry["status"] == "done" for entry in document["considered"])
    return finished, document["last_updated"], str(document["key"])


def policy_key(slot: str, policy: Mapping[str, Any]) -> str:
    """Return the policy key of a row before the row exists."""
    return content_key("policy", [slot, plain(policy)])


def site_label_from_dict(data: Mapping[str, Any]) -> SiteLabel:
    """Make a site label from the ``site`` of a document."""
    return SiteLabel(data["label"], data["key"], data["family"], tuple(data["metals"]))
