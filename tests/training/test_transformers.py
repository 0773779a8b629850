"""Each step is a scikit-learn citizen that does what it says and refuses what it cannot do."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.utils.estimator_checks import estimator_checks_generator

from regression_model.config.spec import Derived, Imputation, Spec, Term
from regression_model.training.estimators.huber import HuberElasticNet, HuberRidge
from regression_model.training.estimators.kernel import LandmarkKernelRegressor
from regression_model.training.transformers import (
    ColumnDropper,
    DeclaredImputer,
    DerivedFeatures,
    ElapsedTime,
    FeatureSelector,
    LevelIndicators,
    LogTransformer,
    MissingFlagger,
    OrdinalMapper,
    RangeClipper,
    RareLevelGrouper,
    RecordEncoder,
    TargetOrderedEncoder,
    YeoJohnsonTransformer,
)

Matrix = NDArray[np.float64]

NAN = np.nan

# RecordEncoder is not among them: it takes houses, not matrices.
ON_MATRICES = [
    DeclaredImputer(),
    DerivedFeatures(),
    ElapsedTime(),
    FeatureSelector(),
    FeatureSelector(quasi_constant=0.9, duplicate=True, correlated=0.9),
    FeatureSelector(linear_model=0.01),
    LevelIndicators(),
    LogTransformer(),
    MissingFlagger(),
    OrdinalMapper(),
    RangeClipper(),
    RareLevelGrouper(),
    TargetOrderedEncoder(),
    YeoJohnsonTransformer(),
    HuberElasticNet(),
    HuberRidge(),
    LandmarkKernelRegressor(random_state=0),
]
OUT_OF_FOLD = "fit_transform encodes out of fold, so that no row sees its own target"


def expected_failures(estimator: BaseEstimator) -> dict[str, str]:
    """The shared checks that an estimator cannot pass, each with its reason."""
    if isinstance(estimator, TargetOrderedEncoder):
        return {
            "check_transformer_general": OUT_OF_FOLD,
            "check_transformer_data_not_an_array": OUT_OF_FOLD,
        }
    if isinstance(estimator, HuberRidge):
        return {"check_non_transformer_estimators_n_iter": "a direct solver counts no iterations"}
    return {}


def named(value: Any) -> str:
    """How an estimator or a check is called in a report."""
    return value.func.__name__ if isinstance(value, partial) else repr(value)


def shared_checks() -> Iterator[Any]:
    """Every shared check that applies: none of the estimators claims support of array API."""
    for estimator in ON_MATRICES:
        for case in estimator_checks_generator(
            estimator, expected_failed_checks=expected_failures(estimator), mark="xfail"
        ):
            check = case.values[1] if hasattr(case, "values") else case[1]
            if check.func.__name__ != "check_array_api_input":
                yield case


@pytest.mark.parametrize(("estimator", "check"), list(shared_checks()), ids=named)
def test_estimator_passes_the_shared_checks(estimator: Any, check: Any) -> None:
    check(estimator)


def frame(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({name: np.asarray(values, float) for name, values in columns.items()})


def skew(values: Matrix) -> float:
    """The third standardised moment of a column."""
    return float((((values - values.mean()) / values.std()) ** 3).mean())


def sum_of(*features: str) -> Derived:
    return derived("sum", *features)


def derived(formula: Any, *features: str | Term, **rest: Any) -> Derived:
    terms = tuple(f if isinstance(f, Term) else Term(feature=f) for f in features)
    return Derived(name="new", description="", formula=formula, terms=terms, **rest)


CONFIGURED = [
    (DeclaredImputer({"a": Imputation(method="mean")}), ["a", "b", "c"]),
    (DerivedFeatures([sum_of("a", "b")]), ["a", "b", "c", "new"]),
    (ElapsedTime(["a"], "c"), ["a", "b", "c", "a_elapsed"]),
    (ColumnDropper(["b"]), ["a", "c"]),
    (LevelIndicators(["b"]), ["a", "c", "b=0", "b=1"]),
    (LogTransformer(["a"]), ["a", "b", "c"]),
    (MissingFlagger(["c"]), ["a", "b", "c", "c_missing"]),
    (OrdinalMapper({"b": (1.0, 5.0)}), ["a", "b", "c"]),
    (RangeClipper({"a": (0.0, 2.0)}), ["a", "b", "c"]),
    (RareLevelGrouper(["b"], 0.1), ["a", "b", "c"]),
    (TargetOrderedEncoder(["b"]), ["a", "b", "c"]),
    (YeoJohnsonTransformer(["c"]), ["a", "b", "c"]),
]
configured = pytest.mark.parametrize(
    ("step", "names"), CONFIGURED, ids=[type(step).__name__ for step, _ in CONFIGURED]
)


@pytest.fixture
def numbers() -> pd.DataFrame:
    return frame(a=[1, 2, 3, 4, 5, 6], b=[0, 1, 0, 1, 0, 1], c=[2, 3, 5, 7, 11, 13])


@pytest.fixture
def target() -> Matrix:
    return np.array([10.0, 20.0, 30.0, 40.0, 50.0, 60.0])


@configured
def test_output_is_named_and_can_be_a_frame(
    step: Any, names: list[str], numbers: pd.DataFrame, target: Matrix
) -> None:
    fitted = clone(step).set_output(transform="pandas").fit(numbers, target)

    assert list(fitted.get_feature_names_out()) == names
    assert list(fitted.transform(numbers).columns) == names


@configured
def test_clone_has_the_parameters_and_none_of_the_learning(
    step: Any, names: list[str], numbers: pd.DataFrame, target: Matrix
) -> None:
    fitted = clone(step).fit(numbers, target)
    copy = clone(fitted)

    assert copy.get_params() == step.get_params()
    assert [name for name in vars(copy) if name.endswith("_")] == []
    with pytest.raises(ValueError, match="is not fitted yet"):
        copy.transform(numbers)


@configured
def test_input_is_left_alone(
    step: Any, names: list[str], numbers: pd.DataFrame, target: Matrix
) -> None:
    before = numbers.copy()
    step = clone(step)
    step.fit_transform(numbers, target)
    step.transform(numbers)

    pd.testing.assert_frame_equal(numbers, before)


@configured
def test_columns_in_another_order_are_refused(
    step: Any, names: list[str], numbers: pd.DataFrame, target: Matrix
) -> None:
    fitted = clone(step).fit(numbers, target)

    with pytest.raises(ValueError, match="in the same order as they were in fit"):
        fitted.transform(numbers[["c", "b", "a"]])


@pytest.mark.parametrize(
    "step",
    [
        ElapsedTime(["Lot"]),
        ElapsedTime([0], "Lot"),
        ColumnDropper(["Lot"]),
        LevelIndicators(["Lot"]),
        LogTransformer(["Lot"]),
        MissingFlagger(["Lot"]),
        OrdinalMapper({"Lot": (1.0, 2.0)}),
        RareLevelGrouper(["Lot"]),
        TargetOrderedEncoder(["Lot"]),
        YeoJohnsonTransformer(["Lot"]),
    ],
    ids=lambda step: type(step).__name__,
)
def test_unknown_column_is_refused_by_name_with_the_nearest(step: Any) -> None:
    message = rf"{type(step).__name__}: column 'Lot' is not in the matrix; did you mean 'Lots'\?"

    with pytest.raises(ValueError, match=message):
        step.fit(frame(Lots=[1, 2, 3], Other=[3, 4, 5]), [1.0, 2.0, 3.0])


def test_column_position_outside_the_matrix_is_refused() -> None:
    with pytest.raises(ValueError, match="column 3 is not in a matrix of 3 columns"):
        LogTransformer([3]).fit(np.ones((2, 3)))
    with pytest.raises(ValueError, match="column -1 is not in a matrix of 3 columns"):
        LogTransformer([-1]).fit(np.ones((2, 3)))


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (RareLevelGrouper(share=1.5), r"RareLevelGrouper: share .*1\.5"),
        (RareLevelGrouper(share=-0.1), r"RareLevelGrouper: share .*-0\.1"),
        (FeatureSelector(quasi_constant=99.8), r"FeatureSelector: quasi_constant .*99\.8"),
        (FeatureSelector(correlated=-1.0), r"FeatureSelector: correlated .*-1"),
        (FeatureSelector(linear_model=-1.0), r"FeatureSelector: linear_model .*-1"),
        (TargetOrderedEncoder(smooth=-1.0), r"TargetOrderedEncoder: smooth .*-1"),
        (TargetOrderedEncoder(folds=1), r"TargetOrderedEncoder: folds .*1"),
    ],
    ids=str,
)
def test_impossible_parameter_is_refused_with_value_and_expectation(
    step: Any, message: str, numbers: pd.DataFrame, target: Matrix
) -> None:
    with pytest.raises(ValueError, match=message):
        step.fit(numbers, target)


class TestMissingFlagger:
    def test_flags_stand_beside_the_untouched_values(self) -> None:
        flagged = MissingFlagger([0]).fit_transform([[NAN, 1.0], [2.0, NAN]])

        np.testing.assert_array_equal(flagged, [[NAN, 1, 1], [2, NAN, 0]])


class TestDeclaredImputer:
    def filled(self, rules: dict[str, Imputation], table: pd.DataFrame) -> pd.DataFrame:
        imputer = DeclaredImputer(rules).set_output(transform="pandas")
        filled: pd.DataFrame = imputer.fit_transform(table)
        return filled

    @pytest.mark.parametrize(
        ("rule", "value"),
        [
            (Imputation(method="mean"), 4.0),
            (Imputation(method="median"), 2.0),
            (Imputation(method="most frequent"), 1.0),
            (Imputation(method="constant", value=9.0), 9.0),
            (Imputation(method="constant", value=0.0), 0.0),
        ],
        ids=lambda value: getattr(value, "method", str(value)),
    )
    def test_unknown_is_filled_by_the_rule(self, rule: Imputation, value: float) -> None:
        table = frame(a=[1, 1, 1, 2, 2, 5, NAN, 16])

        assert self.filled({"a": rule}, table)["a"].iloc[6] == value

    def test_column_without_a_rule_gets_its_median(self) -> None:
        assert self.filled({}, frame(a=[1, 2, 30, NAN]))["a"].tolist() == [1, 2, 30, 2]

    def test_group_statistic_fills_the_group(self) -> None:
        rule = Imputation(method="median", by="g")
        table = frame(a=[1, 3, NAN, 10, 30, NAN], g=[0, 0, 0, 1, 1, 1])

        assert self.filled({"a": rule}, table)["a"].tolist() == [1, 3, 2, 10, 30, 20]

    @pytest.mark.parametrize("group", [1, 2, 7, NAN])
    def test_group_without_a_known_value_gets_the_overall_statistic(self, group: float) -> None:
        rules = {
            "a": Imputation(method="mean", by="g"),
            "g": Imputation(method="constant", value=2.0),
        }
        imputer = DeclaredImputer(rules).fit(frame(a=[1, 3, NAN, 50], g=[0, 0, 1, 3]))

        assert imputer.transform(frame(a=[NAN], g=[group]))[0, 0] == 18.0

    def test_other_column_is_copied_after_it_was_filled_itself(self) -> None:
        rule = Imputation(method="feature", feature="b")
        filled = self.filled({"a": rule}, frame(a=[1, NAN, NAN], b=[7, 9, NAN]))

        assert filled["a"].tolist() == [1, 9, 8]

    def test_column_unknown_throughout_becomes_zero(self) -> None:
        assert self.filled({}, frame(a=[NAN, NAN]))["a"].tolist() == [0, 0]

    def test_statistics_are_those_of_fit(self) -> None:
        imputer = DeclaredImputer().fit(frame(a=[1, 2, 3]))

        assert imputer.transform(frame(a=[NAN, 100])).tolist() == [[2], [100]]

    @pytest.mark.parametrize(
        "rule", [Imputation(method="mean", by="Lot"), Imputation(method="feature", feature="Lot")]
    )
    def test_unknown_column_in_a_rule_is_refused_by_name(self, rule: Imputation) -> None:
        with pytest.raises(ValueError, match=r"DeclaredImputer: .*'Lot'"):
            DeclaredImputer({"a": rule}).fit(frame(a=[1, NAN]))


class TestElapsedTime:
    def test_years_are_counted_to_the_sale(self) -> None:
        table = frame(YearBuilt=[1990, 2008], YrSold=[2010, 2007])
        elapsed = ElapsedTime(["YearBuilt"], "YrSold").fit_transform(table)

        assert elapsed.tolist() == [[1990, 2010, 20], [2008, 2007, -1]]

    def test_last_column_is_the_default_reference(self) -> None:
        assert ElapsedTime().fit_transform([[1.0, 4.0]]).tolist() == [[1, 4, 3, 0]]


class TestOrdinalMapper:
    def test_codes_become_scores(self) -> None:
        mapped = OrdinalMapper({"q": (1.0, 2.5, 9.0)}).fit_transform(
            frame(q=[2, 0, 1], r=[2, 0, 1])
        )

        assert mapped.tolist() == [[9, 2], [1, 0], [2.5, 1]]


class TestRareLevelGrouper:
    def test_rare_levels_share_one_code_past_the_others(self) -> None:
        table = frame(a=[0] * 50 + [1] * 45 + [2] * 3 + [3] * 2)
        grouped = RareLevelGrouper(share=0.05).fit_transform(table)[:, 0]

        assert grouped.tolist() == [0] * 50 + [1] * 45 + [4] * 5

    def test_level_that_makes_up_the_share_exactly_is_kept(self) -> None:
        grouper = RareLevelGrouper(share=0.05).fit(frame(a=[0] * 95 + [1] * 5))

        assert grouper.transform(frame(a=[1])).tolist() == [[1]]

    @pytest.mark.parametrize("code", [1, 3, 40, NAN])
    def test_level_never_met_is_rare(self, code: float) -> None:
        grouper = RareLevelGrouper(share=0.01).fit(frame(a=[0, 0, 2, 2]))

        assert grouper.transform(frame(a=[code])).tolist() == [[3]]

    def test_other_columns_are_untouched(self) -> None:
        table = frame(a=[0] * 99 + [1], b=[0] * 99 + [1])
        grouped = RareLevelGrouper(["a"], share=0.05).fit_transform(table)

        assert grouped[-1].tolist() == [2, 1]


class TestLevelIndicators:
    def test_each_code_that_was_met_gets_a_column(self) -> None:
        spread = LevelIndicators(["a"]).fit_transform(frame(a=[0, 2, 0], b=[5, 6, 7]))

        assert spread.tolist() == [[5, 1, 0], [6, 0, 1], [7, 1, 0]]

    @pytest.mark.parametrize("code", [1, 9, NAN])
    def test_code_never_met_is_zero_throughout(self, code: float) -> None:
        indicators = LevelIndicators(["a"]).fit(frame(a=[0, 2, 0], b=[5, 6, 7]))

        assert indicators.transform(frame(a=[code], b=[8])).tolist() == [[8, 0, 0]]


class TestLogTransformer:
    def test_value_becomes_the_logarithm_of_one_more(self) -> None:
        logs = LogTransformer([0]).fit_transform([[0.0, 5.0], [np.e - 1, 6.0], [99.0, 7.0]])

        np.testing.assert_allclose(logs, [[0, 5], [1, 6], [np.log(100), 7]], rtol=1e-15)

    def test_negative_value_counts_as_zero(self) -> None:
        assert LogTransformer().fit_transform([[-5.0]]).tolist() == [[0]]


class TestYeoJohnsonTransformer:
    def test_power_is_the_one_of_scikit_learn(self) -> None:
        from sklearn.preprocessing import PowerTransformer

        values = np.random.default_rng(1).lognormal(size=(200, 2)) - 0.5
        theirs = PowerTransformer(standardize=False).fit_transform(values)

        np.testing.assert_allclose(
            YeoJohnsonTransformer().fit_transform(values), theirs, rtol=1e-9, atol=1e-12
        )

    def test_skew_is_reduced_and_order_kept(self) -> None:
        values = np.random.default_rng(2).lognormal(sigma=1.5, size=(500, 1))
        powered = YeoJohnsonTransformer().fit_transform(values)

        assert skew(values) > 2 > abs(skew(powered))
        np.testing.assert_array_equal(np.argsort(powered[:, 0]), np.argsort(values[:, 0]))


class TestRangeClipper:
    def test_value_is_held_at_the_edge_of_its_declared_range(self) -> None:
        clipper = RangeClipper({"a": (0.0, 10.0)}).fit(frame(a=[5], b=[5]))

        assert clipper.transform(frame(a=[-1, 4, 11], b=[-1, 4, 11])).tolist() == [
            [0, -1],
            [4, 4],
            [10, 11],
        ]

    def test_extremes_of_fit_are_the_default_range(self) -> None:
        clipper = RangeClipper().fit(frame(a=[2, 8, NAN], b=[NAN, NAN, NAN]))

        np.testing.assert_array_equal(
            clipper.transform(frame(a=[1, 9, NAN], b=[1, 9, NAN])), [[2, 1], [8, 9], [NAN, NAN]]
        )


class TestDerivedFeatures:
    @pytest.mark.parametrize(
        ("formula", "values"),
        [
            (sum_of("a", "b"), [3, 5, 1]),
            (derived("sum", "a", Term(feature="b", weight=0.5)), [2, 3.5, 1]),
            (derived("sum", "a", "b", "a"), [4, 7, 2]),
            (derived("difference", "a", "b"), [-1, -1, 1]),
            (derived("difference", "a", Term(feature="b", weight=2.0)), [-3, -4, 1]),
            (derived("product", "a", "b"), [2, 6, 0]),
            (derived("product", "a", "b", "b"), [4, 18, 0]),
            (derived("product", "a", "a"), [1, 4, 1]),
            (derived("ratio", "a", "b"), [0.5, 2 / 3, 0]),
            (derived("flag", "b", comparison=">", value=2), [0, 1, 0]),
            (derived("flag", "b", comparison=">=", value=2), [1, 1, 0]),
            (derived("flag", "b", comparison="<", value=2), [0, 0, 1]),
            (derived("flag", "b", comparison="<=", value=2), [1, 0, 1]),
            (derived("flag", "b", comparison="=", value=2), [1, 0, 0]),
            (derived("flag", "b", comparison="!=", value=2), [0, 1, 1]),
        ],
        ids=lambda value: (
            value.formula + (value.comparison or "") if isinstance(value, Derived) else ""
        ),
    )
    def test_formula_is_computed(self, formula: Derived, values: list[float]) -> None:
        table = frame(a=[1, 2, 1], b=[2, 3, 0])

        assert DerivedFeatures([formula]).fit_transform(table)[:, 2].tolist() == values

    def test_later_formula_may_use_an_earlier_one(self) -> None:
        first = sum_of("a", "b").model_copy(update={"name": "total"})
        second = derived("ratio", "a", "total")
        step = DerivedFeatures([first, second]).fit(frame(a=[1], b=[3]))

        assert step.transform(frame(a=[1], b=[3])).tolist() == [[1, 3, 4, 0.25]]
        assert list(step.stages()) == [[0], [1]]

    def test_formula_with_a_column_that_is_not_there_is_refused(self) -> None:
        with pytest.raises(
            ValueError, match="DerivedFeatures: new needs 'z', which is not a column"
        ):
            DerivedFeatures([sum_of("a", "z")]).fit(frame(a=[1]))


class TestFeatureSelector:
    def kept(self, step: FeatureSelector, table: pd.DataFrame, y: Any = None) -> list[str]:
        return list(step.fit(table, y).get_feature_names_out())

    @pytest.fixture
    def table(self) -> pd.DataFrame:
        x = np.arange(100.0)
        noise = np.random.default_rng(3).normal(size=100)
        return frame(
            a=x,
            constant=np.ones(100),
            nearly=[1] * 97 + [2] * 3,
            copy=x,
            close=x + noise,
            free=noise,
        )

    def test_constant_column_never_passes(self, table: pd.DataFrame) -> None:
        assert self.kept(FeatureSelector(), table) == ["a", "nearly", "copy", "close", "free"]

    def test_quasi_constant_column_is_left_out_at_its_share(self, table: pd.DataFrame) -> None:
        assert "nearly" not in self.kept(FeatureSelector(quasi_constant=0.97), table)
        assert "nearly" in self.kept(FeatureSelector(quasi_constant=0.98), table)

    def test_copy_of_an_earlier_column_is_left_out(self, table: pd.DataFrame) -> None:
        kept = self.kept(FeatureSelector(duplicate=True), table)

        assert kept == ["a", "nearly", "close", "free"]

    def test_copy_with_the_same_unknowns_is_a_copy(self) -> None:
        table = frame(a=[1, NAN, 3], b=[1, NAN, 3], c=[1, 2, NAN])

        assert self.kept(FeatureSelector(duplicate=True), table) == ["a", "c"]

    def test_correlated_column_is_left_out_above_the_limit(self, table: pd.DataFrame) -> None:
        kept = self.kept(FeatureSelector(correlated=0.9), table)

        assert kept == ["a", "nearly", "free"]

    def test_opposite_column_is_correlated_too(self) -> None:
        table = frame(a=[1, 2, 3, 5], b=[-1, -2, -3, -5])

        assert self.kept(FeatureSelector(correlated=0.99), table) == ["a"]

    def test_linear_model_keeps_what_explains_the_target(self) -> None:
        rng = np.random.default_rng(4)
        table = frame(**{name: rng.normal(size=200) for name in "abcd"})
        y = 3 * table["b"] - 2 * table["d"] + 0.01 * rng.normal(size=200)

        assert self.kept(FeatureSelector(linear_model=0.5), table, y) == ["b", "d"]

    def test_criteria_add_up(self, table: pd.DataFrame) -> None:
        step = FeatureSelector(quasi_constant=0.9, duplicate=True, correlated=0.9)

        assert self.kept(step, table) == ["a", "free"]

    @pytest.mark.parametrize(
        "step",
        [
            FeatureSelector(),
            FeatureSelector(duplicate=True, correlated=0.9),
            FeatureSelector(linear_model=0.1),
        ],
        ids=["default", "unlike", "linear model"],
    )
    def test_one_column_stays_where_none_passes(self, step: FeatureSelector) -> None:
        assert len(self.kept(step, frame(a=[1, 1], b=[2, 2]), [1.0, 2.0])) == 1

    def test_one_column_stays_where_the_linear_model_wants_none(self) -> None:
        table = frame(a=[1, 2, 3, 4], b=[1, 20, 3, 40])

        assert self.kept(FeatureSelector(linear_model=1e9), table, [1.0, 2.0, 3.0, 4.0]) == ["b"]

    def test_dropper_keeps_constant_columns(self) -> None:
        table = frame(a=[1, 1, 1], b=[10, 20, 90])

        assert list(ColumnDropper(["b"]).fit(table).get_feature_names_out()) == ["a"]


class TestTargetOrderedEncoder:
    CODES = frame(a=[0] * 4 + [1] * 4 + [2] * 2)
    PRICES = np.array([30.0, 30, 30, 30, 10, 10, 10, 10, 20, 20])

    def test_level_becomes_its_mean_target(self) -> None:
        encoder = TargetOrderedEncoder(smooth=0).fit(self.CODES, self.PRICES)

        assert encoder.transform(frame(a=[0, 1, 2])).tolist() == [[30], [10], [20]]

    def test_mean_is_shrunk_as_if_more_rows_had_the_overall_mean(self) -> None:
        encoder = TargetOrderedEncoder(smooth=4).fit(self.CODES, self.PRICES)

        assert encoder.transform(frame(a=[0, 1, 2])).tolist() == [[25], [15], [20]]

    @pytest.mark.parametrize("code", [5, NAN])
    def test_level_never_met_gets_the_overall_mean(self, code: float) -> None:
        encoder = TargetOrderedEncoder().fit(self.CODES, self.PRICES)

        assert encoder.transform(frame(a=[code])).tolist() == [[20]]

    def test_order_of_levels_is_the_order_of_their_mean_targets(self) -> None:
        rng = np.random.default_rng(5)
        codes = rng.integers(8, size=2000).astype(float)
        worth = rng.permutation(8) * 100.0
        prices = worth[codes.astype(int)] + rng.normal(size=2000)
        encoder = TargetOrderedEncoder().fit(codes[:, None], prices)

        encoded = encoder.transform(np.arange(8.0)[:, None])[:, 0]

        np.testing.assert_array_equal(np.argsort(encoded), np.argsort(worth))

    @pytest.mark.parametrize("row", range(0, 40, 7))
    def test_no_row_sees_its_own_target(self, row: int) -> None:
        rng = np.random.default_rng(6)
        codes = rng.integers(3, size=(40, 1)).astype(float)
        prices = rng.normal(size=40)
        other = prices.copy()
        other[row] += 1e6
        encoder = TargetOrderedEncoder(smooth=1)

        before = encoder.fit_transform(codes, prices)
        after = encoder.fit_transform(codes, other)

        assert after[row] == before[row]
        assert (after != before).any()

    def test_pure_noise_stays_unexplained_out_of_fold(self) -> None:
        rng = np.random.default_rng(7)
        codes = rng.integers(150, size=(300, 1)).astype(float)
        prices = rng.normal(size=300)
        encoder = TargetOrderedEncoder(smooth=1)

        honest = np.corrcoef(encoder.fit_transform(codes, prices)[:, 0], prices)[0, 1]
        leaking = np.corrcoef(encoder.transform(codes)[:, 0], prices)[0, 1]

        assert leaking > 0.5 > 0.2 > abs(honest)

    def test_frame_in_gives_frame_out_of_fold(self) -> None:
        encoder = TargetOrderedEncoder(smooth=1).set_output(transform="pandas")
        encoded = encoder.fit_transform(self.CODES, self.PRICES)
        bare = TargetOrderedEncoder(smooth=1).fit_transform(self.CODES, self.PRICES)

        assert list(encoded.columns) == ["a"]
        np.testing.assert_array_equal(encoded.to_numpy(), np.asarray(bare))

    def test_target_is_required(self) -> None:
        with pytest.raises(ValueError, match="requires y to be passed"):
            TargetOrderedEncoder().fit(self.CODES)


class TestRecordEncoder:
    def test_houses_become_one_column_for_each_input(
        self, spec: Spec, houses: list[dict[str, Any]]
    ) -> None:
        encoder = RecordEncoder(spec).fit(houses)
        matrix = encoder.transform(houses)

        assert matrix.shape == (50, 79)
        assert matrix.dtype == np.float64
        assert list(encoder.get_feature_names_out()) == [f.name for f in spec.inputs]

    def test_levels_become_codes_in_the_order_of_the_config(self, spec: Spec) -> None:
        matrix = RecordEncoder(spec).transform([{**bare_house(), "MSZoning": "RL"}])
        column = [f.name for f in spec.inputs].index("MSZoning")

        assert matrix[0, column] == spec.feature("MSZoning").levels.index("RL")

    def test_frame_and_dictionaries_give_the_same_matrix(
        self, spec: Spec, houses: list[dict[str, Any]]
    ) -> None:
        encoder = RecordEncoder(spec)

        np.testing.assert_array_equal(
            encoder.transform(pd.DataFrame(houses)), encoder.transform(houses)
        )

    def test_refused_house_is_named_with_row_and_field(self, spec: Spec) -> None:
        wrong = {**bare_house(), "LotArea": -5}

        with pytest.raises(ValueError, match=r"row 1: LotArea must lie in 0 to .*, got -5"):
            RecordEncoder(spec).transform([bare_house(), wrong])

    def test_clone_keeps_the_spec_and_pandas_output_is_named(
        self, spec: Spec, houses: list[dict[str, Any]]
    ) -> None:
        encoder = clone(RecordEncoder(spec)).set_output(transform="pandas")

        assert encoder.spec == spec
        assert list(encoder.fit_transform(houses).columns) == [f.name for f in spec.inputs]


def bare_house() -> dict[str, Any]:
    return {"Neighborhood": "NAmes", "OverallQual": 5, "YearBuilt": 1960, "GrLivArea": 1000}
