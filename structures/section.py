"""Section: a part of a campaign file, read into a frozen model that refuses what it does not know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

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
    """Which calculator, and its settings."""

    calculator: str
    settings: dict[str, Any] = Field(default_factory=dict)


class RelaxationSection(Section):
    """When a relaxation has converged, and how it gets there."""

    fmax: Annotated[float, Field(ge=0.001, le=0.5)] = 0.05
    max_steps: Annotated[int, Field(ge=1, le=10000)] = 300
    optimizer: Literal["BFGS", "LBFGS", "FIRE"] = "BFGS"
    ladder: bool = True


class SpinSection(Section):
    """Which spin states are tried."""

    clean: Literal["scan", "fixed"] | Annotated[int, Field(ge=1, le=6)] = "scan"
    adsorbed: Literal["inherit", "scan", "fixed"] | Annotated[int, Field(ge=1, le=6)] = "inherit"


class PrerelaxationSection(Section):
    """A cheaper method that relaxes every start first."""

    calculator: str
    settings: dict[str, Any] = Field(default_factory=dict)
    fmax: Annotated[float, Field(ge=0.001, le=0.5)] = 0.1
    max_steps: Annotated[int, Field(ge=1, le=10000)] = 200
    keep: Annotated[int, Field(ge=1, le=100)] | None = None


class PosesSection(Section):
    """How many orientations of an adsorbate are tried."""

    tilts: Annotated[list[Annotated[float, Field(ge=0, le=60)]], Field(min_length=1, max_length=6)] = [0.0]
    azimuths: Annotated[int, Field(ge=1, le=24)] = 8
    most: Annotated[int, Field(ge=1, le=100)] | None = None
    torsions: Literal["start", "all"] = "start"


class ConditionsSection(Section):
    """Where free energies are evaluated."""

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
    """What turns electronic energies into free energies."""

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
    demetallation, aggregation : bool
        Whether the hydrogenated site, and the site with a second metal atom, are calculated.
    ligands : dict of str to float
        What else is around and may cover the site: molecules with their pressures (bar) or activities (mol/kg).
    """

    metals: Literal["auto", "bulk", "cohesive", "mixed"] = "auto"
    activity: Amount = 1e-6
    demetallation: bool = True
    aggregation: bool = True
    ligands: dict[str, Amount] = Field(default_factory=dict)


class DescriptorsSection(Section):
    """What is calculated for descriptors alone."""

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
    """Where results go."""

    folder: str | None = None
    database: Literal["embedded", "mongodb"] | None = None


def _conditions(value: Any) -> Any:
    """Take one condition for a list of them, and ``verdict: bound`` for the text that it is to YAML elsewhere."""
    entries = value if isinstance(value, list) else [value]
    texts = []
    for entry in entries:
        pairs = entry.items() if isinstance(entry, Mapping) else [(entry, None)]
        for key, words in pairs:
            listed = " or ".join(map(str, words)) if isinstance(words, list) else words
            texts.append(key if listed is None else f"{key}: {listed}")
    return texts


class StageSection(Section):
    """One stage of a campaign: what is done there, and what passes on.

    Parameters
    ----------
    name : str
        Letters, digits, dots, dashes and underscores.
    method : MethodSection
        Its method.
    reactions, adsorbates : list of str or None
        What is computed; all that the campaign names where neither is stated.
    where : list of str
        Conditions that a site must fulfil to pass on.
    verdict : str or None
        The verdict that every adsorbate must have to pass on.
    keep : str or None
        How many of those that fulfil all conditions pass on, and by what they are ranked.
    relaxation, spin, poses, thermochemistry, descriptors, prerelaxation, single_point, stability
        In place of the campaign's; of the first five what is not stated is as in the campaign's; ``stability: false``
        leaves that to other stages.
    """

    name: Annotated[str, Field(pattern=NAME)]
    method: MethodSection
    reactions: list[str] | None = None
    adsorbates: list[str] | None = None
    where: Annotated[list[str], BeforeValidator(_conditions)] = Field(default_factory=list)
    verdict: str | None = None
    keep: str | None = None
    relaxation: RelaxationSection | None = None
    spin: SpinSection | None = None
    poses: PosesSection | None = None
    thermochemistry: ThermochemistrySection | None = None
    descriptors: DescriptorsSection | None = None
    prerelaxation: PrerelaxationSection | None = None
    single_point: MethodSection | None = None
    stability: StabilitySection | Literal[False] | None = None
