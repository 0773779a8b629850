"""Search what a config declares as a search space, and compare what was found on fresh folds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from joblib import Parallel, delayed
from numpy.typing import NDArray
from optuna.trial import FrozenTrial, TrialState
from threadpoolctl import threadpool_limits

from regression_model.config.spec import Spec
from regression_model.errors import ConfigError
from regression_model.sales.table import Sales
from regression_model.training.fit import check_size, folds_of
from regression_model.training.pipeline import build_pipeline
from regression_model.training.tuning.search import Place, Value, present_values, with_values
from regression_model.training.tuning.study import finished, incumbent, next_trial, values_of

# Called with what is being done and how many folds are done with since the last call.
Step = Callable[[str, int], None]

FRESH = 1000  # the number of the first repeat whose folds no search has seen
FRESH_REPEATS = 5
ERRORS, UNFITTABLE = "squared errors", "unfittable"


class Unfittable(Exception):
    """The estimator refuses the values of a trial, or gives prices that are not numbers."""


@dataclass(frozen=True)
class Folds:
    """Fixed folds of some repeats of the cross-validation, equal for all candidates."""

    pairs: Sequence[tuple[Any, Any]]

    @classmethod
    def of(cls, spec: Spec, sales: Sales, repeats: range) -> Folds:
        rows = len(sales.prices)
        return cls([pair for repeat in repeats for pair in folds_of(spec, rows, repeat)])

    def rmsle(self, errors: Sequence[float]) -> float:
        """RMSLE of the first ``len(errors)`` folds, from their sums of squared log errors."""
        return float(np.sqrt(np.sum(errors) / sum(self._sizes[: len(errors)])))

    def gains(self, before: Sequence[float], after: Sequence[float]) -> NDArray[np.float64]:
        """Return what each fold contributes to the fall in RMSLE; their mean is that fall exactly.

        From ``a - b = (a² - b²) / (a + b)``: the squared errors of the folds add up, roots do not.
        """
        both = self.rmsle(before) + self.rmsle(after)
        share = len(self.pairs) / sum(self._sizes)
        gains: NDArray[np.float64] = (np.asarray(before) - np.asarray(after)) * share / both
        return gains

    @property
    def _sizes(self) -> list[int]:
        return [len(fold) for _, fold in self.pairs]


@dataclass(frozen=True)
class Comparison:
    """RMSLE of the present config and of another one, on the same folds.

    ``standard_error`` is that of the mean of paired differences over repeats and folds. Folds
    share most of the sales they learn from, so that it says how far the draw of folds may move
    the difference, and not how far other sales would (Y. Bengio and Y. Grandvalet, Journal of
    Machine Learning Research 5, 2004: there is no unbiased estimate of the latter).
    """

    present: float
    found: float
    standard_error: float
    folds: int

    @classmethod
    def of(cls, folds: Folds, before: Sequence[float], after: Sequence[float]) -> Comparison:
        gains = folds.gains(before, after)
        error = float(np.std(gains, ddof=1) / np.sqrt(len(gains)))
        return cls(folds.rmsle(before), folds.rmsle(after), error, len(gains))

    @property
    def gain(self) -> float:
        """By how much RMSLE falls; negative where it rises."""
        return self.present - self.found

    @property
    def beyond_noise(self) -> bool:
        """Return whether the gain is more than two standard errors."""
        return self.gain > 2 * self.standard_error


@dataclass(frozen=True)
class Search:
    """A search under way: what is searched, judged on which sales and folds, in which study."""

    spec: Spec
    sales: Sales
    repeats: int
    study: optuna.Study
    jobs: int = 1
    step: Step = lambda _, __: None

    def run(self, trials: int) -> None:
        """Try until the study has ``trials`` finished trials, those of earlier runs included."""
        check_size(self.spec, self.sales)
        folds = Folds.of(self.spec, self.sales, range(self.repeats))
        while (done := finished(self.study)) < trials:
            trial = next_trial(self.study, self.spec)
            told = f"trial {trial.number} ({done + 1} of {trials}){_best_so_far(self.study)}"
            try:
                self._try(trial, folds, told)
            except BaseException:  # Ctrl-C as well: the trial is not left behind as running
                self.study.tell(trial, state=TrialState.FAIL)
                raise

    def compare(self, repeats: int = FRESH_REPEATS) -> Comparison | None:
        """Return the best trial and the present config on fresh folds; None if they are equal.

        What a search found to be best owes part of its figure to the folds that it was picked on.
        """
        best, present = self.best, self.incumbent
        if best is None or present is None or best.number == present.number:
            return None
        folds = Folds.of(self.spec, self.sales, range(FRESH, FRESH + repeats))
        before, after = [
            [*self._errors(spec, folds, told)]
            for spec, told in (
                (self.spec, "fresh folds, present config"),
                (self.spec_of(best), f"fresh folds, trial {best.number}"),
            )
        ]
        return Comparison.of(folds, before, after)

    @property
    def compared(self) -> Comparison | None:
        """Return the best trial and the present config on the folds of the search."""
        best, present = self.best, self.incumbent
        if best is None or present is None or best.number == present.number:
            return None
        folds = Folds.of(self.spec, self.sales, range(self.repeats))
        return Comparison.of(folds, present.user_attrs[ERRORS], best.user_attrs[ERRORS])

    @property
    def counts(self) -> dict[str, int]:
        """Return how many trials ended how; Ctrl-C or a killed process interrupts one."""
        names = {"complete": "COMPLETE", "pruned": "PRUNED", "interrupted": "FAIL"}
        states = [trial.state.name for trial in self.study.get_trials(deepcopy=False)]
        return {name: states.count(state) for name, state in names.items()}

    @property
    def incumbent(self) -> FrozenTrial | None:
        """Return the trial of the present config."""
        return incumbent(self.study)

    @property
    def best(self) -> FrozenTrial | None:
        """Return the complete trial of least RMSLE on the folds of the search."""
        return _best(self.study)

    def changes(self, trial: FrozenTrial) -> dict[Place, Value]:
        """Return the values of a trial that differ from the present ones."""
        present = present_values(self.spec)
        return {k: v for k, v in values_of(trial, self.spec).items() if present[k] != v}

    def spec_of(self, trial: optuna.Trial | FrozenTrial) -> Spec:
        """Return the spec that a trial tries."""
        return with_values(self.spec, values_of(trial, self.spec))

    def _try(self, trial: optuna.Trial, folds: Folds, told: str) -> None:
        present = self.incumbent
        errors: list[float] = []
        try:
            for error in self._errors(self.spec_of(trial), folds, told):
                errors.append(error)
                if present is not None and self._falls_behind(trial, folds, errors, present):
                    self.study.tell(trial, state=TrialState.PRUNED)
                    break
            else:
                trial.set_user_attr(ERRORS, errors)
                self.study.tell(trial, folds.rmsle(errors))
        except Unfittable as refused:
            if present is None:
                raise ConfigError(f"the present config cannot be fitted: {refused}") from refused
            trial.set_user_attr(UNFITTABLE, str(refused))
            self.study.tell(trial, state=TrialState.PRUNED)
        self.step(told, len(folds.pairs) - len(errors))

    def _falls_behind(
        self, trial: optuna.Trial, folds: Folds, errors: list[float], present: FrozenTrial
    ) -> bool:
        """Report the running RMSLE, less that of the present config; ask the pruner.

        Its rule looks at the best report of a trial. Folds differ more than trials do, so that
        without the subtraction this would always be the report of an easy first fold.
        """
        so_far = present.user_attrs[ERRORS][: len(errors)]
        trial.report(folds.rmsle(errors) - folds.rmsle(so_far), len(errors) - 1)
        return len(errors) < len(folds.pairs) and trial.should_prune()

    def _errors(self, spec: Spec, folds: Folds, told: str) -> Iterator[float]:
        """Yield the sum of squared log errors of each fold; ``jobs`` folds at a time."""
        self.step(told, 0)
        for start in range(0, len(folds.pairs), self.jobs):
            batch = folds.pairs[start : start + self.jobs]
            arguments = [(spec, self.sales.frame, self.sales.prices, *pair) for pair in batch]
            for error in Parallel(self.jobs)(delayed(squared_error)(*a) for a in arguments):
                self.step(told, 1)
                yield error


def squared_error(spec: Spec, frame: Any, prices: Any, rest: Any, fold: Any) -> float:
    """Fit on ``rest``, predict ``fold``: the sum of squared differences of log prices."""
    with threadpool_limits(1):
        try:
            pipeline = build_pipeline(spec).fit(frame.iloc[rest], prices[rest])
        except ValueError as error:
            raise Unfittable(str(error)) from error
        predicted = np.asarray(pipeline.predict(frame.iloc[fold]), dtype=float)
    total = float(np.sum((np.log(predicted) - np.log(prices[fold])) ** 2))
    if not np.isfinite(total):
        raise Unfittable("prices that are not numbers")
    return total


def _best(study: optuna.Study) -> FrozenTrial | None:
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return min(complete, key=lambda trial: trial.value or 0.0, default=None)


def _best_so_far(study: optuna.Study) -> str:
    best = _best(study)
    return "" if best is None else f", best {best.value:.4f} in trial {best.number}"
