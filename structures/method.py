"""Method: everything that fixes an energy's zero and physics, and the gate that keeps methods apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from atomsieve.structures.errors import MethodMismatchError
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
        Every setting that changes an energy, defaults included. Spin, potential and pH are inputs, not method; cores,
        optimisers and convergence thresholds are numerics, not method.
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

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, for documents."""
        return {**self.identity, "tier": self.tier, "key": self.key}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Method:
        """Make a method from what :meth:`to_dict` returned."""
        return cls(data["calculator"], data["physics"], data["tier"])


def require_one_method(calculations: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    """Refuse to go on unless all energies come from one method.

    Parameters
    ----------
    calculations : iterable of (str, mapping)
        What each calculation is called, and its method as :meth:`Method.to_dict` or :attr:`Method.identity` gives it.

    Raises
    ------
    MethodMismatchError
        Names two calculations and the first setting in which they differ.
    """
    first: tuple[str, dict[str, Any]] | None = None
    for name, method in calculations:
        flat = dict(_flatten({key: method[key] for key in ("schema", "calculator", "physics")}))
        if first is None:
            first = (name, flat)
            continue
        for tag in sorted(first[1].keys() | flat.keys()):
            ours, theirs = first[1].get(tag, "absent"), flat.get(tag, "absent")
            if ours != theirs:
                raise MethodMismatchError(
                    f"{first[0]} and {name} differ in {tag} ({ours!r} and {theirs!r}): energies of different methods "
                    "are never combined; recompute one of them with the other's settings"
                )


def _flatten(data: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in data.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield prefix + key, plain(value)
