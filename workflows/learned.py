"""Learned potentials: CHGNet, SevenNet, MACE and UMA (fairchem), their weights, and their entries in the table.

What an energy of one means is fixed by its weights, so the sha256 of their file is part of the method. The packages are
extras, and take seconds to load: only processes that calculate import them.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ase.calculators.calculator import CalculatorSetupError
from ase.data import chemical_symbols

from atomsieve.structures.errors import CalculationError
from atomsieve.workflows.electronic import moments
from atomsieve.workflows.entry import CalculatorEntry, Setting
from atomsieve.workflows.order import Order, Requirement
from atomsieve.workflows.weights import digest, own_path, own_tags, shipped_path, shipped_tags

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator

#: Å of vacuum about a molecule for CHGNet, which wants a cell; more than its cutoff of 6 Å.
VACUUM = 7.0
#: The elements of the Materials Project's relaxations (MPtrj, doi 10.1038/s42256-023-00716-3).
MPTRJ = frozenset(chemical_symbols[1:95]) - {"Po", "At", "Rn", "Fr", "Ra"}


def _verified(path: Path | None, order: Order, name: str) -> Path:
    """Return the file of weights if it is the one that the method names.

    Raises
    ------
    CalculationError
        If it has changed since the calculation was asked for, or is another one on this machine.
    """
    wanted = order.settings["checkpoint"]
    if path is None or digest(path) != wanted:
        raise CalculationError(
            f"{name} was asked for with the weights sha256 {wanted[:16]}..., "
            f"but here {'are none' if path is None else f'{path} holds {digest(path)[:16]}...'}; "
            "use the same version of the package, or the same file, on every machine of a campaign"
        )
    if order.charge:
        raise CalculatorSetupError(f"{name} knows no charge, and the site has {order.charge:+d}; neutralise the site")
    return path


def _device(wanted: str) -> str:
    """Return the device, after keeping torch to one thread: the engine runs a worker on each core."""
    import torch

    torch.set_num_threads(1)
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return wanted


def _chgnet(order: Order, atoms: Atoms) -> Calculator:
    del atoms
    path = _verified(shipped_path("chgnet", order.settings["model"]), order, "CHGNet")
    return _fresh(_load_chgnet(path, order.settings["model"], _device(order.settings["device"])))


@cache
def _load_chgnet(path: Path, model: str, device: str) -> Calculator:
    # the path is there for the cache: other weights are another calculator
    del path
    from chgnet.model.dynamics import CHGNetCalculator
    from chgnet.model.model import CHGNet

    class BoxedCHGNet(CHGNetCalculator):  # type: ignore[misc]
        """CHGNet that takes molecules without a cell as well."""

        def calculate(self, atoms: Atoms | None = None, *arguments: Any, **keywords: Any) -> None:
            assert atoms is not None
            boxed = atoms.copy()
            open_axes = [axis for axis in range(3) if not atoms.cell[axis].any()]
            if open_axes:
                boxed.center(vacuum=VACUUM, axis=open_axes)
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Converting a tensor with requires_grad", UserWarning)
                super().calculate(boxed, *arguments, **keywords)
            # what ASE compares with, to know whether something has moved
            self.atoms = atoms.copy()

    with contextlib.redirect_stdout(io.StringIO()):
        loaded = CHGNet.load(model_name=model, use_device=device, verbose=False)
        return BoxedCHGNet(loaded, use_device=device, on_isolated_atoms="ignore")


def _sevennet(order: Order, atoms: Atoms) -> Calculator:
    del atoms
    path = _verified(shipped_path("sevenn", order.settings["model"]), order, "SevenNet")
    return _fresh(_load_sevennet(path, _device(order.settings["device"])))


@cache
def _load_sevennet(path: Path, device: str) -> Calculator:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "No tensor product accelerator", UserWarning)
        # what e3nn still asks of torch
        warnings.simplefilter("ignore", DeprecationWarning)
        from sevenn.calculator import SevenNetCalculator

        return SevenNetCalculator(str(path), device=device)


_MACE_CURE = "get a .model file from the releases of ACEsuit/mace-foundations on GitHub, as mace-mpa-0-medium.model"


def _mace(order: Order, atoms: Atoms) -> Calculator:
    path = _verified(own_path("mace", _MACE_CURE, order.settings), order, "MACE")
    head = order.settings["head"] or None
    loaded = _load_mace(path, order.settings["dtype"], head, _device(order.settings["device"]))
    _require_elements(atoms, loaded.z_table.zs, path)
    return _fresh(loaded)


@cache
def _load_mace(path: Path, dtype: str, head: str | None, device: str) -> Calculator:
    # before e3nn: it lets torch load what e3nn 0.4 keeps
    from mace.calculators import MACECalculator

    return MACECalculator(model_paths=str(path), default_dtype=dtype, head=head, device=device)


_UMA_CURE = "accept the licence of facebook/UMA on huggingface.co and get checkpoints/uma-s-1p2.pt with `hf download`"


def _uma(order: Order, atoms: Atoms) -> Calculator:
    del atoms
    path = _verified(own_path("fairchem", _UMA_CURE, order.settings), order, "UMA")
    return _fresh(_load_uma(path, order.settings["task"], _device(order.settings["device"])))


@cache
def _load_uma(path: Path, task: str, device: str) -> Calculator:
    from fairchem.core import FAIRChemCalculator
    from fairchem.core.units.mlip_unit import InferenceSettings, load_predict_unit

    # full precision, and nothing compiled: a site is relaxed in fewer steps than compiling takes
    settings = InferenceSettings(tf32=False, torch_num_threads=1)
    return FAIRChemCalculator(load_predict_unit(path, settings, device=device), task_name=task)


def _fresh(calculator: Calculator) -> Calculator:
    """Return a calculator that remembers nothing of the atoms before."""
    calculator.reset()
    return calculator


def _require_elements(atoms: Atoms, known: list[int], path: Path) -> None:
    missing = sorted({chemical_symbols[number] for number in set(atoms.numbers) - set(known)})
    if missing:
        raise CalculatorSetupError(f"the weights {path.name} do not know {', '.join(missing)}; take others")


_DEVICE = Setting(
    "auto",
    "where torch calculates; auto takes a GPU where there is one",
    is_physics=False,
    choices=("auto", "cpu", "cuda"),
)
_WEIGHTS = Setting("", "file of weights", is_physics=False, is_path=True)
#: What each task of UMA was trained on (doi 10.48550/arXiv.2506.23971): the functional and the dispersion in it.
_UMA_TASKS: Mapping[str, tuple[str, str]] = {
    "oc20": ("RPBE (OC20)", "none"),
    "omat": ("PBE and PBE+U (OMat24)", "none"),
    "odac": ("PBE (ODAC25)", "D3(BJ)"),
}


def _uma_tags(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    functional, dispersion = _UMA_TASKS[settings["task"]]
    return {"functional": functional, "dispersion": dispersion}


#: They have seen crystals, and no free atoms.
_METALS = frozenset({"bulk"})
ENTRIES = (
    CalculatorEntry(
        name="chgnet",
        title="CHGNet",
        tier="potential",
        source="doi 10.1038/s42256-023-00716-3",
        settings=MappingProxyType(
            {"model": Setting("0.3.0", "which weights", choices=("0.3.0", "r2scan")), "device": _DEVICE}
        ),
        elements=MPTRJ,
        spin="none",
        seconds=0.25,
        calculator=_chgnet,
        tags=shipped_tags("chgnet"),
        scaling=1.0,
        metals=_METALS,
        requirement=Requirement(modules=("torch", "chgnet"), mend="pip install 'atomsieve[chgnet]'"),
        gives=frozenset({"moments"}),
        electronic=moments,
    ),
    CalculatorEntry(
        name="sevennet",
        title="SevenNet",
        tier="potential",
        source="doi 10.1021/acs.jctc.4c00190",
        settings=MappingProxyType(
            {"model": Setting("7net-0", "which weights", choices=("7net-0", "7net-l3i5")), "device": _DEVICE}
        ),
        elements=MPTRJ,
        spin="none",
        seconds=0.25,
        calculator=_sevennet,
        tags=shipped_tags("sevenn"),
        scaling=1.0,
        metals=_METALS,
        requirement=Requirement(modules=("torch", "sevenn"), mend="pip install 'atomsieve[sevennet]'"),
    ),
    CalculatorEntry(
        name="mace",
        title="MACE",
        tier="potential",
        source="doi 10.48550/arXiv.2401.00096",
        settings=MappingProxyType(
            {
                "weights": _WEIGHTS,
                "head": Setting("", "head of a model that has several"),
                "dtype": Setting("float64", "precision", choices=("float64", "float32")),
                "device": _DEVICE,
            }
        ),
        elements=MPTRJ,
        spin="none",
        seconds=0.6,
        calculator=_mace,
        tags=own_tags("mace", _MACE_CURE),
        scaling=1.0,
        metals=_METALS,
        requirement=Requirement(modules=("torch", "mace"), mend="pip install 'atomsieve[mace]'"),
    ),
    CalculatorEntry(
        name="fairchem",
        title="UMA (fairchem)",
        tier="potential",
        source="doi 10.48550/arXiv.2506.23971",
        settings=MappingProxyType(
            {
                "weights": _WEIGHTS,
                "task": Setting("oc20", "data set whose energies are predicted", choices=tuple(_UMA_TASKS)),
                "device": _DEVICE,
            }
        ),
        elements=MPTRJ,
        spin="none",
        seconds=2.0,
        calculator=_uma,
        tags=own_tags("fairchem", _UMA_CURE, _uma_tags),
        scaling=1.0,
        metals=_METALS,
        requirement=Requirement(modules=("torch", "fairchem"), mend="pip install 'atomsieve[fairchem]'"),
    ),
)
