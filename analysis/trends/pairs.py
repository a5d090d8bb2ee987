"""Pairs: which sites have both energies of a scaling relation, and why the others do not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from atomsieve.analysis.electrode import CONVENTIONS
from atomsieve.analysis.one_method import of_one_method
from atomsieve.analysis.trends.scaling import OUTLIER_LEVEL, ScalingRelation, require_settings, scaling
from atomsieve.structures.adsorbate import adsorbate
from atomsieve.structures.energies import AdsorptionEnergy
from atomsieve.structures.errors import InputError, MethodMismatchError, unknown
from atomsieve.structures.judgement import Verdict

#: What is fitted unless something is asked for: (x, y), where both bind through the same atom.
PAIRS = (
    ("OH", "OOH"),
    ("OH", "O"),
    ("CO", "COOH"),
    ("CO", "CHO"),
    ("CO", "COH"),
    ("N", "NNH"),
    ("N", "NH"),
    ("N", "NH2"),
)
#: What sites may be told apart by.
GROUPS = ("family", "metals")
By = Literal["family", "metals"]

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Scalings:
    """Scaling relations of many sites.

    Parameters
    ----------
    relations : tuple of ScalingRelation
        In the order of the pairs, then of the groups.
    refused : mapping of (str, str, str) to str
        By x, y and group why there is no line.
    left_out : mapping of (str, str) to mapping of str to str
        By x and y the sites that lack one of the two, by their labels, and why.
    """

    relations: tuple[ScalingRelation, ...]
    refused: Mapping[tuple[str, str, str], str]
    left_out: Mapping[tuple[str, str], Mapping[str, str]]

    def of(self, x: str, y: str, group: str = "") -> ScalingRelation:
        """Return one of the relations.

        Raises
        ------
        InputError
            If there is none; says why.
        """
        for relation in self.relations:
            if (relation.x, relation.y, relation.group) == (x, y, group):
                return relation
        raise InputError(self.refused.get((x, y, group), f"{y}* over {x}* was not asked for; add it to the pairs"))


def scalings(
    rows: Iterable[AdsorptionEnergy | Document],
    adsorbates: Iterable[tuple[str, str]] | None = None,
    *,
    by: By | None = None,
    method: str | None = None,
    slope: float | None = None,
    intercept: float | None = None,
    outlier_level: float = OUTLIER_LEVEL,
) -> Scalings:
    """Fit scaling relations to rows of adsorption energies.

    Parameters
    ----------
    rows : iterable of AdsorptionEnergy or mapping
        Of one method and one convention. Of two for the same slot the later one counts.
    adsorbates : iterable of (str, str), optional
        Pairs of adsorbates, x first; those of :data:`PAIRS` of which the rows know both unless given.
    by : {"family", "metals"}, optional
        Fit each family of supports, or each number of metals, for itself.
    method : str, optional
        Which method, where there are several; see :func:`~atomsieve.analysis.one_method.of_one_method`.
    slope, intercept : float, optional
        What is held fixed (eV), see :func:`~atomsieve.analysis.trends.scaling.scaling`.
    outlier_level : float
        See there.

    Raises
    ------
    MethodMismatchError
        If the rows come from methods that do not go together.
    InputError
        If they mix conventions (corrections, solvation, temperature), an adsorbate is unknown, or sites cannot be told
        apart by that.
    """
    if by is not None and by not in GROUPS:
        raise InputError(unknown(by, GROUPS, "way to group sites"))
    require_settings(slope, intercept, outlier_level)
    documents = of_one_method([row.to_dict() if isinstance(row, AdsorptionEnergy) else row for row in rows], method)
    _require_one_convention(documents)
    by_site: dict[str, dict[str, Document]] = {}
    for document in documents:
        by_site.setdefault(str(document["site"]["key"]), {})[str(document["adsorbate"])] = document
    known = {name for own in by_site.values() for name in own}
    pairs = (
        [pair for pair in PAIRS if known.issuperset(pair)]
        if adsorbates is None
        else [(adsorbate(x).name, adsorbate(y).name) for x, y in adsorbates]
    )
    relations: list[ScalingRelation] = []
    refused: dict[tuple[str, str, str], str] = {}
    left_out: dict[tuple[str, str], dict[str, str]] = {}
    for x, y in pairs:
        groups: dict[str, list[tuple[str, float, float]]] = {}
        left_out[x, y] = {}
        for own in by_site.values():
            site = next(iter(own.values()))["site"]
            mine = groups.setdefault(_group(site, by), [])
            if (why := _objection(own, x, y)) is None:
                mine.append((str(site["label"]), float(own[x]["free"]), float(own[y]["free"])))
            else:
                left_out[x, y][str(site["label"])] = why
        for group, found in sorted(groups.items()):
            titles, xs, ys = zip(*found, strict=True) if found else ((), (), ())
            try:
                relation = scaling(
                    xs,
                    ys,
                    names=(x, y),
                    labels=titles,
                    slope=slope,
                    intercept=intercept,
                    outlier_level=outlier_level,
                    group=group,
                )
                relations.append(relation)
            except InputError as error:
                refused[x, y, group] = str(error)
    return Scalings(tuple(relations), refused, left_out)


def _group(site: Mapping[str, Any], by: By | None) -> str:
    if by is None:
        return ""
    if by == "family":
        return str(site["family"])
    number = len(site["metals"])
    return f"{number} metal{'s' if number > 1 else ''}"


def _objection(own: Mapping[str, Document], x: str, y: str) -> str | None:
    """Return why a site has no place on the line of a pair."""
    for name in (x, y):
        if name not in own:
            return f"{name}*: not calculated"
        if own[name]["verdict"] != Verdict.BOUND or own[name]["free"] is None:
            return f"{name}*: {own[name]['verdict']} ({own[name]['reason']})"
    if own[x]["calculations"].get("clean") != own[y]["calculations"].get("clean"):
        return f"{x}* and {y}* stand on different clean states"
    return None


def _require_one_convention(documents: Sequence[Document]) -> None:
    for setting in CONVENTIONS:
        found = {repr(document["policy"].get(setting)): str(document["site"]["label"]) for document in documents}
        if len(found) > 1:
            stated = ", ".join(f"{value} ({site})" for value, site in found.items())
            raise MethodMismatchError(f"rows differ in {setting}: {stated}; one line, one convention")
