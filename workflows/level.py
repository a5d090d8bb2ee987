"""Level: what one policy asks for at a site, as far as it is known before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from atomsieve.structures.reference import lowest
from atomsieve.workflows.count import Count
from atomsieve.workflows.requests import Policy

Reference = Mapping[str, Any]


@dataclass
class Level:
    """What one policy asks for at a site.

    Parameters
    ----------
    policy : Policy
        The policy.
    clean : list of mapping or None
        References of the clean starts; None unless all are known.
    adsorbed : dict of str to (list of mapping or None)
        The same by adsorbate.
    clean_count : Count
        Of the clean starts.
    adsorbed_counts : dict of str to Count
        By adsorbate.
    """

    policy: Policy
    clean: list[Reference] | None = None
    adsorbed: dict[str, list[Reference] | None] = field(default_factory=dict)
    clean_count: Count = field(default_factory=Count)
    adsorbed_counts: dict[str, Count] = field(default_factory=dict)

    @property
    def is_known(self) -> bool:
        """Whether nothing of it is left to run."""
        return self.clean is not None and None not in self.adsorbed.values()

    @property
    def parent(self) -> Reference | None:
        """The lowest clean state, where that is known."""
        return lowest(self.clean) if self.clean is not None else None
