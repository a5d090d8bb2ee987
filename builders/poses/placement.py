"""Placement: what is chosen of a pose, and nothing that comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from atomsieve.structures.adsorbate import END_ON, VACANCY
from atomsieve.structures.site import ActiveSite


@dataclass(frozen=True)
class Placement:
    """A pose: what is chosen, never what comes of it.

    Parameters
    ----------
    adsorbate : str
        Its name.
    metal : int
        Index of the metal that it binds to; of two, the one that holds its first binding atom.
    face : str
        The open direction: ``top``, ``bottom``, ``side1`` ...
    tilt : float
        Degrees by which it leans from the open direction, towards its azimuth. A bent adsorbate (OH, OOH) points that
        way already: negative tilts straighten it, positive ones lay it on the support.
    azimuth : float
        Degrees about the open direction, anticlockwise as seen from outside: from the first donor, or from the line to
        the second metal.
    mode : str
        How it binds; the adsorbate lists its modes.
    second : int or None
        Index of the second metal, for a mode that takes two.
    torsions : tuple of float
        Degrees, one for each torsion that the adsorbate lists; empty for its tabulated geometry.
    oxide : int or None
        Index of the oxygen of the metal's node that takes up hydrogen, or is missing.
    """

    adsorbate: str
    metal: int
    face: str
    tilt: float = 0.0
    azimuth: float = 0.0
    mode: str = END_ON
    second: int | None = None
    torsions: tuple[float, ...] = ()
    oxide: int | None = None

    @property
    def metals(self) -> tuple[int, ...]:
        """The one or two metals."""
        return (self.metal,) if self.second is None else (self.metal, self.second)

    def host(self, site: ActiveSite) -> ActiveSite:
        """Return the site that the atoms of the adsorbate follow: less its oxygen where that is what is missing."""
        return site.without(self.oxide) if self.mode == VACANCY and self.oxide is not None else site

    @property
    def host_metals(self) -> tuple[int, ...]:
        """The one or two metals as the host counts them."""
        gone = self.oxide if self.mode == VACANCY else None
        return self.metals if gone is None else tuple(metal - (metal > gone) for metal in self.metals)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, which is the identity of the pose; what is not said is end-on, and as tabulated."""
        data: dict[str, Any] = {
            "adsorbate": self.adsorbate,
            "metal": self.metal,
            "face": self.face,
            "tilt": self.tilt,
            "azimuth": self.azimuth,
        }
        if self.mode != END_ON:
            data["mode"] = self.mode
        if self.second is not None:
            data["second"] = self.second
        if self.torsions:
            data["torsions"] = list(self.torsions)
        if self.oxide is not None:
            data["oxide"] = self.oxide
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Placement:
        """Make a placement from what :meth:`to_dict` returned."""
        return cls(
            data["adsorbate"],
            data["metal"],
            data["face"],
            float(data["tilt"]),
            float(data["azimuth"]),
            data.get("mode", END_ON),
            data.get("second"),
            tuple(float(angle) for angle in data.get("torsions", ())),
            data.get("oxide"),
        )
