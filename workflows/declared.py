"""Declared: calculators that other packages of this environment declare as entry points.

Which code may calculate is said by what a person has installed, never by a campaign file or a database. An entry point
of the group ``atomsieve.calculators`` leads to a :class:`CalculatorEntry` with a ``version``, which is part of the
method.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

from atomsieve.structures.errors import CalculationError, FailureClass, InputError
from atomsieve.workflows.entry import CalculatorEntry
from atomsieve.workflows.order import Order

if TYPE_CHECKING:
    from ase import Atoms

GROUP = "atomsieve.calculators"
#: What a method says of a declared calculator, beside its settings.
PACKAGE, VERSION = "package", "version"


class Table(Mapping[str, CalculatorEntry]):
    """Calculators by name: those of atomsieve, then those of other packages, which are imported when asked for.

    Parameters
    ----------
    entries : iterable of CalculatorEntry
        Those of atomsieve.
    """

    def __init__(self, entries: Iterable[CalculatorEntry]) -> None:
        self.own = {entry.name: entry for entry in entries}
        self._loaded: dict[str, CalculatorEntry] = {}

    @cached_property
    def _points(self) -> dict[str, tuple[EntryPoint, ...]]:
        found: dict[str, tuple[EntryPoint, ...]] = {}
        for point in sorted(entry_points(group=GROUP), key=lambda point: (point.name, _package(point))):
            found[point.name] = (*found.get(point.name, ()), point)
        return found

    def __getitem__(self, name: str) -> CalculatorEntry:
        """Return an entry.

        Raises
        ------
        KeyError
            If there is none of this name.
        InputError
            If what a package declares under it cannot be used.
        """
        if name not in self._points:
            return self.own[name]
        if name not in self._loaded:
            self._loaded[name] = _load(name, self._points[name], is_taken=name in self.own)
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self.own or name in self._points

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self.own, *self._points]))

    def __len__(self) -> int:
        return len(self.own.keys() | self._points.keys())


def _package(point: EntryPoint) -> str:
    """Return the name of the distribution that declares an entry point."""
    return str(point.dist.name) if point.dist is not None else point.module


def _load(name: str, points: tuple[EntryPoint, ...], *, is_taken: bool) -> CalculatorEntry:
    """Return the entry that a package declares, with its package and version in every method made of it."""
    packages = [_package(point) for point in points]
    whose = f"the calculator {name!r} of {' and '.join(packages)} cannot be used"
    if is_taken or len(points) > 1:
        others = "atomsieve has" if is_taken else "several packages have"
        raise InputError(f"{whose}: {others} one of this name; rename it under [project.entry-points.'{GROUP}']")
    (point,), (package,) = points, packages
    try:
        entry = point.load()
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        raise InputError(f"{whose}: {point.value} cannot be imported ({text}); install {package} again") from error
    if problem := _problem(entry, name):
        raise InputError(f"{whose}: {point.value} {problem}")
    assert isinstance(entry, CalculatorEntry)
    stated = {PACKAGE: package, VERSION: entry.version}

    def tags(settings: Mapping[str, Any]) -> dict[str, Any]:
        return {**(entry.tags(settings) if entry.tags is not None else {}), **stated}

    def verified(make: Callable[[Order, Atoms], Any] | None) -> Callable[[Order, Atoms], Any] | None:
        def made(order: Order, atoms: Atoms) -> Any:
            settings = dict(order.settings)
            wanted = {tag: settings.pop(tag) for tag in stated}
            if wanted != stated:
                raise CalculationError(
                    f"{name} was asked for as version {wanted[VERSION]!r} of {wanted[PACKAGE]}, but here is "
                    f"{stated[VERSION]!r} of {package}; install the same on every machine of a campaign",
                    FailureClass.MEND,
                )
            return make(replace(order, settings=settings), atoms)  # type: ignore[misc]

        return made if make is not None else None

    return replace(
        entry,
        tags=tags,
        calculator=verified(entry.calculator),
        program=verified(entry.program),
        electronic=verified(entry.electronic),
    )


def _problem(entry: object, name: str) -> str:
    """Return what is wrong with what an entry point leads to; nothing where it can be used."""
    if not isinstance(entry, CalculatorEntry):
        return f"is a {type(entry).__name__}; it must be an atomsieve.workflows.calculators.CalculatorEntry"
    if entry.name != name:
        return f"is named {entry.name!r}; its name and that of the entry point must be the same"
    if not entry.version:
        return "has no version; state one, version='1', and another whenever its energies change"
    if clash := entry.settings.keys() & {PACKAGE, VERSION}:
        return f"has a setting {min(clash)!r}, which is what a method calls its origin; rename it"
    if entry.calculator is None and entry.program is None:
        return "has neither calculator nor program; give one that makes an ASE calculator"
    return ""
