"""The model card: what a model is for, what it was made from, and what is known of its worth.

After M. Mitchell et al., "Model Cards for Model Reporting", FAT* 2019; the five factors are those
of the US rule on quality control of automated valuation models (89 FR 64538, 2024).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from regression_model.config.spec import Spec
from regression_model.evaluation.metrics import METRICS
from regression_model.evaluation.ratio_study import MIN_SALES, STATISTICS, limits_text
from regression_model.training.fit import LASSO, MEAN, MODEL
from regression_model.training.gate import Check

Manifest = Mapping[str, Any]


def model_card(spec: Spec, manifest: Manifest) -> str:
    """Return the card of the model that ``manifest`` describes, as Markdown."""
    sections = [
        [f"# {spec.name}: model {manifest['version']}", *_notes(manifest)],
        ["## Data", *_data(spec, manifest)],
        ["## Use", *_use(spec)],
        ["## Accuracy", *_accuracy(spec, manifest)],
        ["## Gate", *_gate(manifest)],
        ["## Ranges, by tenth of the predicted price", *_ranges(manifest["study"])],
        ["## Ratio study", *_ratios(manifest["study"])],
        ["## Fairness screen, by location", *_locations(spec, manifest["study"])],
        ["## The five factors of the quality-control rule", *_factors(spec, manifest)],
    ]
    return "\n\n".join("\n\n".join(section) for section in sections) + "\n"


def _notes(manifest: Manifest) -> Iterable[str]:
    made = f"Trained {manifest['trained_at']}"
    revision = manifest["git_revision"]
    yield f"{made} from revision {revision}." if revision else f"{made}."
    if manifest["data"]["source"] == "sample":
        yield (
            "**Trained on the bundled sample: synthetic houses, no real sales.** Prices are "
            "plausible and worth nothing as valuations."
        )
    if not manifest["gate"]["passed"]:
        yield "**This model fails its gate and was saved by force.** Do not release it."


def _data(spec: Spec, manifest: Manifest) -> Iterable[str]:
    data = manifest["data"]
    yield _table(
        ["", ""],
        [
            ["sales", f"{data['rows']:,} ({data['name']}, source: {data['source']})"],
            ["SHA-256", f"`{data['sha256']}`"],
            ["fields", f"{len(spec.inputs)}, of which {_required(spec)} are required"],
            ["config", f"SHA-256 `{manifest['config_sha256']}`"],
            [
                "trained with",
                ", ".join(f"{k} {v}" for k, v in sorted(manifest["libraries"].items())),
            ],
        ],
    )
    years = _years(spec, manifest)
    yield f"No sale was left out.{years} Every row passed the checks that serving makes."


def _required(spec: Spec) -> int:
    return sum(f.required for f in spec.inputs)


def _years(spec: Spec, manifest: Manifest) -> str:
    sale = spec.sale_year
    known = None if sale is None else manifest["profile"]["ranges"].get(sale.name)
    return "" if known is None else f" Sold {known[0]:.0f} to {known[1]:.0f}."


def _use(spec: Spec) -> Iterable[str]:
    members = ", ".join(f"{m.name} ({m.estimator}, weight {m.weight:g})" for m in spec.members)
    yield (
        "For estimates of what a house would sell for, each with its range, among houses like "
        "those of the data and at the time of the data. A person decides where money or rights "
        "depend on it; range, reasons and comparable sales are there for that person."
    )
    yield (
        "Not for other places or later markets without training anew, for houses that the warnings "
        "say lie beyond the training range, or for what the fields do not tell: views, disputes, "
        "hidden damage. It follows the market and knows no cause: a contribution is not what a "
        "renovation would earn."
    )
    yield f"Made of: {members}. Compiled to an ONNX graph that is proven equal."


def _accuracy(spec: Spec, manifest: Manifest) -> Iterable[str]:
    metrics = manifest["metrics"]
    rows = [
        [f"{candidate}, {part}", *(METRICS[m].form.format(scores[m]) for m in METRICS)]
        for part, key in (("out of fold", "cross_validated"), ("hold-out", "held_out"))
        for candidate in (MODEL, LASSO, MEAN)
        for scores in [metrics[key][candidate]]
    ]
    yield _table(["", *(metric.title for metric in METRICS.values())], rows)
    errors = [scores["rmsle"] for scores in metrics["repeats"]]
    alone = ", ".join(f"{m.name} {metrics['members'][m.name]:.4f}" for m in spec.members)
    yield f"RMSLE of each member alone, out of fold: {alone}."
    if len(errors) > 1:
        yield f"RMSLE over {len(errors)} repeats: {min(errors):.4f} to {max(errors):.4f}."


def _gate(manifest: Manifest) -> Iterable[str]:
    checks = [
        Check(
            c["name"], float("nan") if c["value"] is None else c["value"], c["lowest"], c["highest"]
        )
        for c in manifest["gate"]["checks"]
    ]
    if not checks:
        yield f"The config sets no limits for data from '{manifest['data']['source']}'."
        return
    marks = {True: "ok", False: "**FAIL**"}
    yield _table(
        ["figure", "value", "limit", ""],
        [[c.title, c.shown, c.demand, marks[c.passed]] for c in checks],
    )


def _ranges(study: Manifest) -> Iterable[str]:
    coverage = study["coverage"]
    rows = [
        [
            part["name"],
            f"{part['sales']:,}",
            f"{part['ranges']['coverage']:.1%}",
            f"{part['ranges']['median_width']:.0%}",
            "-" if part["score_ratio"] is None else f"{part['score_ratio']:.2f}",
        ]
        for part in (coverage["overall"], *coverage["deciles"])
    ]
    yield _table(["predicted price", "sales", "covered", "median width", "score / one width"], rows)
    yield (
        f"Ranges promise to hold {coverage['nominal']:.0%} of the prices. Out of fold: neither the "
        "estimate nor its difficulty comes from a model that had seen the sale."
    )


def _ratios(study: Manifest) -> Iterable[str]:
    overall = study["ratios"]["overall"]
    if overall["trimmed"] is None:
        yield f"Too few sales: {overall['sales']} of {MIN_SALES}."
        return
    rows = [
        [s.title, *(_measured(name, overall[k][name]) for k in ("trimmed", "untrimmed")),
         limits_text(name)]
        for name, s in STATISTICS.items()
    ]  # fmt: skip
    yield _table(["", "trimmed", "all sales", "limits"], rows)


def _measured(name: str, measured: Mapping[str, Any]) -> str:
    form = STATISTICS[name].form.format
    if measured["value"] is None:
        return "-"
    if measured["low"] is None:
        return form(measured["value"])
    return f"{form(measured['value'])} ({form(measured['low'])} to {form(measured['high'])})"


def _locations(spec: Spec, study: Manifest) -> Iterable[str]:
    if spec.location is None:
        yield "The config names no location: nothing to screen by."
        return
    covered = {part["name"]: part["ranges"]["coverage"] for part in study["coverage"]["locations"]}
    large = [part for part in study["ratios"]["locations"] if part["trimmed"] is not None]
    rows = [
        [
            part["name"],
            f"{part['sales']:,}",
            _measured("median", part["trimmed"]["median"]),
            f"{part['trimmed']['cod']['value']:.1f}",
            f"{covered[part['name']]:.0%}",
            _standing(part["trimmed"]["median"]),
        ]
        for part in large
    ]
    yield _table([spec.location.name, "sales", "median ratio", "COD", "covered", ""], rows)
    few = len(study["ratios"]["locations"]) - len(large)
    yield (
        f"Median ratio = estimate / price, limits {limits_text('median')}. {few} more location(s) "
        f"have fewer than {MIN_SALES} sales and are not judged. The screen finds places that are "
        "valued too high or too low as a whole; it knows nothing of the people who live there, and "
        "does not replace a study that does."
    )


def _standing(median: Mapping[str, Any]) -> str:
    if median["within"]:
        return "ok"
    return "**past**" if median["surely_past"] else "past, chance not excluded"


def _factors(spec: Spec, manifest: Manifest) -> Iterable[str]:
    parity, interval = manifest["parity"], manifest["interval"]
    passed = "passed" if manifest["gate"]["passed"] else "FAILED"
    place = "no location" if spec.location is None else f"location ({spec.location.name})"
    evidence = [
        (
            "High confidence in the estimates",
            f"a range with every price, covering {interval['held_out_coverage']:.1%} of a hold-out "
            f"at {interval['coverage']:.0%}; gate {passed}; twins at most "
            f"${max(parity['largest_on_training'], parity['largest_on_edges']):.2g} apart on "
            f"{parity['training_rows'] + parity['edge_rows']:,} rows",
        ),
        (
            "Protection against manipulation of data",
            "data, config and every file of the artifact are known by their SHA-256 and verified "
            "before they are read; training refuses a table with a row that breaks a rule and "
            "leaves none out; no single estimate can be changed by hand. Hashes show corruption, "
            "not malice: who may publish is for the organisation to control",
        ),
        (
            "No conflicts of interest",
            "limits stand in the config before a model is judged, and a model past one is marked "
            "for good. Who chooses data and limits is for the organisation to separate from who "
            "profits",
        ),
        (
            "Random sample testing and reviews",
            "a random hold-out and cross-validation at each training, above; "
            "`regression-model evaluate --data NEW_SALES --report FILE` repeats all of it on later "
            "sales",
        ),
        (
            "Nondiscrimination",
            f"the fields are those of the config, which describe the house; {place} and price are "
            "screened above. A field may stand in for who lives where: to see that takes data this "
            "package does not have",
        ),
    ]
    yield _table(["factor", "evidence"], [list(pair) for pair in evidence])


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    return "\n".join([line(header), line(["---"] * len(header)), *map(line, rows)])
