"""The archive: what was learned comes back, and nothing else does."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import rfmkit as rk
from rfmkit.archive import LEARNED, MODELS, PARTS, RENAMED
from rfmkit.exceptions import NotFittedError, RfmkitError

LOG = rk.read_orders(rk.load_sample())
CUSTOMERS = rk.summarize(LOG)
CUSTOMERS["door"] = np.where(CUSTOMERS["tenure_days"] % 3 > 0, "side", "main")
EARLY = LOG.until("2023-12-31")
ROWS = rk.load_sample()
GOODS = rk.read_orders(
    ROWS.assign(category=np.where(ROWS["amount"] > ROWS["amount"].median(), "dear", "cheap")),
    category="category",
)
FITTED = [
    rk.BetaGeo(90, unit_days=7).fit(LOG),
    rk.ModifiedBetaGeo(90).fit(LOG),
    rk.BetaGeoCNBD(90, k=2).fit(LOG),
    rk.ModifiedBetaGeoCNBD(90).fit(LOG),
    rk.ParetoNBD(90).fit(LOG),
    rk.ParetoNBD(90, buying="door * shop", leaving="C(shop)").fit(
        CUSTOMERS.assign(shop=CUSTOMERS["tenure_days"] % 5)
    ),
    rk.GammaGamma().fit(LOG),
    rk.BetaGeoBetaBinomial(period_days=60).fit(LOG),
    rk.ShiftedBetaGeometric().fit([1000, 631, 468, 382, 326]),
    rk.ChurnCurve(180, anchor="snapshot").fit(LOG),
    rk.ChurnModel(60, origins=6).fit(LOG),
    rk.GapRegression("cox", horizon_days=90, formula="quarter * value").fit(EARLY),
    rk.GapRegression("mixture_cure", formula="category + own_gap").fit(GOODS),
    rk.GapRegression("lognormal").fit(LOG),
    rk.PurchaseCycle("gamma").fit(LOG),
    rk.RFMScorer(n_bins=4).fit(rk.summarize(LOG)),
    rk.Lifecycle(silent_after=rk.PurchaseCycles(2), lost_after=rk.ChurnProbability(0.8)).fit(LOG),
]


def outcome(model):
    """The predictions of a model for every customer."""
    customers = CUSTOMERS.assign(shop=CUSTOMERS["tenure_days"] % 5)
    match model:
        case rk.GammaGamma():
            return model.predict_spend(customers)
        case rk.ChurnModel() | rk.GapRegression():
            return model.predict_churn(GOODS)
        case rk.BetaGeoBetaBinomial():
            return model.predict_purchases(LOG)
        case rk.ShiftedBetaGeometric():
            return pd.DataFrame({"survival": model.survival([1, 5, 9])})
    if hasattr(model, "predict_purchases"):
        return model.predict_purchases(customers, interval=0.9)
    return (
        model.predict_churn(customers)
        if hasattr(model, "predict_churn")
        else model.transform(customers)
    )


@pytest.mark.parametrize("model", FITTED, ids=lambda model: type(model).__name__)
def test_a_model_says_the_same_when_it_comes_back(model, tmp_path):
    rk.save_model(model, tmp_path / "model.json")
    again = rk.load_model(tmp_path / "model.json")
    assert type(again) is type(model)
    assert repr(again) == repr(model)
    assert vars(again).keys() == vars(model).keys()
    pd.testing.assert_frame_equal(outcome(again), outcome(model))
    rk.save_model(again, tmp_path / "again.json")
    assert (tmp_path / "again.json").read_text() == (tmp_path / "model.json").read_text()


@pytest.mark.filterwarnings(
    "ignore:Churn within 5000 days is extrapolated by the fitted distribution"
)
@pytest.mark.parametrize("kind", ["cox", "mixture_cure", "lognormal"])
def test_all_that_a_regression_predicts_comes_back(kind, tmp_path):
    model = next(each for each in FITTED if getattr(each, "kind", None) == kind)
    rk.save_model(model, tmp_path / "model.json")
    again = rk.load_model(tmp_path / "model.json")
    pd.testing.assert_frame_equal(again.summary_, model.summary_)
    for days in (1, 5000):  # within the gaps that were seen, and beyond them
        churn = model.predict_churn(GOODS, horizon_days=days)
        pd.testing.assert_frame_equal(again.predict_churn(GOODS, horizon_days=days), churn)
        assert churn["churn_probability"].notna().all()
    waits = model.predict_median_days(GOODS)
    assert waits["median_days"].notna().sum() > 100
    pd.testing.assert_frame_equal(again.predict_median_days(GOODS), waits)


def test_every_model_and_part_is_found():
    assert {type(model).__name__ for model in FITTED} == MODELS.keys()
    for name, module in (MODELS | PARTS | LEARNED).items():
        assert hasattr(__import__(module, fromlist=[name]), name)


def test_no_customer_is_written(tmp_path):
    ids = rk.summarize(LOG)["customer_id"].astype(str)
    for model in FITTED:
        rk.save_model(model, tmp_path / "model.json")
        words = set(
            json.loads(f"[{json.dumps((tmp_path / 'model.json').read_text())}]")[0].split('"')
        )
        assert not words & set(ids)


def test_a_file_names_its_schema_and_its_library(tmp_path):
    rk.save_model(FITTED[0], tmp_path / "model.json")
    document = json.loads((tmp_path / "model.json").read_text())
    assert (document["schema"], document["model"]) == (1, "BetaGeo")
    assert document["library"] == f"rfmkit {rk.__version__}"


def test_a_file_is_replaced_in_one_step(tmp_path):
    path = tmp_path / "model.json"
    rk.save_model(FITTED[0], path)
    rk.save_model(FITTED[1], path)
    assert type(rk.load_model(path)) is rk.ModifiedBetaGeo
    assert [other.name for other in tmp_path.iterdir()] == ["model.json"]


@pytest.mark.parametrize("model", [object(), pd.DataFrame(), rk.BetaGeo, "BetaGeo", LOG])
def test_only_models_are_saved(model, tmp_path):
    with pytest.raises(
        RfmkitError, match=r"^model must be a model of rfmkit\.\nFound: .*\nHint: pass a fitted"
    ):
        rk.save_model(model, tmp_path / "model.json")
    assert not list(tmp_path.iterdir())


def test_a_model_is_fitted_before_it_is_saved(tmp_path):
    with pytest.raises(
        NotFittedError,
        match=r"A model must be fitted before it is saved\.\nFound: a ChurnCurve that",
    ):
        rk.save_model(rk.ChurnCurve(), tmp_path / "model.json")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "The file must be one that rk.save_model wrote"),
        ("[1]", "The file must be one that rk.save_model wrote"),
        ("\x00\x01", "The file must be one that rk.save_model wrote"),
        ('{"schema": 1, "library": "x"}', "The file must be one that rk.save_model wrote"),
        ('{"schema": 2, "library": "rfmkit 9", "model": "BetaGeo"}', "written by rfmkit 9"),
        ('{"schema": 1, "library": "x", "model": "Popen", "state": {}}', "'Popen' of schema 1"),
        (
            '{"schema": 1, "library": "x", "model": "BetaGeo", "state": {"a": {"odd": 1}}}',
            r"found: an object of \['odd'\]",
        ),
    ],
)
def test_another_file_is_an_error(text, match, tmp_path):
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(RfmkitError, match=f"(?i){match}"):
        rk.load_model(tmp_path / "model.json")


def test_a_part_of_another_module_is_not_made(tmp_path):
    state = '{"a": {"part": "P", "state": {}}}'
    text = f'{{"schema": 1, "library": "x", "model": "BetaGeo", "state": {state}}}'
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(
        RfmkitError, match=r"^The file must be one .*\nFound: the part 'P'\nHint: fit"
    ):
        rk.load_model(tmp_path / "model.json")


def test_numbers_come_back_to_the_last_digit(tmp_path):
    model = rk.BetaGeo(90).fit(LOG)
    model.params_["r"] = 0.1 + 0.2
    model.extra_ = np.array([np.nan, np.inf, -0.0, 5e-324])
    rk.save_model(model, tmp_path / "model.json")
    again = rk.load_model(tmp_path / "model.json")
    assert again.params_["r"] == 0.1 + 0.2
    assert again.extra_.tobytes() == model.extra_.tobytes()


# --- files of earlier versions -------------------------------------------------------------------

SAVED = Path(__file__).parent / "saved"
"""Models fitted on the bundled sample and saved by 0.1.0 before classes were moved and renamed."""
PREDICTED = json.loads((SAVED / "predicted.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(PREDICTED))
def test_a_model_saved_by_an_earlier_version_predicts_the_same(name):
    model = rk.load_model(SAVED / f"{name}.json")
    assert type(model).__name__ == name.partition("-")[0]
    found = outcome(model)
    for column, expected in PREDICTED[name].items():
        values = found[column].head(len(expected))
        if pd.api.types.is_datetime64_any_dtype(values):
            values = values.dt.strftime("%Y-%m-%d")
        if pd.api.types.is_float_dtype(values):  # another BLAS may round the last digit otherwise
            numbers = [np.nan if number is None else number for number in expected]
            assert values.tolist() == pytest.approx(numbers, nan_ok=True), column
            continue
        assert values.tolist() == expected, column


def test_the_thresholds_of_an_earlier_version_have_the_names_of_today():
    text = (SAVED / "Lifecycle.json").read_text(encoding="utf-8")
    assert '"part": "Cycles"' in text
    assert '"part": "Probability"' in text
    model = rk.load_model(SAVED / "Lifecycle.json")
    assert model.silent_after == rk.PurchaseCycles(2)
    assert model.lost_after == rk.ChurnProbability(0.8)
    other = rk.load_model(SAVED / "Lifecycle-quantile.json")
    assert other.silent_after == rk.SilenceQuantile(0.7)


def test_every_old_name_leads_to_a_part_and_to_no_old_name():
    assert set(RENAMED.values()) <= PARTS.keys()
    assert not set(RENAMED) & PARTS.keys()


def test_a_cycle_of_an_earlier_version_has_its_distribution_of_gaps():
    text = (SAVED / "PurchaseCycle.json").read_text(encoding="utf-8")
    assert '"waits_"' in text
    cycle = rk.load_model(SAVED / "PurchaseCycle.json")
    assert not hasattr(cycle, "waits_")
    assert cycle.gap_distribution_["regularity"] == cycle.regularity_
