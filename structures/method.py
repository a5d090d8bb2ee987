"""Method: everything that fixes an energy's zero and physics, and what it is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from atomsieve.structures.identity import content_key, plain

#: How far the numbers of a method can be trusted: only DFT is called predictive.
Tier = Literal["mock", "semiempirical", "potential", "dft"]
#: Raised when a default that fixes the physics changes its meaning.
SCHEMA = 1


@dataclass(frozen=True)
class Method:
    """A level of theory, fully written out.

    Parameters
    ----------
    calculator : str
        Its name in the table of calculators.
    physics : mapping
        Every setting that changes an energy, defaults included. Spin, potential and pH are inputs, not method, and so
        is the cell; cores, optimisers and mixing are numerics, not method. Where they apply the tags are
        ``functional`` (``PBE``), ``dispersion`` (``none``, ``D2``, ``D3(zero)``, ``D3(BJ)``, ``D4``, ``TS``), ``u``
        (U_eff in eV by element; empty for none), ``pseudopotentials`` (by element) and ``pseudopotential_set``,
        ``cutoff`` (eV), ``basis``, ``grid_spacing`` (Å), ``solvent`` (``none``), ``charge_model`` (``neutral``,
        ``background``), ``spin_polarised``, ``relativity``, ``kpoints`` (``Γ`` or a spacing in 1/Å), ``dipole``
        (``none``, ``z``), ``smearing``, ``smearing_width`` (eV), ``precision``, ``electronic_threshold`` (eV) and
        ``force_threshold`` (eV/Å); :mod:`atomsieve.structures.gate` says which of them must agree.
    tier : {"mock", "semiempirical", "potential", "dft"}
        How far its numbers can be trusted.
    """

    calculator: str
    physics: Mapping[str, Any]
    tier: Tier = field(compare=False)

    @cached_property
    def key(self) -> str:
        """Content key of the calculator and its physics."""
        return content_key("method", self.identity)

    @property
    def identity(self) -> dict[str, Any]:
        """What enters keys: calculator, schema and physics as plain data."""
        return {"schema": SCHEMA, "calculator": self.calculator, "physics": plain(self.physics)}

    @property
    def is_predictive(self) -> bool:
        """Whether a limiting potential from it is more than a pre-screening number."""
        return self.tier == "dft"

    def title(self, geometry: Method | None = None) -> str:
        """Return what a table calls it.

        Parameters
        ----------
        geometry : Method, optional
            The method of the geometry, where it may be another one.

        Returns
        -------
        str
            ``vasp RPBE-D3(BJ)+U(Fe 3.3), VASPsol water eps=78.4``; with another method's geometry
            ``energy method // geometry method``.
        """
        named = (str(self.physics.get(tag, "none")) for tag in ("functional", "dispersion"))
        u = " ".join(f"{element} {value}" for element, value in sorted(self.physics.get("u", {}).items()))
        level = "-".join(word for word in named if word != "none") + (f"+U({u})" if u else "")
        solvent = self.physics.get("solvent", "none")
        own = " ".join(filter(None, [self.calculator, level])) + (f", {solvent}" if solvent != "none" else "")
        return own if geometry is None or geometry == self else f"{own} // {geometry.title()}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, for documents."""
        return {**self.identity, "tier": self.tier, "key": self.key}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Method:
        """Make a method from what :meth:`to_dict` returned."""
        return cls(data["calculator"], data["physics"], data["tier"])
