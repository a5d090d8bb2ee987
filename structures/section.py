"""Section: a part of a campaign file, read into a frozen model that refuses what it does not know."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from atomsieve.structures.units import ABSOLUTE_SHE, ROOM_TEMPERATURE

#: What a campaign, or a stage, may be called.
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"

#: The adsorbate whose stretch tells of a site.
PROBE = "CO"

#: A pressure or an activity.
Amount = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Section(BaseModel):
    """A mapping that refuses keys which it does not know, and values of another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class MethodSection(Section):
    """Which calculator, and its settings.

    Parameters
    ----------
    calculator : str
        Its name.
    settings : dict
        Its settings; what is not stated has its default.
    """

    calculator: str
    settings: dict[str, Any] = Field(default_factory=dict)


class RelaxationSection(Section):
    """When a relaxation has converged, and how it gets there.

    Parameters
    ----------
    fmax : float
        Largest force on any atom, eV/Å.
    max_steps : int
        Steps after which it counts as not converged.
    optimizer : {"BFGS", "LBFGS", "FIRE"}
        Of ASE; codes with an optimiser of their own use that.
    ladder : bool
        Whether other numerics are tried where a self-consistent field or a geometry does not converge.
    """

    fmax: Annotated[float, Field(ge=0.001, le=0.5)] = 0.05
    max_steps: Annotated[int, Field(ge=1, le=10000)] = 300
    optimizer: Literal["BFGS", "LBFGS", "FIRE"] = "BFGS"
    ladder: bool = True


class SpinSection(Section):
    """Which spin states are tried.

    Parameters
    ----------
    clean : {"scan", "fixed"} or int
        ``scan``: every state of the metals' d shells; ``fixed``: the first of these; a number: so many multiplicities.
    adsorbed : {"inherit", "scan", "fixed"} or int
        The same with an adsorbate; ``inherit``: those next to the clean site's.
    """

    clean: Literal["scan", "fixed"] | Annotated[int, Field(ge=1, le=6)] = "scan"
    adsorbed: Literal["inherit", "scan", "fixed"] | Annotated[int, Field(ge=1, le=6)] = "inherit"


class PrerelaxationSection(Section):
    """A cheaper method that relaxes every start first.

    Parameters
    ----------
    calculator : str
        Its name.
    settings : dict
        Its settings.
    fmax : float
        Largest force on any atom, eV/Å.
    max_steps : int
        Steps after which it stops.
    keep : int or None
        At most so many distinct poses of each spin go on; all of them unless given.
    """

    calculator: str
    settings: dict[str, Any] = Field(default_factory=dict)
    fmax: Annotated[float, Field(ge=0.001, le=0.5)] = 0.1
    max_steps: Annotated[int, Field(ge=1, le=10000)] = 200
    keep: Annotated[int, Field(ge=1, le=100)] | None = None


class PosesSection(Section):
    """How many orientations of an adsorbate are tried.

    Parameters
    ----------
    tilts : list of float
        How far it leans from the open direction, degrees.
    azimuths : int
        Turns about that direction.
    most : int or None
        At most so many distinct poses; all of them unless given.
    torsions : {"start", "all"}
        ``all`` also turns the bonds within the adsorbate; ``start`` leaves them as tabulated.
    """

    tilts: Annotated[list[Annotated[float, Field(ge=0, le=60)]], Field(min_length=1, max_length=6)] = [0.0]
    azimuths: Annotated[int, Field(ge=1, le=24)] = 8
    most: Annotated[int, Field(ge=1, le=100)] | None = None
    torsions: Literal["start", "all"] = "start"


class ConditionsSection(Section):
    """Where free energies are evaluated.

    Parameters
    ----------
    temperature : float
        K; tabulated terms hold at 298.15 alone.
    pH : float
        Of the solution.
    potential : float
        V.
    scale : {"RHE", "SHE", "absolute"}
        What the potential refers to.
    she : float
        Absolute potential of the standard hydrogen electrode, V; for the scale ``absolute``.
    phases : dict
        By molecule its phase, where it is not the usual one.
    pressures : dict
        By gas its pressure, bar; 1 where nothing is stated.
    activities : dict
        By dissolved species its activity; 1 where nothing is stated.
    """

    temperature: Annotated[float, Field(gt=0, le=1000)] = ROOM_TEMPERATURE
    pH: Annotated[float, Field(ge=-1, le=15)] = 0.0  # noqa: N815 - the field's own spelling
    potential: Annotated[float, Field(ge=-5, le=5)] = 0.0
    scale: Literal["RHE", "SHE", "absolute"] = "RHE"
    she: Annotated[float, Field(ge=4, le=5)] = ABSOLUTE_SHE
    phases: dict[str, Literal["g", "aq", "l"]] = Field(default_factory=dict)
    pressures: dict[str, Amount] = Field(default_factory=dict)
    activities: dict[str, Amount] = Field(default_factory=dict)

    def resolved(self) -> dict[str, Any]:
        """Return plain data; what came later is named only where it is used, so that older results keep their keys."""
        later = {name: getattr(self, name) for name in ("phases", "pressures", "activities")}
        found = {name: getattr(self, name) for name in ("temperature", "pH", "potential", "scale")}
        found |= {"she": self.she} if self.scale == "absolute" else {}
        return found | {name: dict(value) for name, value in later.items() if value}


class ThermochemistrySection(Section):
    """What turns electronic energies into free energies.

    Parameters
    ----------
    corrections : str
        A table of corrections, ``harmonic`` or ``quasi-harmonic`` for calculated vibrations, or ``none``.
    gases : {"experiment", "computed"}
        Where the free energies of reactants and products come from.
    gas_corrections : str
        A table of a functional's errors for gases, or ``none``.
    solvation : {"none", "table"}
        Whether tabulated solvation of metal surfaces is added.
    displacement : float
        Of an atom for vibrations, Å.
    floor : float
        Wavenumber to which ``quasi-harmonic`` raises lower modes, cm⁻¹.
    metal : bool
        Whether the metals are displaced as well.
    follow : bool
        Whether a geometry is relaxed again along an imaginary mode.
    """

    corrections: str = "norskov"
    gases: Literal["experiment", "computed"] = "experiment"
    gas_corrections: str = "none"
    solvation: Literal["none", "table"] = "none"
    displacement: Annotated[float, Field(ge=0.001, le=0.1)] = 0.01
    floor: Annotated[float, Field(gt=0, le=500)] = 100.0
    metal: bool = False
    follow: bool = False


class StabilitySection(Section):
    """What a site must withstand, and what that is calculated from.

    Parameters
    ----------
    metals : {"auto", "bulk", "cohesive", "mixed"}
        How bulk metals are known: by the same method, from free atoms and the experimental cohesive energy, or without
        U and with the correction that is published for mixing; ``auto`` takes the first of them that is possible.
    activity : float
        Of the dissolved metal, mol/kg.
    demetallation : bool
        Whether the site with hydrogen in its metal's place is calculated.
    aggregation : bool
        Whether the site with a second atom of its metal is calculated.
    ligands : dict of str to float
        What else is around and may cover the site: molecules with their pressures (bar) or activities (mol/kg).
    """

    metals: Literal["auto", "bulk", "cohesive", "mixed"] = "auto"
    activity: Amount = 1e-6
    demetallation: bool = True
    aggregation: bool = True
    ligands: dict[str, Amount] = Field(default_factory=dict)


class DescriptorsSection(Section):
    """What is calculated for descriptors alone.

    Parameters
    ----------
    electronic : bool
        Whether charges, moments and the d-band of the lowest clean state are calculated.
    """

    electronic: bool = False


class FingerprintsSection(Section):
    """By what an experiment would recognise a site.

    Parameters
    ----------
    co_stretch : bool
        Whether carbon monoxide is put on each site, and its vibrations are calculated there and as a gas, wherever the
        free energies come from; in the last stage, where there are several.
    metal : bool
        Whether the metals move in these vibrations as well.
    """

    co_stretch: bool = False
    metal: bool = False


class ResultsSection(Section):
    """Where results go.

    Parameters
    ----------
    folder : str or None
        Relative to the file; ``atomsieve-data`` unless given.
    database : {"embedded", "mongodb"} or None
        A file in the folder, or the server of the settings; the server where one is named unless given.
    """

    folder: str | None = None
    database: Literal["embedded", "mongodb"] | None = None
