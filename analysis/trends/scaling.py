"""ScalingRelation: one adsorption free energy as a straight line of another, with what the line is worth.

That energies of similar adsorbates scale with each other over many sites: Abild-Pedersen et al. 2007, doi
10.1103/PhysRevLett.99.016105. Least squares, standard errors and both bands: Draper and Smith, Applied Regression
Analysis, doi 10.1002/9781118625590. Studentised residuals: Belsley, Kuh and Welsch, Regression Diagnostics, doi
10.1002/0471725153.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from atomsieve.analysis.labels import label
from atomsieve.structures.adsorbate import adsorbate
from atomsieve.structures.errors import InputError

#: Fewer points than this say nothing of a line.
LEAST = 3
#: Probability with which any point of a fit is called an outlier where none is.
OUTLIER_LEVEL = 0.05
#: Share of the cases in which a band holds what it is for.
BAND_LEVEL = 0.95
#: eV below which a residual is noise of the arithmetic, and a spread of energies is none.
NOISE = 1e-9

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Point:
    """A site in a fit.

    Parameters
    ----------
    label : str
        Its label.
    x, y : float
        ΔG of both adsorbates, eV.
    residual : float
        y less the line, eV.
    studentised : float or None
        The residual in units of its own standard deviation, as the other points have it; None where too few are left
        to tell.
    """

    label: str
    x: float
    y: float
    residual: float
    studentised: float | None


@dataclass(frozen=True)
class ScalingRelation:
    """ΔG(y*) = slope ΔG(x*) + intercept, fitted or stated.

    Parameters
    ----------
    x, y : str
        Adsorbates.
    slope : float
        No unit.
    intercept : float
        eV.
    slope_error, intercept_error : float or None
        One standard error; 0 of what was held fixed. None of all that follows where the relation is stated.
    covariance : float or None
        Of slope and intercept, eV.
    r2 : float or None
        1 - (sum of squared residuals) / (that about the mean of y); negative where a held slope or intercept does worse
        than the mean. None where all y are the same.
    mae : float or None
        Mean absolute residual, eV.
    residual_sd : float or None
        Standard deviation of a point about the line, eV.
    n : int
        Points.
    freedom : int
        Points less what was fitted.
    outliers : tuple of Point
        The farthest first.
    points : tuple of Point
        All, in their order.
    group : str
        Which sites; empty for all.
    source : str
        Where a stated relation comes from.
    """

    x: str
    y: str
    slope: float
    intercept: float
    slope_error: float | None = None
    intercept_error: float | None = None
    covariance: float | None = None
    r2: float | None = None
    mae: float | None = None
    residual_sd: float | None = None
    n: int = 0
    freedom: int = 0
    outliers: tuple[Point, ...] = ()
    points: tuple[Point, ...] = ()
    group: str = ""
    source: str = ""

    @property
    def text(self) -> str:
        """The line, as a legend writes it: ``ΔG(OOH*) = ΔG(OH*) + 3.20 eV``."""
        names = [label(f"free_{adsorbate(name).name}").symbol for name in (self.x, self.y)]
        factor = "" if self.slope == 1 else f"{self.slope:.2f} "
        return f"{names[1]} = {factor}{names[0]} {'+' if self.intercept >= 0 else '-'} {abs(self.intercept):.2f} eV"

    def predict(self, x: Any) -> Any:
        """Return the line at some energies of x, eV."""
        return self.slope * x + self.intercept

    def confidence(self, x: Any, level: float = BAND_LEVEL) -> Any:
        """Return half the width of the band that holds the true line at x with a probability, eV.

        Raises
        ------
        InputError
            If the relation was stated: its line has no error.
        """
        return self._half(x, level, 0.0)

    def prediction(self, x: Any, level: float = BAND_LEVEL) -> Any:
        """Return half the width of the band that holds another site at x with a probability, eV.

        Raises
        ------
        InputError
            If the relation was stated.
        """
        return self._half(x, level, 1.0)

    def _half(self, x: Any, level: float, of_a_point: float) -> Any:
        if self.residual_sd is None or self.covariance is None:
            raise InputError(f"{self.text} was stated, not fitted, and has no band; fit it to sites with scaling()")
        if not 0 < level < 1:
            raise InputError(f"level is {level}; a probability lies between 0 and 1")
        slope, intercept = self.slope_error or 0.0, self.intercept_error or 0.0
        square = intercept**2 + 2 * x * self.covariance + (x * slope) ** 2 + of_a_point * self.residual_sd**2
        # what rounding leaves of a band without width
        return _quantile(self.freedom, (1 + level) / 2) * np.sqrt(np.maximum(square, 0.0))


def scaling(
    x: Sequence[float],
    y: Sequence[float],
    *,
    names: tuple[str, str],
    labels: Sequence[str] | None = None,
    slope: float | None = None,
    intercept: float | None = None,
    outlier_level: float = OUTLIER_LEVEL,
    group: str = "",
) -> ScalingRelation:
    """Fit a line by ordinary least squares: all the error is y's.

    A point is an outlier if its studentised residual, with the spread taken from the other points, lies outside what
    the t distribution holds with a probability of 1 - level / n (Bonferroni): so that in a fit of 300 sites without any
    outlier one is named as rarely as in one of ten. Outliers are named, never left out.

    Parameters
    ----------
    x, y : sequence of float, shape (n,)
        ΔG of both adsorbates, eV.
    names : tuple of str
        Both adsorbates, x first.
    labels : sequence of str, optional
        What the points are; their numbers unless given.
    slope, intercept : float, optional
        What is held fixed (eV), where something is.
    outlier_level : float
        Probability to name an outlier where there is none.
    group : str
        Which sites.

    Returns
    -------
    ScalingRelation
        The line, its errors, its bands and its outliers.

    Raises
    ------
    InputError
        If there are fewer than three points, they are not numbers, all lie at the same x while a slope is asked for, or
        both slope and intercept are held.
    """
    require_settings(slope, intercept, outlier_level)
    xs, ys = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    of_what = f"{names[1]}* over {names[0]}*" + (f" of {group}" if group else "")
    titles = [str(number) for number in range(len(xs))] if labels is None else list(labels)
    if not xs.shape == ys.shape == (len(titles),):
        raise InputError(f"{of_what}: {xs.shape} x, {ys.shape} y and {len(titles)} labels; pass one of each a site")
    if len(xs) < LEAST:
        have = "1 site has" if len(xs) == 1 else f"{len(xs)} sites have"
        raise InputError(f"{of_what}: {have} both; a line takes {LEAST} at least")
    if not np.isfinite([xs, ys]).all():
        raise InputError(f"{of_what}: an energy is not a number; leave out sites that lack one")
    if slope is None and np.ptp(xs) < NOISE:
        raise InputError(f"{of_what}: all sites have {names[0]}* at {xs[0]:.3f} eV, which gives no slope; hold it")
    is_free = [intercept is None, slope is None]
    columns = np.column_stack([np.ones_like(xs), xs])
    coefficients = np.array([intercept or 0.0, slope or 0.0])
    design = columns[:, is_free]
    inverse = np.linalg.inv(design.T @ design)
    coefficients[is_free] = inverse @ design.T @ (ys - columns @ coefficients)
    residuals = ys - columns @ coefficients
    residuals[np.abs(residuals) < NOISE] = 0.0
    freedom = len(xs) - sum(is_free)
    sum_of_squares = float(residuals @ residuals)
    spread = np.sqrt(sum_of_squares / freedom)
    covariance = np.zeros((2, 2))
    covariance[np.ix_(is_free, is_free)] = inverse * spread**2
    studentised = _studentised(residuals, np.sum(design @ inverse * design, axis=1), freedom)
    points = tuple(
        Point(title, float(a), float(b), float(residual), None if studentised is None else float(studentised[place]))
        for place, (title, a, b, residual) in enumerate(zip(titles, xs, ys, residuals, strict=True))
    )
    about_mean = float(np.sum((ys - ys.mean()) ** 2))
    return ScalingRelation(
        *names,
        slope=float(coefficients[1]),
        intercept=float(coefficients[0]),
        slope_error=float(np.sqrt(covariance[1, 1])),
        intercept_error=float(np.sqrt(covariance[0, 0])),
        covariance=float(covariance[0, 1]),
        r2=1 - sum_of_squares / about_mean if about_mean > NOISE**2 else None,
        mae=float(np.abs(residuals).mean()),
        residual_sd=float(spread),
        n=len(xs),
        freedom=freedom,
        outliers=_outliers(points, freedom, outlier_level),
        points=points,
        group=group,
    )


def require_settings(slope: float | None, intercept: float | None, outlier_level: float) -> None:
    """Refuse what no fit can be asked for.

    Raises
    ------
    InputError
        If slope and intercept are both held, or the level is no probability.
    """
    if slope is not None and intercept is not None:
        raise InputError("slope and intercept are both held, which leaves nothing to fit; state a ScalingRelation")
    if not 0 < outlier_level < 1:
        raise InputError(f"outlier_level is {outlier_level}; a probability lies between 0 and 1")


def _studentised(residuals: Array, leverages: Array, freedom: int) -> Array | None:
    """Return residuals over their standard deviations, each with the spread that the fit has without its point."""
    if freedom < 2:
        return None
    # what a point leaves unexplained beside the others; one that no other speaks against has no residual
    alone = np.where(leverages > 1 - NOISE, 0.0, residuals**2 / np.maximum(1 - leverages, NOISE))
    without = np.maximum(float(residuals @ residuals) - alone, 0.0) / (freedom - 1)
    scale = np.maximum(np.sqrt(without * np.maximum(1 - leverages, NOISE)), NOISE)
    return np.asarray(residuals / scale)


def _outliers(points: Sequence[Point], freedom: int, level: float) -> tuple[Point, ...]:
    if freedom < 2:
        return ()
    bound = _quantile(freedom - 1, 1 - level / (2 * len(points)))
    far = [point for point in points if abs(point.studentised or 0.0) > bound]
    return tuple(sorted(far, key=lambda point: -abs(point.studentised or 0.0)))


def _quantile(freedom: int, probability: float) -> float:
    """Return a quantile of the t distribution."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, probability))
