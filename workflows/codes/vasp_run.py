"""Run of VASP: an order and atoms in, through atomate2's maker and custodian, an answer out.

Each start has a folder of its own, ``vasp-1``, ``vasp-2`` ..., so that nothing of a run that was killed is taken for
the next one's; a relaxation goes on from the last geometry that the run before wrote.
"""

from __future__ import annotations

import contextlib
import gzip
import shutil
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from atomsieve.structures.errors import CalculationError, FailureClass
from atomsieve.workflows.codes.periodicity import boxed, vacuum_axes
from atomsieve.workflows.codes.vasp_electronic import LARGE, electronic
from atomsieve.workflows.codes.vasp_inputs import METHOD_TAGS, input_generator
from atomsieve.workflows.codes.vasp_installation import MEND, missing
from atomsieve.workflows.order import Order, Relaxed

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

#: Handlers of custodian that change the smearing or the k-points, and with them the method.
UNWANTED = frozenset({"LargeSigmaHandler", "IncorrectSmearingHandler", "KspacingMetalHandler"})


def run(order: Order, atoms: Atoms) -> Relaxed:
    """Relax atoms with VASP, or evaluate them where they are.

    Parameters
    ----------
    order : Order
        What is asked.
    atoms : ase.Atoms
        With start moments (μB) and constraints; not changed.

    Returns
    -------
    Relaxed
        The energy is that extrapolated to a smearing of zero width, E(σ→0), as ASE and atomate2 have it; the forces
        belong to the free energy. Dispersion and dipole correction are in both.

    Raises
    ------
    CalculationError
        If VASP cannot be run, does not come to an end, is not self-consistent, or was made to compute something else.
    """
    if order.charge:
        raise CalculationError(
            f"a charge of {order.charge} e in a periodic cell has no energy without a correction; make the site "
            "neutral, by its ligands or its counter-ions, or use a code for molecules"
        )
    if lacks := missing():
        raise CalculationError(f"VASP cannot run here: there is no {' and no '.join(lacks)}; {MEND}")
    start = boxed(atoms)
    grouped = grouping(start)
    start = start[grouped]
    if order.steps:
        _go_on(start, order.directory)
    directory = order.directory / f"vasp-{len(_runs(order.directory)) + 1}"
    directory.mkdir()
    if (waves := first_waves(order)) is not None:
        _vasp(waves, start, directory / "waves", keep_waves=True)
        _unpack(directory / "waves" / "WAVECAR", directory / "WAVECAR")
    document, notes = _vasp(order, start, directory)
    answer = _answer(order, atoms, grouped, document, notes)
    if order.electronic:
        held = bool(order.settings.get("total_spin") == "held" and order.multiplicity is not None)
        answer.electronic = electronic(directory, np.argsort(grouped).tolist(), answer.moments, held=held)
        for path in (directory / f"{name}{suffix}" for name in LARGE for suffix in ("", ".gz")):
            path.unlink(missing_ok=True)
    return answer


def grouping(atoms: Atoms) -> NDArray[np.intp]:
    """Return the order in which the atoms of each element come together, the least electronegative first.

    POTCAR holds one potential for each element, in the order of POSCAR; the generator of atomate2 0.1.5 says that it
    sorts, and does not.
    """
    from pymatgen.core.periodic_table import Element

    kinds = sorted({Element(symbol) for symbol in atoms.symbols})
    rank = {element.symbol: index for index, element in enumerate(kinds)}
    return np.argsort([rank[symbol] for symbol in atoms.symbols], kind="stable")


def first_waves(order: Order) -> Order | None:
    """Return what is computed first for its wave functions alone, where the authors of a method advise so.

    A hybrid functional starts from those of PBE (VASP's wiki), an implicit solvent from those in vacuum (VASPsol's
    ``USAGE``).
    """
    settings = order.settings
    plain = {**settings, "solvent": "none"}
    if settings["functional"] == "HSE06":
        plain |= {"functional": "PBE", "algorithm": "Normal"}
    return replace(order, settings=plain, steps=0, electronic=False) if plain != dict(settings) else None


def _vasp(order: Order, atoms: Atoms, directory: Path, *, keep_waves: bool = False) -> tuple[Any, list[str]]:
    """Run VASP in a folder; return atomate2's document, and what a person should know."""
    from atomate2.vasp.jobs.base import BaseVaspMaker
    from atomate2.vasp.run import DEFAULT_HANDLERS
    from custodian.custodian import CustodianError
    from pymatgen.io.ase import AseAtomsAdaptor
    from pymatgen.io.vasp.inputs import PmgVaspPspDirError

    directory.mkdir(exist_ok=True)
    generator = input_generator(order, atoms, keep_waves=keep_waves)
    maker = BaseVaspMaker(
        name=f"vasp {atoms.get_chemical_formula()}",
        input_set_generator=generator,
        # what a settings file adds to every INCAR would be no part of the method
        write_input_set_kwargs={"apply_incar_updates": False},
        run_vasp_kwargs={"handlers": [h for h in DEFAULT_HANDLERS if type(h).__name__ not in UNWANTED]},
        stop_children_kwargs={"handle_unsuccessful": False},
        task_document_kwargs={
            "store_additional_json": False,
            "parse_dos": False,
            "parse_bandstructure": False,
        },
    )
    structure = AseAtomsAdaptor.get_structure(atoms)
    try:
        with contextlib.chdir(directory), _remembered() as said:
            asked = generator.get_input_set(structure)
            _refuse_other_potentials(asked, order.settings["pseudopotentials"])
            document = BaseVaspMaker.make.original(maker, structure).output
    except CustodianError as error:
        raise CalculationError(f"custodian gave up: {error}", FailureClass.OTHER_SETTINGS) from error
    except (PmgVaspPspDirError, FileNotFoundError) as error:
        raise CalculationError(f"VASP could not be run, or left no output: {error}; {MEND}") from error
    finally:
        # potentials are licensed, and a folder of results may be handed on; wave functions are large
        for name in ("POTCAR", "POTCAR.orig", *(() if keep_waves else ("WAVECAR",))):
            for suffix in ("", ".gz"):
                (directory / f"{name}{suffix}").unlink(missing_ok=True)
    notes = [*said, *_corrections(document)]
    mesh = None if len(vacuum_axes(atoms)) == 3 else generator.user_kpoints_settings.kpts[0]
    if changed := _changes(asked["INCAR"], mesh, document):
        raise CalculationError(
            f"what VASP computed at last differs from the method in {', '.join(changed)}: {'; '.join(notes)}",
            FailureClass.OTHER_SETTINGS,
        )
    last = document.calcs_reversed[0]
    steps = last.output.ionic_steps
    if len(steps[-1].electronic_steps) >= int(last.input.parameters["NELM"]):
        raise CalculationError(
            f"not self-consistent after {last.input.parameters['NELM']} electronic steps", FailureClass.OTHER_SETTINGS
        )
    return document, notes


def _answer(order: Order, atoms: Atoms, grouped: NDArray[np.intp], document: Any, notes: list[str]) -> Relaxed:
    """Return what VASP found, in the order, the cell and the place of the atoms that were asked about."""
    from emmet.core.types.enums import TaskState

    last = document.calcs_reversed[0]
    start, found = boxed(atoms), atoms.copy()
    back = np.argsort(grouped)
    found.set_positions(
        _nearest(document.output.structure.frac_coords[back], start) + atoms.positions - start.positions,
    )
    forces = np.asarray(document.output.forces, dtype=float)[back]
    for constraint in atoms.constraints:
        constraint.adjust_forces(atoms, forces)
    moments = [site["tot"] for site in (last.output.outcar or {}).get("magnetization", ())]
    return Relaxed(
        atoms=found,
        energy=float(document.output.energy),
        forces=forces,
        converged=not order.steps or last.has_vasp_completed == TaskState.SUCCESS,
        force_calls=len(last.output.ionic_steps),
        moments=tuple(float(moments[index]) for index in back) if moments else None,
        versions={
            "vasp": str(last.vasp_version),
            **{name: version(name) for name in ("atomate2", "custodian", "pymatgen")},
        },
        note="; ".join(notes),
    )


def _go_on(start: Atoms, directory: Path) -> None:
    """Move atoms to the last geometry of the same atoms in the same cell that a run wrote, if there is any."""
    from ase.io import read

    for folder in reversed(_runs(directory)):
        for name in ("CONTCAR", "CONTCAR.gz"):
            # a file that VASP was writing when it was killed is as good as none
            with contextlib.suppress(OSError, ValueError, IndexError, EOFError):
                last = read(folder / name, format="vasp")
                same = list(last.symbols) == list(start.symbols) and np.allclose(last.cell, start.cell, atol=1e-3)
                if same and np.isfinite(last.positions).all():
                    start.set_positions(_nearest(last.get_scaled_positions(wrap=False), start))
                    return


def _nearest(fractions: NDArray[np.float64], near: Atoms) -> NDArray[np.float64]:
    """Return positions (Å) of the images of atoms that are nearest to where these were."""
    shift = fractions - near.get_scaled_positions(wrap=False)
    return np.asarray(near.positions + (shift - np.round(shift)) @ near.cell.array)


def _runs(directory: Path) -> list[Path]:
    return sorted(directory.glob("vasp-*"), key=lambda path: int(path.name.removeprefix("vasp-")))


def _unpack(source: Path, target: Path) -> None:
    packed = source.with_name(f"{source.name}.gz")
    if packed.exists():
        with gzip.open(packed) as read, target.open("wb") as write:
            shutil.copyfileobj(read, write)
        packed.unlink()
    elif source.exists():
        source.rename(target)


@contextlib.contextmanager
def _remembered() -> Iterator[list[str]]:
    """Collect what pymatgen has to say on the input; other warnings of libraries are nothing that a person can mend."""
    from pymatgen.io.vasp.sets import BadInputSetWarning

    said: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield said
    said.extend(dict.fromkeys(str(one.message) for one in caught if issubclass(one.category, BadInputSetWarning)))


def _corrections(document: Any) -> list[str]:
    """Return what custodian met, and what it changed."""
    return [
        f"custodian met {', '.join(correction['errors'])} and did {correction['actions']}"
        for job in document.custodian or ()
        for correction in job.corrections
    ]


def _refuse_other_potentials(asked: Mapping[str, Any], titles: Mapping[str, str]) -> None:
    """Refuse potentials that bear the right name, but are of another year than those of the method."""
    from pymatgen.io.vasp.inputs import Potcar

    if isinstance(potcar := asked.get("POTCAR"), Potcar):
        for one in potcar:
            found, wanted = " ".join(str(one.TITEL).split()), titles[one.element]
            if found != wanted:
                raise CalculationError(f"the potential of {one.element} is {found!r}, of the method {wanted!r}; {MEND}")


def _changes(asked: Mapping[str, Any], mesh: tuple[int, ...] | None, document: Any) -> list[str]:
    """Return in what VASP's last input differs from the method; no mesh for a molecule, whose energy has none."""
    last = document.calcs_reversed[0].input
    changed = [
        f"{name} ({tag} {asked.get(tag)!r} to {last.incar.get(tag)!r})"
        for name, behind in METHOD_TAGS.items()
        for tag in behind
        if _plain(asked.get(tag)) != _plain(last.incar.get(tag))
    ]
    if mesh is not None and tuple(mesh) != (found := tuple(last.kpoints.kpts[0])):
        changed.append(f"kpoints ({tuple(mesh)} to {found})")
    return changed


def _plain(value: Any) -> Any:
    """Return a tag's value as VASP understands it: a list of numbers is one of numbers, a name has no case."""
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, str):
        return value.casefold()
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else value or None
