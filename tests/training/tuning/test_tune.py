"""A search begins with the present config, resumes what was cut off, and does not take noise for gain."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from optuna.trial import TrialState

from regression_model.config.spec import Sought, Spec
from regression_model.errors import ConfigError, DataError, StudyRefused
from regression_model.sales.table import Sales, sample_sales
from regression_model.training.fit import MODEL, judge
from regression_model.training.tuning import tune
from regression_model.training.tuning.study import open_study, values_of
from regression_model.training.tuning.tune import Comparison, Folds, Search, Unfittable

ROWS = 150


@pytest.fixture(scope="module")
def small(spec: Spec) -> Spec:
    """The quick model with few trees, whose linear member is searched and one hyperparameter of the trees."""
    linear, _, trees = (m.model_copy(update={"weight": 0.5}) for m in spec.members)
    few = trees.model_copy(update={"hyperparameters": {**trees.hyperparameters, "n_estimators": 5}})
    search = (
        Sought(member=linear.name, name="weight", bounds=(0, 1)),
        Sought(member=linear.name, name="l1_ratio", bounds=(0.1, 1.0)),
        Sought(member=trees.name, name="max_depth", bounds=(2, 6)),
        Sought(member=trees.name, name="max_features", choices=(0.15, "sqrt", True)),
    )
    return spec.model_copy(update={"members": (linear, few), "search": search})


@pytest.fixture(scope="module")
def sold(small: Spec) -> Sales:
    return sample_sales(small, ROWS)


@pytest.fixture
def searching(small: Spec, sold: Sales, tmp_path: Path) -> Callable[..., Any]:
    """Opens a search in a study of this test; ``with searching() as search``."""

    @contextmanager
    def open_search(name: str = "tune.db", *, spec: Spec = small, **given: Any) -> Iterator[Search]:
        repeats = given.get("repeats", 1)
        with open_study(tmp_path / name, spec, data=sold.sha256, repeats=repeats) as study:
            yield Search(spec, sold, repeats, study, given.get("jobs", 1))

    return open_search


@pytest.fixture
def landscape(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., float]], None]:
    """Replaces fitting by a function of weight, depth, first row of the fold and its size."""

    def replace(function: Callable[..., float]) -> None:
        def squared_error(spec: Spec, frame: Any, prices: Any, rest: Any, fold: Any) -> float:
            linear, trees = spec.members
            depth = trees.hyperparameters["max_depth"]
            return len(fold) * function(linear.weight, depth, int(fold[0]))

        monkeypatch.setattr(tune, "squared_error", squared_error)

    return replace


def bowl(weight: float, depth: int, first: int) -> float:
    """Best at weight 0.3 and depth 3; folds differ."""
    return 0.01 + 0.05 * (weight - 0.3) ** 2 + 0.001 * (depth - 3) ** 2 + 0.0001 * (first % 7)


def tried(search: Search) -> list[tuple[dict[Any, Any], TrialState, float | None]]:
    """Values, state and RMSLE of each trial that was not interrupted."""
    return [
        (values_of(trial, search.spec), trial.state, trial.value)
        for trial in search.study.trials
        if trial.state is not TrialState.FAIL
    ]


def test_first_trial_is_the_present_config_and_scores_what_training_scores(
    searching: Callable[..., Any], small: Spec, sold: Sales
) -> None:
    with searching() as search:
        search.run(1)
        (trial,) = search.study.trials

    scores = judge(small, sold, repeats=1, step=lambda _: None).cross_validated[MODEL]
    assert trial.value == pytest.approx(scores["rmsle"], rel=1e-12)


def test_search_finds_the_bottom_of_a_bowl(searching: Callable[..., Any], landscape: Any) -> None:
    landscape(bowl)
    with searching() as search:
        search.run(20)
        comparison = search.compare()
        changes = search.changes(search.best)

    assert comparison.beyond_noise
    assert changes["linear", "weight"] == pytest.approx(0.3, abs=0.2)
    assert changes["trees", "max_depth"] == 3


def test_values_keep_their_kind_and_are_fit_to_be_read(
    searching: Callable[..., Any], landscape: Any
) -> None:
    landscape(bowl)
    with searching() as search:
        search.run(12)
        values = [values for values, _, _ in tried(search)]

    assert {type(v["trees", "max_depth"]) for v in values} == {int}
    assert {type(v["linear", "weight"]) for v in values} == {float}
    assert all(0 <= v["linear", "weight"] <= 1 for v in values)
    assert all(len(str(v["linear", "l1_ratio"]).lstrip("0.")) <= 3 for v in values)
    assert {v["trees", "max_features"] for v in values} == {0.15, "sqrt", True}


def test_trials_of_a_study_are_the_same_each_time_for_any_number_of_jobs(
    searching: Callable[..., Any], small: Spec
) -> None:
    two_folds = small.validation.model_copy(update={"folds": 2})
    runs = []
    for name, jobs in (("one.db", 1), ("again.db", 1), ("two.db", 2)):
        with searching(
            name, spec=small.model_copy(update={"validation": two_folds}), jobs=jobs
        ) as search:
            search.run(3)
            runs.append(tried(search))

    assert runs[0] == runs[1] == runs[2]


def test_unpromising_trials_are_pruned_after_half_a_repeat(
    searching: Callable[..., Any], landscape: Any
) -> None:
    landscape(bowl)
    steps: list[int] = []
    with searching() as search:
        watched = Search(
            search.spec, search.sales, 1, search.study, step=lambda _, n: steps.append(n)
        )
        watched.run(14)
        pruned = [t for t in search.study.trials if t.state is TrialState.PRUNED]
        complete = [t for t in search.study.trials if t.state is TrialState.COMPLETE]

    assert pruned
    for trial in pruned:
        reports = trial.intermediate_values
        others = [t.intermediate_values for t in complete[1:] if t.number < trial.number]
        assert 3 <= len(reports) <= 4
        assert min(reports.values()) > np.median([other[max(reports)] for other in others])
    assert sum(steps) == 14 * 5


@pytest.mark.parametrize(
    ("after", "cut"), [(0, MemoryError), (2, KeyboardInterrupt), (23, KeyboardInterrupt)]
)
def test_an_interrupted_search_goes_on_as_if_it_had_not_been(
    searching: Callable[..., Any],
    landscape: Any,
    monkeypatch: pytest.MonkeyPatch,
    after: int,
    cut: type[BaseException],
) -> None:
    landscape(bowl)
    with searching("whole.db") as search:
        search.run(7)
        whole = tried(search)
    squared_error, calls = tune.squared_error, count()

    def dying(*arguments: Any) -> float:
        if next(calls) == after:
            raise cut
        return squared_error(*arguments)

    monkeypatch.setattr(tune, "squared_error", dying)
    with searching() as search, pytest.raises(cut):
        search.run(7)
    with searching() as search:
        search.run(7)

        assert tried(search) == whole
        assert search.counts["interrupted"] == 1
        assert [trial.number for trial in search.study.trials] == list(range(8))


def test_finished_study_is_not_searched_further(
    searching: Callable[..., Any], landscape: Any
) -> None:
    landscape(bowl)
    with searching() as search:
        search.run(3)
    with searching() as search:
        search.run(3)
        assert len(search.study.trials) == 3
        search.run(4)
        assert len(search.study.trials) == 4


class TestRefusal:
    @pytest.mark.parametrize(
        ("change", "part"),
        [
            ({"seed": 1}, "seed"),
            (
                {"search": (Sought(member="linear", name="weight", bounds=(0, 0.9)),)},
                "search space",
            ),
            ({"missing_indicators": ()}, "model"),
        ],
    )
    def test_study_of_another_config(
        self, searching: Callable[..., Any], small: Spec, change: dict[str, Any], part: str
    ) -> None:
        with searching():
            pass

        with (
            pytest.raises(
                StudyRefused, match=rf"tune\.db: was started with another {part}, so its trials"
            ),
            searching(spec=small.model_copy(update=change)),
        ):
            pass

    def test_study_of_other_folds_and_sales_names_both(
        self, searching: Callable[..., Any], small: Spec, tmp_path: Path
    ) -> None:
        with searching():
            pass

        with (
            pytest.raises(StudyRefused, match=r"another data and another folds.*with --study"),
            open_study(tmp_path / "tune.db", small, data="other", repeats=2),
        ):
            pass

    @pytest.mark.parametrize("content", [b"name,price\n1,2\n", b""])
    def test_file_that_is_no_study(
        self, searching: Callable[..., Any], tmp_path: Path, content: bytes
    ) -> None:
        (tmp_path / "tune.db").write_bytes(content)

        with (
            pytest.raises(StudyRefused, match=r"tune\.db: holds no study of 'tune'; name another"),
            searching(),
        ):
            pass

        assert (tmp_path / "tune.db").read_bytes() == content

    def test_database_of_somebody_else(self, searching: Callable[..., Any], tmp_path: Path) -> None:
        with closing(sqlite3.connect(tmp_path / "tune.db")) as database:
            database.execute("CREATE TABLE prices (price)")
        before = (tmp_path / "tune.db").read_bytes()

        with pytest.raises(StudyRefused, match="holds no study"), searching():
            pass

        assert (tmp_path / "tune.db").read_bytes() == before

    def test_folder_that_is_not_there(self, searching: Callable[..., Any]) -> None:
        with (
            pytest.raises(StudyRefused, match=r"absent/tune\.db: there is no such folder"),
            searching("absent/tune.db"),
        ):
            pass

    def test_study_that_another_process_is_at(self, searching: Callable[..., Any]) -> None:
        with searching() as search:
            search.study.set_user_attr("process", 1)  # the first of all processes
            with pytest.raises(StudyRefused, match="is in use by process 1"), searching():
                pass

    def test_too_few_sales(self, searching: Callable[..., Any], small: Spec) -> None:
        many = small.validation.model_copy(update={"folds": 16})
        with (
            searching(spec=small.model_copy(update={"validation": many})) as search,
            pytest.raises(DataError, match="150 sales; cross-validation in 16 folds needs"),
        ):
            search.run(2)

    def test_present_config_that_cannot_be_fitted(
        self, searching: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: Any) -> float:
            raise Unfittable("it would not")

        monkeypatch.setattr(tune, "squared_error", refuse)
        with (
            searching() as search,
            pytest.raises(ConfigError, match="present config cannot be fitted: it would not"),
        ):
            search.run(2)


def test_trial_that_cannot_be_fitted_is_pruned_and_the_search_goes_on(
    searching: Callable[..., Any], landscape: Any
) -> None:
    def ravine(weight: float, depth: int, first: int) -> float:
        if depth == 4:
            raise Unfittable("four is too deep")
        return bowl(weight, depth, first)

    landscape(ravine)
    with searching() as search:
        search.run(15)
        fours = [t for t in search.study.trials if t.params["trees.max_depth"] == 4]

    assert fours
    assert {(t.state, t.user_attrs["unfittable"]) for t in fours} == {
        (TrialState.PRUNED, "four is too deep")
    }


def test_values_an_estimator_refuses_together_are_unfittable(small: Spec, sold: Sales) -> None:
    linear, trees = small.members
    odd = trees.model_copy(update={"hyperparameters": {"max_depth": -1}})
    rest, fold = np.arange(100), np.arange(100, 150)

    with pytest.raises(Unfittable, match="max_depth"):
        tune.squared_error(
            small.model_copy(update={"members": (linear, odd)}),
            sold.frame,
            sold.prices,
            rest,
            fold,
        )


class TestComparison:
    FOLDS = Folds([(None, range(size)) for size in (30, 30, 20, 20)])

    def test_gains_of_folds_have_the_fall_in_rmsle_as_their_mean(self) -> None:
        before, after = [0.5, 0.4, 0.3, 0.2], [0.4, 0.4, 0.35, 0.1]

        compared = Comparison.of(self.FOLDS, before, after)

        assert compared.present == pytest.approx(np.sqrt(1.4 / 100))
        assert compared.gain == pytest.approx(np.sqrt(1.4 / 100) - np.sqrt(1.25 / 100))
        assert np.mean(self.FOLDS.gains(before, after)) == pytest.approx(compared.gain)

    def test_standard_error_is_that_of_a_mean(self) -> None:
        before, after = np.array([0.5, 0.4, 0.3, 0.2]), np.array([0.4, 0.4, 0.35, 0.1])
        gains = self.FOLDS.gains(before.tolist(), after.tolist())

        error = Comparison.of(self.FOLDS, before.tolist(), after.tolist()).standard_error

        assert error == pytest.approx(np.sqrt(np.var(gains, ddof=1) / 4))

    @pytest.mark.parametrize(
        ("gain", "beyond"), [(0.0021, True), (0.0019, False), (0.0, False), (-0.003, False)]
    )
    def test_only_a_gain_of_more_than_two_standard_errors_is_beyond_noise(
        self, gain: float, beyond: bool
    ) -> None:
        compared = Comparison(present=0.12, found=0.12 - gain, standard_error=0.001, folds=25)

        assert compared.beyond_noise is beyond

    def test_luck_on_the_folds_of_the_search_does_not_survive_fresh_ones(
        self,
        searching: Callable[..., Any],
        small: Spec,
        sold: Sales,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        lucky = {fold.tobytes() for _, fold in Folds.of(small, sold, range(1)).pairs}

        def squared_error(spec: Spec, _: Any, __: Any, ___: Any, fold: Any) -> float:
            weight = spec.members[0].weight
            mean = 0.01 * weight if fold.tobytes() in lucky else weight * (fold[0] % 3 - 1) / 1000
            return float(len(fold) * (0.01 + mean))

        monkeypatch.setattr(tune, "squared_error", squared_error)
        with searching() as search:
            search.run(8)
            compared, fresh = search.compared, search.compare()

        assert compared.beyond_noise
        assert not fresh.beyond_noise

    def test_fresh_folds_are_none_of_the_search(
        self, searching: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[bytes] = []

        def squared_error(spec: Spec, _: Any, __: Any, ___: Any, fold: Any) -> float:
            seen.append(fold.tobytes())
            return float(len(fold) * (0.01 + (spec.members[0].weight - 0.3) ** 2))

        monkeypatch.setattr(tune, "squared_error", squared_error)
        with searching(repeats=2) as search:
            search.run(10)
            searched = set(seen)
            seen.clear()
            search.compare(repeats=3)

        assert len(searched) == 2 * 5
        assert len(set(seen)) == 3 * 5
        assert searched.isdisjoint(seen)

    def test_there_is_none_where_the_present_config_is_best(
        self, searching: Callable[..., Any], landscape: Any
    ) -> None:
        landscape(lambda weight, depth, first: 0.01 + abs(weight - 0.5))
        with searching() as search:
            search.run(5)

            assert search.best == search.incumbent
            assert search.compare() is None
