"""Requests: from a site and a campaign's policy to the relaxations that are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ase import Atoms

from atomsieve.builders.placement import count_poses, poses
from atomsieve.builders.poses.placement import Placement
from atomsieve.structures.adsorbate import END_ON, adsorbates
from atomsieve.structures.calculation import Request
from atomsieve.structures.correction import correction_tables
from atomsieve.structures.definition import learn
from atomsieve.structures.gas_correction import gas_correction
from atomsieve.structures.identity import content_key
from atomsieve.structures.method import Method
from atomsieve.structures.molecule import molecule, molecules
from atomsieve.structures.section import PROBE
from atomsieve.structures.site import ActiveSite
from atomsieve.workflows.spins import adsorbed_spins, clean_spins


@dataclass(frozen=True)
class Policy:
    """What a campaign tries at every site, and by which method.

    Parameters
    ----------
    method : Method
        Level of theory.
    fmax : float
        Largest force at convergence, eV/Å.
    clean : int or {"scan", "fixed"}
        Spin starts of a clean site: every state of the metals' d shells, the first of them, or so many multiplicities:
        the one that the site states and those nearest to it, else the lowest.
    adsorbed : int or {"inherit", "scan", "fixed"}
        The same with an adsorbate; ``inherit`` takes those next to the clean site's own: m - 1 and m + 1 where the
        adsorbate flips the parity, else m - 2, m and m + 2; ``fixed`` the nearest of these.
    tilts : tuple of float
        Degrees by which an adsorbate leans from the open direction.
    azimuths : int
        Turns about the open direction.
    most : int or None
        At most so many poses an adsorbate.
    torsions : {"start", "all"}
        Whether the bonds of an adsorbate that turn stay as tabulated, or take every angle that it lists.
    spin : {"none", "multiplicity", "moments"}
        What the calculator does with spin.
    corrections, solvation : str
        What turns electronic energies into free energies.
    gas_corrections : str
        What mends the errors of a functional for the gases.
    temperature : float
        K.
    before : Policy or None
        What relaxes every start first, by a cheaper method.
    carry : int or None
        At most so many distinct poses of each spin are carried on from another method, lowest first; None for all.
    single_point : Method or None
        What the energies of the final geometries come from, where it is not the method that made them.
    single_point_knows_spin : bool
        Whether its calculator does.
    vibrations : mapping or None
        ``displacement`` (Å), ``floor`` (cm⁻¹), ``metal`` (whether the site's metals are displaced too) and ``follow``
        (whether imaginary modes are) where vibrations give the free energies.
    electronic : bool
        Whether the charges, moments and levels of the lowest clean state are calculated, by the method of the energies.
    probe : mapping or None
        ``displacement`` and ``metal`` of the vibrations of carbon monoxide where its stretch is asked for.
    own : mapping of str to mapping
        The definitions of those of its adsorbates that no table has.
    """

    method: Method
    fmax: float
    clean: int | str = "scan"
    adsorbed: int | str = "inherit"
    tilts: tuple[float, ...] = (0.0,)
    azimuths: int = 8
    most: int | None = None
    torsions: str = "start"
    spin: str = "multiplicity"
    corrections: str = "norskov"
    solvation: str = "none"
    gas_corrections: str = "none"
    temperature: float = field(default=298.15)
    before: Policy | None = None
    carry: int | None = None
    single_point: Method | None = None
    single_point_knows_spin: bool = True
    vibrations: Mapping[str, Any] | None = None
    electronic: bool = False
    probe: Mapping[str, Any] | None = None
    own: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, methods as their documents."""
        # what came later is named only where it is asked for, so that flows keep their keys
        later: dict[str, Any] = {"electronic": False, "probe": None, "own": {}}
        own = {name: value for name, value in vars(self).items() if name not in later or value != later[name]}
        return {
            **own,
            "method": self.method.to_dict(),
            "tilts": list(self.tilts),
            "before": self.before.to_dict() if self.before is not None else None,
            "single_point": self.single_point.to_dict() if self.single_point is not None else None,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Policy:
        """Make a policy from what :meth:`to_dict` returned, and let this process know the adsorbates it defines."""
        learn(data.get("own", {}))
        before, single_point = data.get("before"), data.get("single_point")
        return cls(
            **{
                **data,
                "method": Method.from_dict(data["method"]),
                "tilts": tuple(data["tilts"]),
                "before": cls.from_dict(before) if before is not None else None,
                "single_point": Method.from_dict(single_point) if single_point is not None else None,
            }
        )

    @property
    def selection(self) -> dict[str, Any]:
        """What was tried and added, for the rows that come of it."""
        return {
            "fmax": self.fmax,
            "spin": {"clean": self.clean, "adsorbed": self.adsorbed},
            "poses": {
                "tilts": list(self.tilts),
                "azimuths": self.azimuths,
                "most": self.most,
                **({"torsions": self.torsions} if self.torsions != "start" else {}),
            },
            "corrections": self.corrections,
            "terms": terms_digest(self.corrections, self.gas_corrections),
            "solvation": self.solvation,
            "temperature": self.temperature,
            # what came later is named only where it is asked for, so that older rows keep their keys
            **({"gas_corrections": self.gas_corrections} if self.gas_corrections != "none" else {}),
            **({"before": self._before} if self.before is not None else {}),
            **({"geometry_method": self.method.to_dict()} if self.single_point is not None else {}),
            **({"vibrations": dict(self.vibrations)} if self.vibrations is not None else {}),
            **({"electronic": True} if self.electronic else {}),
        }

    @property
    def _before(self) -> dict[str, Any]:
        assert self.before is not None
        selection = self.before.selection
        return {
            "method": self.before.method.key,
            **{name: selection[name] for name in ("fmax", "spin")},
            **({"carry": self.carry} if self.carry is not None else {}),
            **({"poses": selection["poses"]} if self.before._sampling != self._sampling else {}),
            **({"before": selection["before"]} if self.before.before is not None else {}),
        }

    @property
    def refines(self) -> bool:
        """Whether the states that are found lowest are gone on with."""
        return self.single_point is not None or self.vibrations is not None

    @property
    def energy_method(self) -> Method:
        """The method of the energies that are combined."""
        return self.single_point or self.method

    def is_probed(self, species: str, *, gas: bool = False) -> bool:
        """Return whether a state is vibrated as a probe, beside what is vibrated for free energies.

        Parameters
        ----------
        species : str
            Name of the adsorbate or the molecule.
        gas : bool
            Whether it is a molecule, with which no metal moves.
        """
        if self.probe is None or species != PROBE:
            return False
        return self.vibrations is None or (not gas and self.vibrations["metal"] != self.probe["metal"])

    def clean_requests(self, site: ActiveSite) -> list[Request]:
        """Return a request for each spin start of a clean site."""
        return [
            Request("clean", site.recipe, self.method, self.fmax, spin.multiplicity, site.charge, moments=spin.moments)
            for spin in clean_spins(self, site)
        ]

    def poses(self, site: ActiveSite, adsorbate: str) -> tuple[tuple[Placement, Atoms], ...]:
        """Return the poses of an adsorbate on a site."""
        return poses(site, adsorbate, **self._sampling)

    def count_poses(self, site: ActiveSite, adsorbate: str) -> int:
        """Return the number of poses of an adsorbate on a site."""
        return count_poses(site, adsorbate, **self._sampling)

    @property
    def _sampling(self) -> dict[str, Any]:
        turned = self.torsions == "all"
        return {"tilts": self.tilts, "azimuths": self.azimuths, "torsions": turned, "most": self.most}

    def adsorbed_requests(
        self,
        site: ActiveSite,
        parent: str,
        parent_multiplicity: int | None,
        adsorbate: str,
        parent_moments: Sequence[float] | None = None,
    ) -> list[tuple[Request, Atoms]]:
        """Return a request, with the atoms to start from, for each pose and spin of an adsorbate.

        Parameters
        ----------
        site : ActiveSite
            The relaxed clean site.
        parent : str
            Its request key.
        parent_multiplicity : int or None
            Its 2S + 1.
        adsorbate : str
            Name.
        parent_moments : sequence of float or None
            Final moments of its metals, Bohr magnetons, where the method gives them.
        """
        found = []
        species = adsorbates()[adsorbate]
        for placement, atoms in self.poses(site, adsorbate):
            # placements are told apart by their parameters; what is placed must be in the key as well
            content: list[Any] = [species.symbols, species.positions]
            if placement.mode != END_ON:
                content.append(species.mode(placement.mode).atoms)
            subject = {**placement.to_dict(), "start": content_key("start", content)[:16]}
            if adsorbate in self.own:
                # whoever runs or reads it may know no more of it than this
                subject["definition"] = self.own[adsorbate]
            spins = adsorbed_spins(self, site, atoms, adsorbate, placement.metals, parent_multiplicity, parent_moments)
            for multiplicity, moments in spins:
                request = Request(
                    "adsorbed", subject, self.method, self.fmax, multiplicity, site.charge, (parent,), moments
                )
                found.append((request, atoms))
        return found

    def molecule_request(self, name: str) -> Request:
        """Return the request of a gas reference, or of the atom or the bulk of a metal.

        In these nothing moves: they are calculated by the method of the energies at once, and have no single points.
        """
        gas = molecule(name)
        # a cell and moments came later, and are named only where there are any, so that gases keep their keys
        more = [gas.cell, gas.moments] if gas.cell else []
        start = content_key("start", [gas.symbols, gas.positions, *more])[:16]
        method, knows_spin = self.method, self.spin != "none"
        if gas.is_metal and self.single_point is not None:
            method, knows_spin = self.single_point, self.single_point_knows_spin
        spin = gas.multiplicity if knows_spin else None
        return Request("molecule", {"molecule": name, "start": start}, method, self.fmax, spin)

    def energy_request(self, state: Mapping[str, Any]) -> Request:
        """Return the request of the single point at a state, given by its reference."""
        assert self.single_point is not None
        spin = state["multiplicity"] if self.single_point_knows_spin else None
        subject = {"of": state["key"]}
        return Request("energy", subject, self.single_point, self.fmax, spin, state["charge"], (state["key"],))

    def electronic_request(self, state: Mapping[str, Any]) -> Request:
        """Return the request of the electronic structure of a clean state, given by its reference.

        It is that of the method whose energies are combined: the single point's where there is one, for it is the
        dearer, and the row of a site is its.
        """
        spin = state["multiplicity"] if self.single_point is None or self.single_point_knows_spin else None
        subject = {"of": state["key"]}
        return Request("electronic", subject, self.energy_method, self.fmax, spin, state["charge"], (state["key"],))


@cache
def terms_digest(corrections: str, gas_corrections: str = "none") -> str:
    """Return a digest of the terms behind the names of correction tables, so that a mended table makes new rows."""
    table = correction_tables().get(corrections)
    content = [table.convention, table.adsorbates, table.solvation] if table is not None else []
    # of tables with the gases' terms inside no other gas than these ever had a say
    gases: Iterable[str] = ("H2", "H2O", "O2", "H2O2")
    if table is not None and table.convention == "adsorbate":
        gases = [name for name, entry in molecules().items() if entry.thermal]
    thermal = {name: molecules()[name].thermal for name in gases}
    mended = gas_correction(gas_corrections)
    more = [mended.functionals] if mended is not None else []
    return content_key("terms", [content, thermal, *more])[:16]
