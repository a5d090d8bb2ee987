"""Explaining: which free energy or limiting potential a person means, and all of its sums for the screen."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from atomsieve.analysis.account import account
from atomsieve.analysis.surroundings import Surroundings
from atomsieve.structures.energies import AdsorptionEnergy, SiteLabel
from atomsieve.structures.errors import InputError, unknown
from atomsieve.structures.limiting import LimitingPotential
from atomsieve.workflows import reckoning, screen, sums
from atomsieve.workflows.checked import CheckedCampaign
from atomsieve.workflows.funnel import Level
from atomsieve.workflows.harvest import SiteRows

#: Sites that an error names.
SHOWN = 12


@dataclass(frozen=True)
class Choice:
    """What is to be explained, with all that it stands on.

    Parameters
    ----------
    site : SiteLabel
        The site.
    rows : mapping of str to AdsorptionEnergy
        By adsorbate.
    around : Surroundings
        What the conditions resolve to.
    potential : LimitingPotential or None
        None where it is one row.
    """

    site: SiteLabel
    rows: Mapping[str, AdsorptionEnergy]
    around: Surroundings
    potential: LimitingPotential | None


def choose(found: Sequence[Level], site: str | None, what: str | None) -> Choice:
    """Return what a person means.

    Parameters
    ----------
    found : sequence of Level
        All that is known of each stage; the last one that knows it counts.
    site : str or None
        A label, an unambiguous beginning of one, or of a key; may be left out where there is one site.
    what : str or None
        A reaction, or an adsorbate (``OH*``); may be left out where there is one reaction.

    Raises
    ------
    InputError
        If it is not there, or several are meant; names the nearest.
    """
    labels = _labels(found)
    if site is not None and what is None and len(labels) == 1 and not _matching(labels, site):
        # with one site its name may be left out
        site, what = None, site
    own = site_named(labels, site)
    reactions: dict[str, tuple[LimitingPotential, SiteRows]] = {}
    adsorbates: dict[str, tuple[AdsorptionEnergy, Surroundings]] = {}
    for checked, sites, _ in found:
        for known in sites:
            if any(row.site.key == own.key for row in known.rows.values()):
                around = known.around or checked.surroundings
                reactions |= {p.reaction: (p, known) for p in known.potentials}
                adsorbates |= {f"{name}*": (row, around) for name, row in known.rows.items()}
    names = [*reactions, *adsorbates]
    if what is None:
        if len(reactions) != 1:
            raise InputError(f"what of {own.label}? name one of {', '.join(names)}")
        what = next(iter(reactions))
    if what not in reactions and f"{what.removesuffix('*')}*" in adsorbates:
        name = what.removesuffix("*")
        row, around = adsorbates[f"{name}*"]
        return Choice(own, {name: row}, around, None)
    if what not in reactions:
        raise InputError(unknown(what, names, f"reaction or adsorbate of {own.label}"))
    potential, known = reactions[what]
    assert known.around is not None  # else there were no potential
    return Choice(own, known.rows, known.around, potential)


def _labels(found: Sequence[Level]) -> dict[str, SiteLabel]:
    labels = {row.site.key: row.site for _, sites, _ in found for known in sites for row in known.rows.values()}
    if not labels:
        raise InputError("there are no results yet; run the campaign first")
    return labels


def known_of(found: Sequence[Level], site: str | None) -> tuple[CheckedCampaign, SiteRows]:
    """Return the last stage that knows a site, and what it knows of it.

    Parameters
    ----------
    found : sequence of Level
        All that is known of each stage.
    site : str or None
        As in :func:`choose`.

    Raises
    ------
    InputError
        If there are no results, or the site is not one of theirs; names the nearest.
    """
    wanted = site_named(_labels(found), site)
    known = [
        (checked, own)
        for checked, sites, _ in found
        for own in sites
        if any(row.site.key == wanted.key for row in own.rows.values())
    ]
    return known[-1]


def _matching(labels: Mapping[str, SiteLabel], text: str) -> list[SiteLabel]:
    """Return the sites that a text may mean: the one of this label or key, else those that begin so."""
    exact = [site for site in labels.values() if text in (site.label, site.key)]
    folded = text.casefold()
    begun = [s for s in labels.values() if s.label.casefold().startswith(folded) or s.key.startswith(folded)]
    return exact[:1] if len(exact) == 1 else begun


def site_named(labels: Mapping[str, SiteLabel], text: str | None) -> SiteLabel:
    """Return the site that a text means: its label, an unambiguous beginning of it, or of its key.

    Raises
    ------
    InputError
        If there is none, or several are meant; names the nearest.
    """
    names = sorted(site.label for site in labels.values())
    matches = list(labels.values()) if text is None else _matching(labels, text)
    if len(matches) == 1:
        return matches[0]
    if text is None:
        raise InputError(f"which of {len(names):,} sites? name one of {_some(names)}")
    if matches:
        named = sorted(f"{site.label} [{site.key[:8]}]" for site in matches)
        raise InputError(f"{text!r} may be {len(matches):,} sites: {_some(named)}; write more of it")
    folded = {name.casefold(): name for name in names}
    near = [folded[name] for name in difflib.get_close_matches(text.casefold(), folded, n=5, cutoff=0.3)]
    raise InputError(f"no site {text!r} among {len(names):,}; nearest: {_some(near or names)}")


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def explain(choice: Choice, number: int, *, as_json: bool) -> None:
    """Print all sums of what was chosen.

    Parameters
    ----------
    choice : Choice
        What.
    number : int
        Which path of a reaction, the cheapest being 1.
    as_json : bool
        Print them unrounded and with full keys, for another program.
    """
    if choice.potential is None:
        (row,) = choice.rows.values()
        if as_json:
            screen.print_json({**row.to_dict(), "site": asdict(row.site)})
        else:
            reckoning.show_row(screen.console(), row, choice.around)
        return
    exact = account(choice.potential, choice.rows, choice.around, number=number)
    if as_json:
        own = {name: choice.rows[name].to_dict() for name in choice.potential.adsorption_energies}
        screen.print_json({**choice.potential.to_dict(), "account": exact.to_dict(), "rows": own})
        return
    rounded = account(choice.potential, choice.rows, choice.around, number=number, decimals=sums.DECIMALS)
    reckoning.show_account(screen.console(), choice.potential, choice.rows, choice.around, rounded)
