"""Grammar: how criteria are written; text is read by it, never run as code.

::

    condition = quantity ["of" name] ("<" | "<=" | ">" | ">=") number [unit]      free energy of OH < 1.5 eV
              | quantity ["of" name] (":" | "is" | "is not") word {"or" word}     verdict of OH is bound
    ranking   = "top" number "by" ["lowest" | "highest"] quantity ["of" name]     top 20 by overpotential of ORR

Quantities may be written in upper or lower case and with any spaces; names are those of reactions and adsorbates.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from ase.data import chemical_symbols

from atomsieve.structures.criterion import COMPARE, QUANTITIES, Condition, Ranking, named
from atomsieve.structures.errors import InputError, unknown
from atomsieve.structures.judgement import Verdict
from atomsieve.structures.reaction import reaction

_ALIASES = {"adsorption free energy": "free energy", "electronic adsorption energy": "adsorption energy"}
_VERDICTS = tuple(str(verdict) for verdict in Verdict if verdict != Verdict.INTACT)
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?) ?([a-z]*)", re.IGNORECASE)
# names of reactions with some of their routes hold a colon: NRR:distal
_COMPARISON = re.compile(r"([^<>=]+?) ?(<=|>=|<|>) ?([^<>=:]+)")
_STATEMENT = re.compile(r"([^<>=:]+?)(?: ?(:) ?| (is not|is) )([^<>=:]+)", re.IGNORECASE)
_RANKING = re.compile(r"top (\d{1,9}) by (?:(lowest|highest) )?([^<>=]+)", re.IGNORECASE)
#: Longer texts are no criteria.
_LONGEST = 300
#: Names of reactions, adsorbates and families that a criterion may use, by ``reaction``, ``adsorbate``, ``family``.
Names = Mapping[str, Sequence[str]]


def parse_condition(text: str, names: Names) -> Condition:
    """Read a condition.

    Parameters
    ----------
    text : str
        As ``overpotential of ORR < 0.8 V``, ``verdict: bound`` or ``metal is not Hg or Cd``.
    names : mapping of str to sequence of str
        What may be named: the ``reaction``, ``adsorbate`` and ``family`` that are there to be judged, and the words of
        ``stability`` where that is calculated.

    Raises
    ------
    InputError
        Says what is not understood, and what is allowed.
    """
    tidy = _tidy(text)
    if match := _COMPARISON.fullmatch(tidy):
        quantity, of = _quantity(match[1], names)
        unit = QUANTITIES[quantity].unit
        if not unit:
            raise InputError(f"{quantity!r} is no number; write `{quantity} is ...` or `{quantity} is not ...`")
        if of is None and QUANTITIES[quantity].kind != "stability":
            raise InputError(_lacks_name(quantity, names))
        return Condition(quantity, of, match[2], _value(match[3], unit))
    if match := _STATEMENT.fullmatch(tidy):
        quantity, of = _quantity(match[1], names)
        if QUANTITIES[quantity].unit:
            raise InputError(f"{quantity!r} is a number; compare it by one of {', '.join(COMPARE)}")
        words = [word.strip() for word in re.split(r" or ", match[4], flags=re.IGNORECASE)]
        relation = match[3].casefold() if match[3] else "is"
        if quantity == "verdict" and relation == "is not" and f"not {words[0]}" in _VERDICTS:
            # `not converged` is one verdict, and `is not converged` says so
            relation, words = "is", [f"not {words[0]}", *words[1:]]
        return Condition(quantity, of, relation, tuple(_word(quantity, word, names) for word in words))
    raise InputError(
        f"{_short(text)} is no condition; write one as `overpotential of ORR < 0.8 V` or `verdict: bound`, with one "
        f"of {', '.join(QUANTITIES)}"
    )


def parse_ranking(text: str, names: Names) -> Ranking:
    """Read a ranking; see :func:`parse_condition`.

    Where the text does not say ``lowest`` or ``highest``, the best come first: low overpotentials, and limiting
    potentials that are high for a reduction and low for an oxidation. Energies have no best end.
    """
    match = _RANKING.fullmatch(_tidy(text))
    if match is None:
        raise InputError(f"{_short(text)} is no ranking; write it as `top 20 by overpotential of ORR`")
    quantity, of = _quantity(match[3], names)
    if not QUANTITIES[quantity].unit:
        ranked = ", ".join(name for name, entry in QUANTITIES.items() if entry.unit)
        raise InputError(f"sites cannot be ranked by {quantity!r}, which is no number; allowed: {ranked}")
    if of is None and QUANTITIES[quantity].kind != "stability":
        raise InputError(_lacks_name(quantity, names))
    if int(match[1]) < 1:
        raise InputError(f"{_short(text)} lets no site pass; write 1 or more")
    if match[2]:
        highest = match[2].casefold() == "highest"
    elif of is not None and QUANTITIES[quantity].kind == "reaction":
        highest = quantity == "limiting potential" and reaction(of).is_reduction
    else:
        raise InputError(f"{quantity!r} has no best end; write `lowest {named(quantity, of)}` or `highest ...`")
    return Ranking(int(match[1]), quantity, of, highest)


def _quantity(text: str, names: Names) -> tuple[str, str | None]:
    """Return the name of a quantity, and of what it is one."""
    name, *rest = re.split(r" of ", text.strip(), maxsplit=1, flags=re.IGNORECASE)
    name = _ALIASES.get(name.casefold(), name.casefold())
    if name not in QUANTITIES:
        raise InputError(unknown(_clipped(name), QUANTITIES, "quantity"))
    kind = QUANTITIES[name].kind
    if kind == "stability" and not names.get("stability"):
        raise InputError(f"{name!r} is not calculated here; ask for it by a section `stability:` of the campaign")
    if not rest:
        return name, None
    of = rest[0].strip()
    if kind in ("site", "stability"):
        raise InputError(f"{name!r} is of the site; leave out 'of {_clipped(of)}'")
    of = of.removesuffix("*") if kind == "adsorbate" else of
    if of not in names[kind]:
        raise InputError(f"{unknown(_clipped(of), names[kind] or ['none'], kind)} (what this stage computes)")
    return name, of


def _lacks_name(quantity: str, names: Names) -> str:
    kind = QUANTITIES[quantity].kind
    known = ", ".join(f"`{quantity} of {name}`" for name in names[kind]) or f"none: this stage computes no {kind}"
    return f"{quantity!r} is that of which {kind}? allowed: {known}"


def _value(text: str, unit: str) -> float:
    match = _NUMBER.fullmatch(text.strip())
    value = float(match[1]) if match is not None else math.nan
    if match is None or not math.isfinite(value):
        raise InputError(f"{_short(text)} is not a number; write one as `0.8` or `0.8 {unit}`")
    if match[2] and match[2] != unit:
        raise InputError(f"unknown unit {match[2]!r}; allowed: {unit}, or none, which means the same")
    return value


def _word(quantity: str, word: str, names: Names) -> str:
    allowed: Sequence[str] = _VERDICTS
    if quantity == "metal":
        allowed = chemical_symbols[1:]
        for symbol in word.split("-"):
            if symbol not in allowed:
                raise InputError(f"{_short(symbol)} is no chemical symbol; write a metal as Fe, or several as Fe-Co")
        return word
    if quantity in ("family", "stability"):
        allowed = names[quantity]
    if word not in allowed:
        raise InputError(unknown(_clipped(word), allowed, quantity))
    return word


def _tidy(text: str) -> str:
    if len(text) > _LONGEST:
        raise InputError(f"{_short(text)} has {len(text)} characters; a criterion has at most {_LONGEST}")
    return " ".join(text.translate({ord("≤"): "<=", ord("≥"): ">=", ord("−"): "-"}).split())


def _clipped(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


def _short(text: str) -> str:
    return repr(_clipped(" ".join(text.split())))
