"""Prose: numbers, names and lists as a sentence holds them."""

from __future__ import annotations

from collections.abc import Iterable

_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def listed(items: Iterable[str], word: str = "and") -> str:
    """Return items as a list in a sentence: ``O*, OH* and OOH*``."""
    every = list(items)
    if len(every) < 2:
        return "".join(every)
    return f"{', '.join(every[:-1])} {word} {every[-1]}"


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return so many things: ``1 site``, ``1,000 sites``."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def spelled(number: int) -> str:
    """Return a small whole number as a word."""
    return _WORDS[number] if 0 <= number < len(_WORDS) else f"{number:,}"


def number(value: float, form: str = ".6g") -> str:
    """Return a number as short as it is stated: ``300``, ``−0.05``, ``10⁻⁶``."""
    mantissa, _, power = f"{value:{form}}".replace("-", "−").partition("e")
    if not power:
        return mantissa
    raised = str(int(power.replace("−", "-"))).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10{raised}" if mantissa == "1" else f"{mantissa} × 10{raised}"


def sentence(text: str) -> str:
    """Return a text as a sentence: a capital, where it begins with a word, and a full stop."""
    text = text.strip()
    return (text[:1].upper() + text[1:] if text[:2].islower() or text[1:2] == " " else text).rstrip(".") + "."
