"""The bundled generator of synthetic houses: what it promises about every house it draws."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from regression_model.config.reader import bundled_config, load_spec, parse_spec
from regression_model.config.spec import Spec
from regression_model.errors import ConfigError, InvalidInput
from regression_model.evaluation.metrics import rmsle
from regression_model.sales.sample import generate, write_sample
from regression_model.sales.sample_reader import parse_rules
from regression_model.sales.sample_rules import draw
from regression_model.sales.table import load_sales, sample_sales
from regression_model.training.pipeline import build_pipeline

AREAS_WITH_LEVEL = {
    "MasVnrType": ("MasVnrArea",),
    "PoolQC": ("PoolArea",),
    "MiscFeature": ("MiscVal",),
    "GarageType": ("GarageCars", "GarageArea"),
    "FireplaceQu": ("Fireplaces",),
    "BsmtQual": ("TotalBsmtSF", "BsmtFinSF1", "BsmtFinSF2", "BsmtUnfSF"),
}
SMALL_CONFIG = """\
name: small
seed: 1
coverage: 0.9
null_markers: NA
features:
  Quality:
    description: of the whole
    kind: ordinal
    levels: Poor, Fair, Good
  Street:
    description: where it is
    kind: nominal
    levels: Main St, Side
    required: true
  Area:
    description: of the whole
    kind: numeric
    minimum: 1
    maximum: 10000
    range: 10, 1000
  Price:
    description: paid
    role: target
    kind: numeric
    minimum: 1
    maximum: 1000000
    range: 100, 900000
members:
  linear:
    weight: 1
    estimator: Ridge
validation:
  folds: 5
  holdout: 0.2
gates:
  sample:
    rmsle: 0.2
"""
SMALL_RULES = """\
# a comment
Street:
  choice: Main St 3, Side 1
Area:
  choice:
    Street = Side: 10..20 1
    else: 500 2, 600 1
Quality:
  sum: 0.5, 0.001 * Area
  effects:
    Street: Side 1
  noise: 0.4
Price:
  sum: 3, 0.7 * log Area
  noise: 0.1
  scale: log
"""


@pytest.fixture(scope="module")
def spec() -> Spec:
    return load_spec()


@pytest.fixture(scope="module")
def houses() -> pd.DataFrame:
    return generate(20_000, seed=5)


@pytest.fixture(scope="module")
def small_spec() -> Spec:
    return parse_spec(SMALL_CONFIG, label="small.yml")


def test_the_same_seed_gives_the_same_houses():
    pd.testing.assert_frame_equal(generate(300, seed=3), generate(300, seed=3))


def test_without_a_seed_the_one_of_the_spec_counts(spec):
    pd.testing.assert_frame_equal(generate(50), generate(50, seed=spec.seed))


def test_different_seeds_give_different_houses():
    assert not generate(300, seed=3).equals(generate(300, seed=4))


def test_columns_are_those_of_the_spec_in_its_order(spec, houses):
    assert list(houses.columns) == [f.name for f in spec.features]
    assert len(houses) == 20_000


def test_the_identifier_counts_the_houses(houses):
    assert houses["Id"].tolist() == list(range(1, 20_001))


def test_no_house_stands_twice(houses):
    assert not houses.drop(columns="Id").duplicated().any()


def test_no_houses_are_a_table_with_all_columns(spec):
    empty = generate(0)
    assert empty.shape == (0, len(spec.features))
    assert (empty.dtypes == generate(10).dtypes).all()


@pytest.mark.parametrize("n", [-1, 10_000_001])
def test_an_impossible_number_of_houses_is_refused(n):
    with pytest.raises(ValueError, match=f"n is {n}; expected a number of houses from 0 to"):
        generate(n)


def test_levels_are_declared_and_null_stands_for_none(spec, houses):
    for feature in (f for f in spec.inputs if f.has_levels):
        drawn = set(houses[feature.name].dropna().unique())
        assert drawn <= set(feature.levels) - {feature.null_means}, feature.name
        if feature.null_means not in feature.levels:
            assert houses[feature.name].notna().all(), feature.name


def test_numbers_are_whole_and_lie_in_the_declared_range(spec, houses):
    for feature in (f for f in (*spec.inputs, spec.target) if not f.has_levels):
        values = houses[feature.name].dropna()
        low, high = feature.range
        assert values.between(low, high).all(), feature.name
        assert (values == values.round()).all(), feature.name


def test_numbers_without_nulls_are_integers(spec, houses):
    whole = {f.name for f in spec.features if f.type != "text"}
    floats = {name for name in whole if houses[name].dtype.kind != "i"}
    assert floats == {"LotFrontage", "MasVnrArea", "GarageYrBlt"}


def test_prices_are_rounded_to_hundreds(houses):
    assert (houses["SalePrice"] % 100 == 0).all()


def test_areas_add_up(houses):
    basement = houses["BsmtFinSF1"] + houses["BsmtFinSF2"] + houses["BsmtUnfSF"]
    living = houses["1stFlrSF"] + houses["2ndFlrSF"] + houses["LowQualFinSF"]
    assert (houses["TotalBsmtSF"] == basement).all()
    assert (houses["GrLivArea"] == living).all()


def test_years_follow_each_other(houses):
    assert (houses["YearBuilt"] <= houses["YrSold"]).all()
    assert (houses["YearRemodAdd"] >= houses["YearBuilt"]).all()
    assert (houses["YearRemodAdd"] <= houses["YrSold"]).all()
    garage = houses.dropna(subset="GarageYrBlt")
    assert (garage["GarageYrBlt"] >= garage["YearBuilt"]).mean() > 0.99
    assert (garage["GarageYrBlt"] <= garage["YrSold"]).all()


@pytest.mark.parametrize(("level", "amounts"), AREAS_WITH_LEVEL.items())
def test_what_a_house_lacks_has_no_size(houses, level, amounts):
    without = houses[houses[level].isna()]
    assert len(without) > 0
    for amount in amounts:
        assert (without[amount].fillna(0) == 0).all(), amount


@pytest.mark.parametrize("level", ["GarageType", "FireplaceQu", "BsmtQual", "PoolQC"])
def test_what_a_house_has_has_a_size(houses, level):
    amount = AREAS_WITH_LEVEL[level][0]
    assert (houses.loc[houses[level].notna(), amount] > 0).all()


@pytest.mark.parametrize(
    ("first", "others"),
    [
        ("GarageType", ["GarageYrBlt", "GarageFinish", "GarageQual", "GarageCond"]),
        ("BsmtQual", ["BsmtCond", "BsmtExposure", "BsmtFinType1", "BsmtFinType2"]),
    ],
)
def test_what_a_house_lacks_is_null_in_all_its_columns(houses, first, others):
    for other in others:
        assert (houses[other].isna() == houses[first].isna()).all(), other


def test_rooms_fit_into_the_house(houses):
    assert (houses["TotRmsAbvGrd"] > houses["BedroomAbvGr"]).all()
    assert (houses["GrLivArea"] >= 80 * houses["TotRmsAbvGrd"]).mean() > 0.999
    assert (houses["1stFlrSF"] < houses["LotArea"]).mean() > 0.999


def test_frontage_is_unknown_at_the_published_rate(houses):
    assert houses["LotFrontage"].isna().mean() == pytest.approx(0.18, abs=0.01)


def test_levels_come_as_often_as_declared(houses):
    shares = houses["Neighborhood"].value_counts(normalize=True)
    declared = {"NAmes": 0.15, "CollgCr": 0.10, "OldTown": 0.08, "StoneBr": 0.015}
    for level, share in declared.items():
        assert shares[level] == pytest.approx(share, abs=0.012), level
    somerset = houses.loc[houses["Neighborhood"] == "Somerst", "MSZoning"]
    assert somerset.value_counts(normalize=True)["FV"] == pytest.approx(0.76, abs=0.05)


def test_the_mean_is_as_bad_a_guess_as_for_real_sales(houses):
    prices = houses["SalePrice"].to_numpy(float)
    guess = np.full_like(prices, np.exp(np.log(prices).mean()))
    assert 0.3 < rmsle(prices, guess) < 0.5


def test_training_accepts_the_sample(spec):
    sales = sample_sales(spec)
    assert len(sales.prices) == 1460


@pytest.mark.parametrize("suffix", [".csv", ".ndjson", ".parquet"])
def test_a_written_sample_reads_back_as_the_same_sales(tmp_path, spec, suffix):
    path = tmp_path / f"sample{suffix}"
    write_sample(path, 200, seed=6)
    read, drawn = load_sales(path, spec), generate(200, seed=6)
    assert read.prices.tolist() == drawn["SalePrice"].tolist()
    assert read.frame["GrLivArea"].tolist() == drawn["GrLivArea"].tolist()
    assert list(tmp_path.iterdir()) == [path]


def test_null_is_written_as_in_the_published_data(tmp_path):
    path = tmp_path / "sample.csv"
    write_sample(path, 500, seed=6)
    text = pd.read_csv(path, keep_default_na=False, dtype=str)
    assert (text == "").sum().sum() == 0
    assert (text["Alley"] == "NA").any()
    assert not text["LotFrontage"].str.contains(".", regex=False).any()


def test_an_unknown_extension_is_refused_and_nothing_written(tmp_path):
    with pytest.raises(InvalidInput, match=r"expected \.csv, \.ndjson, \.parquet"):
        write_sample(tmp_path / "sample.xls", 5)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_nothing_and_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "sample.csv"
    path.write_text("old")

    def fail(*_args: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(InvalidInput, match="cannot be written: disk full"):
        write_sample(path, 5)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_spec_with_fewer_columns_gets_the_same_houses(spec):
    fewer = spec.model_copy(
        update={"features": tuple(f for f in spec.features if f.name != "Alley")}
    )
    expected = generate(40, seed=2).drop(columns="Alley")
    pd.testing.assert_frame_equal(generate(40, seed=2, spec=fewer), expected)


def test_an_optional_column_that_no_rule_draws_is_unknown():
    extended = bundled_config().replace(
        "\n  LotArea:", "\n  Trees:\n    description: on the lot\n    kind: numeric\n"
        "    minimum: 0\n    maximum: 99\n    range: 0, 9\n  LotArea:", 1
    )  # fmt: skip
    houses = generate(5, spec=parse_spec(extended, label="config.yml"))
    assert houses["Trees"].isna().all()


def test_a_spec_that_requires_what_no_rule_draws_is_refused(small_spec):
    with pytest.raises(
        ConfigError, match=r"sample\.yml: no rule for Price, which the spec requires"
    ):
        generate(5, spec=small_spec)


def test_a_spec_without_a_drawn_level_is_refused(spec):
    zoning = spec.feature("MSZoning").model_copy(update={"levels": ("RL", "RM")})
    features = tuple(zoning if f.name == "MSZoning" else f for f in spec.features)
    with pytest.raises(ConfigError, match=r"draws .*FV.* for MSZoning, which the config does not"):
        generate(500, spec=spec.model_copy(update={"features": features}))


def test_rules_draw_what_they_say(small_spec):
    rules = parse_rules(SMALL_RULES, small_spec, label="rules.yml")
    drawn = draw(rules, 20_000, np.random.default_rng(1))
    side = drawn["Street"] == 1
    assert side.mean() == pytest.approx(0.25, abs=0.02)
    assert set(drawn["Area"][side]) == set(range(10, 21))
    assert set(drawn["Area"][~side]) == {500, 600}
    assert (drawn["Area"][~side] == 500).mean() == pytest.approx(2 / 3, abs=0.02)
    assert set(drawn["Quality"]) == {0, 1, 2}
    errors = np.log(drawn["Price"]) - 3 - 0.7 * np.log(drawn["Area"])
    assert errors.std() == pytest.approx(0.1, abs=0.01)


def test_a_condition_decides_between_rule_and_else(small_spec):
    text = SMALL_RULES + "Garden:\n  hidden: yes\n  when: Street = Side and Quality >= Fair\n"
    rules = parse_rules(text + "  sum: Area\n  else: -1\n", small_spec, label="rules.yml")
    drawn = draw(rules, 2_000, np.random.default_rng(1))
    has = (drawn["Street"] == 1) & (drawn["Quality"] >= 1)
    assert (drawn["Garden"][has] == drawn["Area"][has]).all()
    assert (drawn["Garden"][~has] == -1).all()


def test_bounds_hold_and_the_maximum_wins(small_spec):
    text = SMALL_RULES + "Garden:\n  hidden: yes\n  sum: 0\n  noise: 999\n  minimum: Area\n"
    rules = parse_rules(text + "  maximum: 30, 0.5 * Area\n", small_spec, label="rules.yml")
    drawn = draw(rules, 2_000, np.random.default_rng(1))
    highest = 30 + 0.5 * drawn["Area"]
    assert (drawn["Garden"] <= highest).all()
    assert (drawn["Garden"] >= np.minimum(drawn["Area"], highest)).all()


def test_the_unknown_still_shapes_the_house(small_spec):
    text = SMALL_RULES.replace("else: 500 2, 600 1", "else: 500 2, 600 1\n  unknown: 40")
    drawn = draw(parse_rules(text, small_spec, label="x"), 5_000, np.random.default_rng(1))
    assert np.isnan(drawn["Area"]).mean() == pytest.approx(0.4, abs=0.03)
    assert not np.isnan(drawn["Price"]).any()


@pytest.mark.parametrize(
    ("before", "after", "line", "message"),
    [
        ("Area:\n", "Aria:\n", 4, "Aria: is not a column of the spec; did you mean 'Area'?"),
        ("Side 1\n", "Sade 1\n", 3, "'Sade' is not a level of Street; did you mean 'Side'?"),
        ("Street = Side:", "Street = Lane:", 6, "'Lane' is not a level of Street"),
        ("Street = Side:", "Price > 5:", 6, "refers to Price, which is not drawn yet: drawn later"),
        ("Street = Side:", "Stret = Side:", 6, "did you mean 'Street'?"),
        ("Street = Side:", "Street > Side:", 6, "take = or !="),
        ("Street = Side:", "Street:", 6, "'Street' is not '<column> = <value> | <value>'"),
        ("    else:", "    Street = Main St:", 5, "the last case must be 'else'"),
        ("10..20 1", "20..10 1", 6, "needs a weight above 0 and a range that rises"),
        ("10..20 1", "10..20 -1", 6, "needs a weight above 0 and a range that rises"),
        ("10..20 1", "ten 1", 6, "'ten' is not a number"),
        ("10..20 1", "10", 6, "'10' is not '<value> <number>'"),
        ("0.001 * Area", "0.001 * Street", 9, "levels without order; use 'effects'"),
        ("0.001 * Area", "Area * 0.001", 9, "is not '<number> * <column>'"),
        ("    Street: Side 1", "    Street: Side nan", 11, "'nan' is not a number"),
        ("  noise: 0.4", "  noise: -0.4", 12, "noise must lie in 0 to inf, got -0.4"),
        (
            "  choice: Main St 3, Side 1",
            "  sum: 1",
            3,
            "Street: has levels without order; use 'choice'",
        ),
        ("Side 1\n", "Side 1\n  noise: 1\n", 2, "effects, noise and scale belong to a 'sum'"),
        ("Side 1\n", "Side 1\n  sum: 1\n", 2, "needs either 'choice' or 'sum'"),
        ("Side 1\n", "Side 1\n  unknown: 5\n", 4, "unknown must lie in 0 to 0, got 5"),
        ("Side 1\n", "Side 1\n  hidden: yes\n", 4, "is a column of the spec and cannot be hidden"),
        ("  scale: log", "  scal: log", 16, "unexpected key not in schema 'scal'"),
    ],
)
def test_a_faulty_rule_is_refused_with_its_line(small_spec, before, after, line, message):
    assert before in SMALL_RULES
    with pytest.raises(ConfigError) as refused:
        parse_rules(SMALL_RULES.replace(before, after, 1), small_spec, label="rules.yml")
    assert f"rules.yml, line {line}: " in str(refused.value)
    assert message in str(refused.value)


@pytest.mark.parametrize("name", ["Street", "Price"])
def test_a_required_column_without_a_rule_is_refused(small_spec, name):
    blocks = [f"{b}\n" for b in SMALL_RULES.split("\n") if b]
    start = blocks.index(f"{name}:\n")
    size = 2 if name == "Street" else 4
    with pytest.raises(
        ConfigError, match=f"rules.yml: no rule for {name}, which the spec requires"
    ):
        parse_rules("".join(blocks[:start] + blocks[start + size :]), small_spec, label="rules.yml")


def test_all_faulty_rules_are_told_at_once(small_spec):
    text = SMALL_RULES.replace("Side 1\n", "Sade 1\n", 1).replace("0.001 * Area", "2 * Ares")
    with pytest.raises(ConfigError, match=r"(?s)line 3: .*line 9: "):
        parse_rules(text, small_spec, label="rules.yml")


@pytest.mark.skipif("AMES_DATA_DIR" not in os.environ, reason="AMES_DATA_DIR names no real data")
def test_a_model_trained_on_the_sample_values_real_houses(spec):
    real = load_sales(Path(os.environ["AMES_DATA_DIR"]) / "train.csv", spec)
    sample = sample_sales(spec)
    model = build_pipeline(spec).fit(sample.frame, sample.prices)
    assert rmsle(real.prices, model.predict(real.frame)) <= 0.20
