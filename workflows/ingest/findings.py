"""Finding: what one run was taken for; and the site that runs share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from atomsieve.structures.energies import AdsorptionEnergy
from atomsieve.structures.site import ActiveSite
from atomsieve.workflows.ingest.documents import Taken


@dataclass
class Finding:
    """One line of the report.

    Parameters
    ----------
    source : str
        Where it was found.
    taken_for : str
        ``H2O (gas)``, ``Fe-N4, clean``, ``OH* on Fe-N4``; empty for what is none of these.
    energy : float or None
        eV.
    state : str
        ``in``, ``there already``, ``copy``, ``not converged`` or ``refused``.
    reason : str
        The verdict, or why it is not used.
    key : str
        Request key of its calculation; empty if there is none.
    """

    source: str
    taken_for: str = ""
    energy: float | None = None
    state: str = "refused"
    reason: str = ""
    key: str = ""


@dataclass
class SiteFound:
    """What was found of one site by one method.

    Parameters
    ----------
    label : str
        What it is called.
    key : str
        Its key.
    metals : tuple of str
        Chemical symbols.
    support : str
        What holds them, in words.
    method : str
        Key of the method.
    calculations : list of Taken
        All that go in.
    recipe : dict
        All that fixes it.
    site : ActiveSite or None
        None without a structure.
    rows : dict of str to AdsorptionEnergy
        By adsorbate.
    without : dict of str to str
        Why an adsorbate has no row.
    warnings : tuple of str
        What the gate lets pass with a remark.
    """

    label: str
    key: str
    metals: tuple[str, ...]
    support: str
    method: str
    calculations: list[Taken]
    recipe: dict[str, Any]
    site: ActiveSite | None = None
    rows: dict[str, AdsorptionEnergy] = field(default_factory=dict)
    without: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def entry(self) -> dict[str, Any]:
        """What the collection keeps of it."""
        kept = {"label": self.label, "key": self.key, "metals": list(self.metals), "support": self.support}
        rows = {name: row.policy_key for name, row in self.rows.items()}
        return {**kept, "method": self.method, "rows": rows, "states": self._states}

    @property
    def _states(self) -> dict[str, Any]:
        """Request keys of what the rows are made of: no calculation says of which site somebody else's run was."""
        found: dict[str, list[str]] = {}
        for name, row in self.rows.items():
            for entry in row.considered:
                role = {"clean": "clean", "adsorbed": name}.get(entry["role"], "gases")
                found.setdefault(role, []).append(str(entry["key"]))
        clean, gases = (list(dict.fromkeys(found.pop(role, []))) for role in ("clean", "gases"))
        uncertain = {name: row.uncertainty for name, row in self.rows.items() if row.uncertainty is not None}
        return {"clean": clean, "adsorbed": found, "gases": gases, "uncertainties": uncertain}
