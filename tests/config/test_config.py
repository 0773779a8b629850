"""The bundled config describes 79 inputs; every fault of a config is refused with line and remedy."""

from __future__ import annotations

import json
import pickle
import re
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

import pytest

from regression_model.config.reader import bundled_config, load_spec, parse_spec
from regression_model.config.spec import Imputation, Sought, Spec
from regression_model.errors import ConfigError
from regression_model.training.checks import parse_checked

LABEL = "model.yml"


class Fault(NamedTuple):
    """An edit of the bundled text, what must be said of it, and the line it must be said of.

    The line is the first one that the edit changed, or the one that starts with ``at``.
    """

    old: str
    new: str
    message: str
    at: str = ""


NAMES_AND_TYPES = {
    "a wrong key": Fault(
        "    unit: feet\n",
        "    unitt: feet\n",
        r"'unitt'.*did you mean 'unit'\?.*docs/configuration.md",
    ),
    "a wrong key at the top": Fault(
        "coverage: 0.90", "covrage: 0.90", r"'covrage'.*did you mean 'coverage'\?"
    ),
    "a key that resembles none": Fault(
        "coverage: 0.90", "zzz: 0.90", r"'zzz'.*remove it.*docs/configuration.md"
    ),
    "a wrong key of a member": Fault(
        "    rare_levels: 0.01\n", "    rare_level: 0.01\n", r"did you mean 'rare_levels'\?"
    ),
    "a wrong kind": Fault(
        "kind: ordinal\n    levels: IR3",
        "kind: ordered\n    levels: IR3",
        r"expecting one of: numeric, ordinal, nominal, year",
    ),
    "a wrong scale": Fault(
        "scale: standard", "scale: normal", r"expecting one of: none, standard, robust, min-max"
    ),
    "a wrong estimator": Fault(
        "estimator: HuberElasticNet",
        "estimator: SVR",
        r"expecting one of: Lasso, Ridge, ElasticNet",
    ),
    "text for a number": Fault("folds: 5", "folds: five", r"expecting an integer"),
    "a wrong source of a gate": Fault(
        "  sample:\n    rmsle", "  samples:\n    rmsle", r"expecting one of: file, sample"
    ),
}
FEATURES = {
    "a single level": Fault(
        "levels: Grvl, Pave\n", "levels: Grvl\n", "Street is nominal and needs at least two levels"
    ),
    "no level": Fault("levels: Grvl, Pave\n", "levels:\n", "Street is nominal and needs at least two"),
    "a level that is empty": Fault(
        "levels: Grvl, Pave\n", "levels: Grvl, , Pave\n", "level '' of Street"
    ),
    "a comma too many": Fault("levels: Grvl, Pave\n", "levels: Grvl, Pave,\n", "level"),
    "a duplicate level": Fault(
        "levels: Grvl, Pave\n", "levels: Grvl, Grvl\n", "level 'Grvl' of Street appears twice"
    ),
    "a level that is no integer": Fault(
        "levels: 20, 30,", "levels: 20, thirty,", "'thirty' is not an integer; write integers, or drop"
    ),
    "an imputed level that is no integer": Fault(
        "85, 90, 120, 150, 160, 180, 190\n",
        "85, 90, 120, 150, 160, 180, 190\n    impute: level twenty\n",
        "'twenty' is not an integer",
        at="    impute: level twenty",
    ),
    "scores for some levels": Fault(
        "levels: IR3, IR2, IR1, Reg\n",
        "levels: IR3, IR2, IR1, Reg\n    scores: 1, 2, 3\n",
        "LotShape has 4 levels and 3 scores; give one each",
        at="    scores: 1, 2, 3",
    ),
    "scores of a nominal feature": Fault(
        "levels: Grvl, Pave\n",
        "levels: Grvl, Pave\n    scores: 1, 2\n",
        "scores belong to ordinal features",
        at="    scores: 1, 2",
    ),
    "a spelling to an undeclared level": Fault(
        "      C: C (all)", "      C: C (some)", r"spelling 'C' names 'C \(some\)', which is not a level",
        at="    spellings:",
    ),
    "a spelling that is a level": Fault(
        "      C: C (all)", "      RL: RM", "spelling 'RL' is itself a level of MSZoning",
        at="    spellings:",
    ),
    "a duplicate feature": Fault("  LotArea:\n", "  LotFrontage:\n", "Duplicate key 'LotFrontage'"),
    "a duplicate key of a feature": Fault(
        "    unit: feet\n", "    unit: feet\n    unit: miles\n", "Duplicate key 'unit'",
        at="    unit: miles",
    ),
    "an alias that is a feature": Fault(
        "aliases: FirstFlrSF", "aliases: LotArea", "'LotArea' already names LotArea.*may appear once",
        at="  1stFlrSF:",
    ),
    "a duplicate alias": Fault(
        "aliases: SecondFlrSF", "aliases: FirstFlrSF", "'FirstFlrSF' already names 1stFlrSF",
        at="  2ndFlrSF:",
    ),
    "a range reversed": Fault(
        "range: 1300, 215245", "range: 215245, 1300", "range 215245, 1300 of LotArea must rise and lie in 0 to"
    ),
    "a range of three": Fault(
        "range: 1300, 215245", "range: 1, 2, 3", "range of LotArea needs two numbers: lowest, highest"
    ),
    "a range above the maximum": Fault(
        "range: 1300, 215245", "range: 1300, 900000000", "range 1300, 9e.08 of LotArea must rise and lie in 0 to"
    ),
    "a range below the minimum": Fault(
        "range: 1300, 215245", "range: -1, 215245", "range -1, 215245 of LotArea must rise and lie in 0 to"
    ),
    "a range left out": Fault(
        "    range: 1300, 215245\n", "", "LotArea needs a range: the lowest and highest", at="  LotArea:"
    ),
    "a minimum above the maximum": Fault(
        "minimum: 0\n    maximum: 10000\n", "minimum: 20000\n    maximum: 10000\n",
        "minimum of LotFrontage is above its maximum",
    ),
    "a minimum left out": Fault(
        "    minimum: 1600\n    maximum: 2400\n    range: 2006", "    maximum: 2400\n    range: 2006",
        "YrSold needs minimum and maximum", at="  YrSold:",
    ),
    "a meaning of null that is no level": Fault(
        "levels: NA, Grvl, Pave\n    null_means: NA", "levels: NA, Grvl, Pave\n    null_means: No",
        "null_means of Alley is 'No'; expected one of Grvl, NA, Pave, unknown", at="    null_means: No",
    ),
    "a transform of levels": Fault(
        "levels: Grvl, Pave\n", "levels: Grvl, Pave\n    transform: log\n",
        "Street has levels; a log transform needs numbers", at="    transform: log",
    ),
    "an imputation by an unknown feature": Fault(
        "impute: median by Neighborhood", "impute: median by Neighbourhood",
        r"'Neighbourhood' is not known here; did you mean 'Neighborhood'\?",
    ),
    "an imputation by a number": Fault(
        "impute: median by Neighborhood", "impute: median by LotArea", "LotArea has no levels to group by"
    ),
    "an imputation from an unknown feature": Fault(
        "impute: same as YearBuilt", "impute: same as Built", "'Built' is not known here"
    ),
    "an unknown imputation": Fault(
        "impute: median by Neighborhood", "impute: average",
        "impute of LotFrontage is 'average'; expected median, mean or most frequent",
    ),
    "an imputed level that is not declared": Fault(
        "levels: Grvl, Pave\n", "levels: Grvl, Pave\n    impute: level Mud\n",
        "'Mud' is not a level of Street; write 'level <level>'", at="    impute: level Mud",
    ),
    "no target": Fault("    role: target\n", "", "one feature has the role target; found none", at="features:"),
}  # fmt: skip
REST = {
    "an unknown missing indicator": Fault(
        "missing_indicators: LotFrontage", "missing_indicators: LotFrontag",
        r"'LotFrontag' is not known here; did you mean 'LotFrontage'\?",
    ),
    "an unknown year elapsed": Fault(
        "elapsed: YearBuilt,", "elapsed: YearBuild,", r"did you mean 'YearBuilt'\?"
    ),
    "an elapsed column that is no year": Fault(
        "elapsed: YearBuilt,", "elapsed: LotArea,", "'LotArea' is not known here; expected one of YearBuilt,"
    ),
    "a year elapsed twice": Fault("elapsed: YearBuilt,", "elapsed: YearBuilt, YearBuilt,", "YearBuilt"),
    "an unknown feature in a derived one": Fault(
        "sum: GrLivArea, TotalBsmtSF", "sum: GrLivAera, TotalBsmtSF",
        r"'GrLivAera' is not known here; did you mean 'GrLivArea'\?",
    ),
    "a derived feature that comes later": Fault(
        "sum: GrLivArea, TotalBsmtSF", "sum: GrLivArea, FinishedSF", "'FinishedSF' is not known here"
    ),
    "the target in a derived feature": Fault(
        "sum: GrLivArea, TotalBsmtSF", "sum: GrLivArea, SalePrice", "'SalePrice' is not known here"
    ),
    "a derived feature named as an input": Fault(
        "  AreaPerRoom:\n", "  LotArea:\n", "'LotArea' is already a feature; rename it"
    ),
    "a derived feature named as a year elapsed": Fault(
        "  AreaPerRoom:\n", "  YearBuilt_elapsed:\n", "'YearBuilt_elapsed' is already.*rename it"
    ),
    "a difference of one": Fault(
        "difference: YearRemodAdd, YearBuilt", "difference: YearRemodAdd",
        "a difference takes two features, YearsToRemodel names 1",
    ),
    "a ratio of three": Fault(
        "ratio: 1stFlrSF, LotArea", "ratio: 1stFlrSF, LotArea, GrLivArea",
        "a ratio takes two features, LotCoverage names 3",
    ),
    "a sum of one": Fault(
        "sum: GrLivArea, TotalBsmtSF", "sum: GrLivArea", "a sum takes two features or more, TotalSF names 1"
    ),
    "a weight in a product": Fault(
        "product: OverallQual, OverallCond", "product: OverallQual, 2 * OverallCond",
        r"'2 \* OverallCond' in QualityCondition is not a feature; weights .* belong to sums",
    ),
    "two formulas": Fault(
        "    ratio: 1stFlrSF, LotArea\n", "    ratio: 1stFlrSF, LotArea\n    sum: 1stFlrSF, LotArea\n",
        "LotCoverage needs exactly one of sum, difference, product, ratio, flag", at="  LotCoverage:",
    ),
    "no formula": Fault(
        "    ratio: 1stFlrSF, LotArea\n", "", "LotCoverage needs exactly one of sum", at="  LotCoverage:"
    ),
    "a flag without comparison": Fault(
        "flag: GarageArea > 0", "flag: GarageArea",
        "flag of HasGarage is 'GarageArea'; expected '<feature> > <number>'",
    ),
    "a flag on an undeclared level": Fault(
        "SaleCondition = Partial", "SaleCondition = Partly",
        "SaleCondition has levels; compare it with '= <level>' or '!= <level>'",
    ),
    "a flag that orders levels": Fault(
        "SaleCondition = Partial", "SaleCondition > Partial", "SaleCondition has levels; compare it with"
    ),
    "a flag of a number against text": Fault(
        "flag: GarageArea > 0", "flag: GarageArea > some", "'some' is not a number"
    ),
    "a weight of zero": Fault(
        "weight: 1\n    limit: 0.2 #", "weight: 0\n    limit: 0.2 #",
        "weight of linear must be above zero",
    ),
    "a negative weight": Fault(
        "weight: 1\n    limit: 0.2 #", "weight: -1\n    limit: 0.2 #",
        "weight of linear must be above zero",
    ),
    "a weight that is no number": Fault(
        "weight: 1\n    limit: 0.2 #", "weight: nan\n    limit: 0.2 #",
        "weight of linear must be above zero",
    ),
    "a limit of zero": Fault("limit: 0.2 #", "limit: 0 #", "limit of linear is a distance of log prices"),
    "a share of rare levels above one": Fault(
        "rare_levels: 0.01", "rare_levels: 1", "rare_levels is a share of rows"
    ),
    "an unknown column dropped": Fault(
        "    scale: standard\n", "    scale: standard\n    drop: LotAera\n",
        r"'LotAera' is not known here; did you mean 'LotArea'\?", at="    drop: LotAera",
    ),
    "a quasi-constant share above one": Fault(
        "quasi_constant: 0.998", "quasi_constant: 99.8", "quasi_constant is a share"
    ),
    "an unknown hyperparameter": Fault(
        "      alpha: 0.001\n", "      alfa: 0.001\n", r"'alfa' is not known here; did you mean 'alpha'\?"
    ),
    "a single fold": Fault("folds: 5", "folds: 1", "cross-validation needs two folds or more"),
    "a hold-out of everything": Fault("holdout: 0.2", "holdout: 1", "holdout is a share of rows between 0 and 1"),
    "a coverage in percent": Fault("coverage: 0.90", "coverage: 90", "coverage is a share of prices between 0 and 1"),
    "a negative seed": Fault("seed: 20110731", "seed: -1", "seed"),
    "a wrong limit of a difference": Fault(
        "  median_move: 0.02",
        "  median_moves: 0.02",
        r"'median_moves' is not known here; did you mean 'median_move'\?",
    ),
    "a negative limit of a difference": Fault(
        "  median_move: 0.02", "  median_move: -1", "limit of median_move is the largest change"
    ),
    "text for a limit of a difference": Fault(
        "  median_move: 0.02", "  median_move: little", "expecting a float"
    ),
    "a wrong metric of a gate": Fault(
        "    mdape: 0.065", "    mape: 0.065", r"'mape' is not known here; did you mean 'mdape'\?"
    ),
    "one limit where two are needed": Fault(
        "    prd: 0.98, 1.03", "    prd: 1.03", "prd may be too low or too high; write the lowest"
    ),
    "limits that fall": Fault(
        "    prd: 0.98, 1.03", "    prd: 1.03, 0.98", "limits of prd must rise"
    ),
    "three limits": Fault(
        "    prd: 0.98, 1.03", "    prd: 0.9, 1, 1.1", "limit of prd has 3 numbers; expected one"
    ),
    "a limit that is not finite": Fault(
        "    rmsle: 0.130", "    rmsle: inf", "limit of rmsle must be a finite number"
    ),
    "copies below zero": Fault("  copies: 3", "  copies: -1", "copies of each sale: 0 or more"),
    "a loss of difficulty": Fault(
        "    n_estimators: 150", "    loss: huber", "loss follows from coverage; remove it",
        at="    loss: huber",
    ),
    "an unknown hyperparameter of difficulty": Fault(
        "    n_estimators: 150", "    n_estimator: 150", "did you mean 'n_estimators'"
    ),
}  # fmt: skip
SEARCH = {
    "a search of an unknown member": Fault(
        "search:\n  linear:\n", "search:\n  linaer:\n", r"'linaer' is not known here; did you mean 'linear'\?"
    ),
    "a search of an unknown hyperparameter": Fault(
        "    alpha: 0.0002 to", "    alfa: 0.0002 to", r"'alfa' is not known here; did you mean 'alpha'\?"
    ),
    "a search of what the member does not write": Fault(
        "    max_depth: 3 to 7\n", "    loss: squared_error or huber\n",
        "loss is not written in trees; write it there, as the search begins with its present value",
    ),
    "a search of a limit that is not there": Fault(
        "    max_depth: 3 to 7\n", "    limit: 0.1 to 0.2\n", "limit is not written in trees"
    ),
    "a search without bounds": Fault(
        "max_depth: 3 to 7", "max_depth: 5", "search of max_depth is '5'; expected '<lowest> to <highest>'"
    ),
    "a search between words": Fault(
        "max_depth: 3 to 7", "max_depth: few to many", "search of max_depth is 'few to many'; expected"
    ),
    "a search on another scale": Fault(
        "0.0002 to 0.01, log", "0.0002 to 0.01, square", "expected '<lowest> to <highest>', the same with ', log'"
    ),
    "a choice left out": Fault("max_depth: 3 to 7", "max_depth: 5 or", "search of max_depth is '5 or'; expected"),
    "bounds reversed": Fault(
        "linear:\n    weight: 0.3 to 3.0, log", "linear:\n    weight: 0.8 to 0.2", "weight goes from 0.8 to 0.2; the first must be below"
    ),
    "a bound that is no number": Fault(
        "linear:\n    weight: 0.3 to 3.0, log", "linear:\n    weight: 0.2 to inf", "weight goes from 0.2 to inf; the first must be below"
    ),
    "a logarithm of nothing": Fault(
        "0.0002 to 0.01, log", "0 to 0.01, log", "search of alpha is on the logarithm and begins at 0; begin above zero"
    ),
    "a fraction for an integer": Fault(
        "max_depth: 3 to 7", "max_depth: 3.5 to 7", "max_depth is 5 now, an integer; write whole numbers for both"
    ),
    "a present value outside the bounds": Fault(
        "max_depth: 3 to 7", "max_depth: 6 to 7", "max_depth is 5 now, outside of 6 to 7; widen it"
    ),
    "a present value that is no choice": Fault(
        "max_depth: 3 to 7", "max_depth: 3 or 7", "max_depth is 5 now; add it to its choices"
    ),
    "a choice that appears twice": Fault(
        "max_depth: 3 to 7", "max_depth: 5 or 5", "a choice of max_depth appears twice"
    ),
    "a choice of words for a number": Fault(
        "linear:\n    weight: 0.3 to 3.0, log", "linear:\n    weight: 0.5 or half", "weight is a number; so must be its choices"
    ),
    "a bound that the estimator refuses": Fault(
        "max_depth: 3 to 7", "max_depth: 0 to 7", "0 cannot be tried: The 'max_depth' parameter of GradientBoosting"
    ),
    "a choice that the estimator refuses": Fault(
        "max_features: 0.05 to 0.5, log", "max_features: 0.15 or sqrt or cube",
        "cube cannot be tried: The 'max_features' parameter",
    ),
    "a bound that the blend refuses": Fault(
        "linear:\n    weight: 0.3 to 3.0, log", "linear:\n    weight: 0 to 3.0", "0 cannot be tried: weight of linear must be above zero"
    ),
    "a share of rare levels that is none": Fault(
        "    weight: 0.3 to 3.0, log\n    limit: 0.05 to 0.5, log\n    alpha", "    rare_levels: 0.0 to 1.5\n    limit: 0.05 to 0.5, log\n    alpha", "1.5 cannot be tried: rare_levels is a share"
    ),
}  # fmt: skip
SYNTAX = {
    "a list in brackets": Fault(
        "levels: Grvl, Pave\n", "levels: [Grvl, Pave]\n", "Found ugly disallowed JSONesque flow"
    ),
    "a bracket left open": Fault(
        "features:\n", "features: [\n", "Found ugly disallowed JSONesque flow"
    ),
    "a tab for indentation": Fault(
        "    type: integer\n    minimum: 0\n", "\ttype: integer\n", "tab|'\\\\t'"
    ),
    "a colon too many": Fault(
        "    role: identifier\n", "    role: identifier: no\n", "mapping values are not allowed"
    ),
}
FAULTS = NAMES_AND_TYPES | FEATURES | REST | SEARCH | SYNTAX


@cache
def short_config() -> str:
    """The bundled text without the features that no fault and no other section needs.

    A config is read in a time that grows with the square of its length.
    """
    text = bundled_config()
    start = text.index("\nfeatures:\n") + len("\nfeatures:\n")
    features = re.match(r"(?:(?:  .*)?\n)+", text[start:])
    assert features is not None
    edited_at = [text.index(fault.old) for fault in FAULTS.values()]
    kept, others = "", text.replace(features[0], "")
    for block in re.finditer(r"  (\S+):.*\n(?:(?:    .*)?\n)*", features[0]):
        edits = (block.start() <= place - start < block.end() for place in edited_at)
        named = re.search(rf"\b{block[1]}\b", others) or f"by {block[1]}" in features[0]
        if named or any(edits):
            kept += block[0]
    return text.replace(features[0], kept)


def edited(fault: Fault) -> tuple[str, int]:
    """The short text with the fault in it, and the line that must be named."""
    text = short_config()
    assert fault.old in text
    position = text.index(fault.old)
    faulty = text.replace(fault.old, fault.new, 1)
    if not fault.at:
        place = next(i for i, (a, b) in enumerate(zip(text, faulty, strict=False)) if a != b)
    elif fault.at in fault.new:
        place = position + fault.new.index(fault.at)
    else:
        place = faulty.rindex(f"\n{fault.at}", 0, position) + 1
    return faulty, faulty.count("\n", 0, place) + 1


@pytest.mark.parametrize("fault", [pytest.param(fault, id=name) for name, fault in FAULTS.items()])
def test_fault_is_refused_with_file_line_and_remedy(fault: Fault) -> None:
    text, line = edited(fault)

    with pytest.raises(ConfigError, match=f"{LABEL}, line \\d+: .*(?:{fault.message})") as refused:
        parse_checked(text, label=LABEL)

    places = re.findall(rf"{LABEL}, line (\d+): .*(?:{fault.message})", str(refused.value))
    assert [int(place) for place in places] == [line]


def test_all_faults_of_a_well_formed_file_are_reported_at_once() -> None:
    # In the order of the file, whichever module found them.
    names = (
        *("a range reversed", "a duplicate level", "a sum of one"),
        *("a loss of difficulty", "a single fold", "a wrong metric of a gate"),
    )
    text = bundled_config()
    for fault in (FAULTS[name] for name in names):
        text = text.replace(fault.old, fault.new, 1)

    with pytest.raises(ConfigError, match="appears twice") as refused:
        parse_checked(text, label=LABEL)

    reported = str(refused.value).splitlines()
    assert len(reported) == len(names)
    for fault_line, name in zip(reported, names, strict=True):
        assert re.search(FAULTS[name].message, fault_line)


def test_faults_of_imputation_and_formula_are_reported_with_the_others() -> None:
    names = ("an unknown imputation", "a duplicate level", "two formulas", "a single fold")
    text = bundled_config()
    for fault in (FAULTS[name] for name in names):
        text = text.replace(fault.old, fault.new, 1)

    with pytest.raises(ConfigError, match="impute of LotFrontage") as refused:
        parse_checked(text, label=LABEL)

    for name in names:
        assert re.search(FAULTS[name].message, str(refused.value))


def test_what_only_training_can_judge_is_not_asked_of_a_reader() -> None:
    fault = FAULTS["an unknown hyperparameter"]
    text = bundled_config().replace(fault.old, fault.new, 1)

    assert parse_spec(text, label=LABEL).members
    with pytest.raises(ConfigError, match=fault.message):
        parse_checked(text, label=LABEL)


def test_search_space_is_read_from_its_words() -> None:
    text = bundled_config()
    start, end = text.index("search:\n"), text.index("validation:")
    space = """search:
  linear:
    limit: 0.05 to 2e-1 , log
    weight: 0.2 or 1
  trees:
    max_depth: 5 or 7   # a comment
    max_features: 0.15 or sqrt
    n_estimators: 100 to 900
"""

    assert parse_spec(text[:start] + space + text[end:], label=LABEL).search == (
        Sought(member="linear", name="limit", bounds=(0.05, 0.2), log=True),
        Sought(member="linear", name="weight", choices=(0.2, 1)),
        Sought(member="trees", name="max_depth", choices=(5, 7)),
        Sought(member="trees", name="max_features", choices=(0.15, "sqrt")),
        Sought(member="trees", name="n_estimators", bounds=(100, 900)),
    )


def test_config_and_manifest_without_a_search_space_are_read_as_before() -> None:
    text = bundled_config()
    start, end = text.index("search:\n"), text.index("validation:")
    spec = parse_spec(text[:start] + text[end:], label=LABEL)
    manifest = spec.model_dump(mode="json", exclude={"search"})

    assert spec.search == ()
    assert Spec.model_validate(manifest) == spec


def test_one_member_at_least_has_no_limit() -> None:
    free = "  trees:\n    weight: 1\n"
    assert free in bundled_config()
    text = bundled_config().replace(free, f"{free}    limit: 0.1\n")

    with pytest.raises(ConfigError, match=r"line \d+: a limit is .*; leave one member without"):
        parse_spec(text, label=LABEL)


def test_section_left_out_is_named() -> None:
    text = bundled_config()
    start, end = text.index("validation:"), text.index("# A model past")

    with pytest.raises(ConfigError, match=rf"{LABEL}, line \d+: .*'validation' not found"):
        parse_spec(text[:start] + text[end:], label=LABEL)


@pytest.mark.parametrize("text", ["", "just a sentence", "- a\n- b\n", "\0"])
def test_text_that_is_no_mapping_is_refused_at_its_first_line(text: str) -> None:
    with pytest.raises(ConfigError, match=f"{LABEL}(, line [123])?: "):
        parse_spec(text, label=LABEL)


def test_file_that_is_not_utf8_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / LABEL
    path.write_bytes(bundled_config().replace("Ames house", "Ames h\u00f6use").encode("latin-1"))

    with pytest.raises(ConfigError, match=f"{LABEL}: cannot be read as UTF-8 text"):
        load_spec(path)


@pytest.mark.parametrize("make", [lambda path: None, Path.mkdir], ids=["missing", "a folder"])
def test_file_that_cannot_be_read_is_refused_by_name(make: object, tmp_path: Path) -> None:
    path = tmp_path / LABEL
    assert callable(make)
    make(path)

    with pytest.raises(
        ConfigError, match=f"{LABEL}: cannot be read.*(No such file|Is a directory)"
    ):
        load_spec(path)


def test_file_gives_the_same_spec_as_its_text(tmp_path: Path) -> None:
    path = tmp_path / LABEL
    path.write_text(bundled_config(), encoding="utf-8")

    assert load_spec(path) == load_spec()


def test_bundled_config_declares_the_79_inputs_identifier_and_target() -> None:
    spec = load_spec()

    assert len(spec.inputs) == 79
    assert len(spec.features) == 81
    assert spec.identifier is not None
    assert spec.identifier.name == "Id"
    assert spec.target.name == "SalePrice"
    assert spec.sale_year is not None
    assert spec.sale_year.name == "YrSold"


def test_inputs_stand_in_the_order_of_the_real_table(ames: Path) -> None:
    header = (ames / "train.csv").read_text("utf-8").splitlines()[0].split(",")

    assert [f.name for f in load_spec().features] == header


def test_spec_returns_unchanged_from_json(spec: Spec) -> None:
    through = json.loads(json.dumps(spec.model_dump(mode="json")))

    assert Spec.model_validate(through) == spec


def test_spec_is_frozen(spec: Spec) -> None:
    with pytest.raises(ValueError, match="frozen"):
        spec.seed = 1


def test_feature_is_found_by_name_alone(spec: Spec) -> None:
    assert spec.feature("LotArea").unit == "square feet"
    with pytest.raises(KeyError, match="LotAera"):
        spec.feature("LotAera")


def test_imputation_is_read_from_its_words(spec: Spec) -> None:
    assert spec.feature("LotFrontage").impute == Imputation(method="median", by="Neighborhood")
    assert spec.feature("YearRemodAdd").impute == Imputation(method="feature", feature="YearBuilt")
    assert spec.feature("MiscVal").impute == Imputation(method="constant", value=0.0)
    assert spec.feature("Street").impute == Imputation(method="most frequent")
    assert spec.feature("LotArea").impute == Imputation(method="median")


def test_levels_of_an_integer_feature_are_integers(spec: Spec) -> None:
    assert spec.feature("MSSubClass").levels[:2] == (20, 30)
    assert spec.feature("HouseStyle").levels[:2] == ("1Story", "1.5Fin")


def test_weights_of_a_sum_are_read(spec: Spec) -> None:
    baths = next(d for d in spec.derived if d.name == "Baths")

    assert [(term.feature, term.weight) for term in baths.terms] == [
        ("FullBath", 1.0),
        ("HalfBath", 0.5),
        ("BsmtFullBath", 1.0),
        ("BsmtHalfBath", 0.5),
    ]


def test_what_was_asked_of_a_spec_is_not_pickled_with_it(quick_config: str) -> None:
    fresh, asked = (parse_spec(quick_config, label="config.yml") for _ in range(2))
    names = [name for name, value in vars(Spec).items() if isinstance(value, cached_property)]

    for name in names:
        getattr(asked, name)

    assert len(names) > 4
    assert pickle.dumps(asked) == pickle.dumps(fresh)
