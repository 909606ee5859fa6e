"""The archive: what was learned comes back, and nothing else does."""

import copy
import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import rfmkit as rk
from rfmkit.archive import LEARNED, MODELS, PARTS, RENAMED
from rfmkit.exceptions import NotFittedError, RfmkitError

SAVED = Path(__file__).parent / "saved"
"""Models fitted on the bundled sample and saved by 0.1.0 before classes were moved and renamed."""
EVERYBODY = rk.load_sample()
ROWS = EVERYBODY[EVERYBODY["customer_id"] <= "C000400"]
AS_OF = EVERYBODY["ordered_at"].max()
FEW = 40  # an interval of a prediction takes milliseconds for each customer


@cache
def log():
    return rk.read_orders(ROWS, as_of=AS_OF.date())


@cache
def goods():
    """The log of the sample, with a category for each line."""
    dear = ROWS["amount"] > EVERYBODY["amount"].median()
    rows = ROWS.assign(category=np.where(dear, "dear", "cheap"))
    return rk.read_orders(rows, category="category", as_of=AS_OF.date())


@cache
def everybody():
    """The customers of the log, with the door by which they came, and with their shop."""
    customers = rk.summarize(log())
    door = np.where(customers["tenure_days"] % 3 > 0, "side", "main")
    return customers.assign(door=door, shop=customers["tenure_days"] % 5)


MODELS_AND_DATA = {
    "BetaGeo": (rk.BetaGeo(90, unit_days=7), log),
    "ModifiedBetaGeo": (rk.ModifiedBetaGeo(90), log),
    "BetaGeoCNBD": (rk.BetaGeoCNBD(90, k=2), log),
    "ModifiedBetaGeoCNBD": (rk.ModifiedBetaGeoCNBD(90), log),
    "ParetoNBD": (rk.ParetoNBD(90), log),
    "ParetoNBD of shops": (
        rk.ParetoNBD(90, buying="door * shop", leaving="C(shop)"),
        everybody,
    ),
    "GammaGamma": (rk.GammaGamma(), log),
    "BetaGeoBetaBinomial": (rk.BetaGeoBetaBinomial(period_days=60), log),
    "ShiftedBetaGeometric": (rk.ShiftedBetaGeometric(), lambda: [1000, 631, 468, 382, 326]),
    "ChurnCurve": (rk.ChurnCurve(180, anchor="snapshot"), log),
    "ChurnModel": (rk.ChurnModel(60, origins=6), lambda: rk.read_orders(EVERYBODY)),
    "cox": (
        rk.GapRegression("cox", horizon_days=90, formula="quarter * value"),
        lambda: log().until("2023-12-31"),
    ),
    "mixture_cure": (rk.GapRegression("mixture_cure", formula="category + own_gap"), goods),
    "lognormal": (rk.GapRegression("lognormal"), log),
    "PurchaseCycle": (rk.PurchaseCycle("gamma"), log),
    "RFMScorer": (rk.RFMScorer(n_bins=4), lambda: rk.summarize(log())),
    "Lifecycle": (
        rk.Lifecycle(silent_after=rk.PurchaseCycles(2), lost_after=rk.ChurnProbability(0.8)),
        log,
    ),
}


@cache
def fitted(name):
    """A model of the sample, fitted once; never to be changed."""
    model, data = MODELS_AND_DATA[name]
    return model.fit(data())


def outcome(model, customers, **options):
    """The predictions of a model for some customers, or for all of a log."""
    match model:
        case rk.GammaGamma():
            return model.predict_spend(customers)
        case rk.ChurnModel() | rk.GapRegression():
            return model.predict_churn(goods())
        case rk.BetaGeoBetaBinomial():
            return model.predict_purchases(log())
        case rk.ShiftedBetaGeometric():
            return pd.DataFrame({"survival": model.survival([1, 5, 9])})
    if hasattr(model, "predict_purchases"):
        return model.predict_purchases(customers, interval=0.9, **options)
    return (
        model.predict_churn(customers)
        if hasattr(model, "predict_churn")
        else model.transform(customers)
    )


def comes_back(model, customers, tmp_path, **options):
    """Hold that a model is the same after it was saved, and that its file names no customer."""
    rk.save_model(model, tmp_path / "model.json")
    again = rk.load_model(tmp_path / "model.json")
    assert type(again) is type(model)
    assert repr(again) == repr(model)
    assert vars(again).keys() == vars(model).keys()
    expected = outcome(model, customers, **options)
    pd.testing.assert_frame_equal(outcome(again, customers, **options), expected)
    rk.save_model(again, tmp_path / "again.json")
    assert (tmp_path / "again.json").read_text() == (tmp_path / "model.json").read_text()

    text = json.dumps((tmp_path / "model.json").read_text())
    words = set(json.loads(f"[{text}]")[0].split('"'))
    assert not words & set(everybody()["customer_id"].astype(str))


@pytest.mark.parametrize("name", sorted(MODELS_AND_DATA.keys() - {"ChurnModel"}))
def test_a_model_says_the_same_when_it_comes_back_and_no_customer_is_written(name, tmp_path):
    comes_back(fitted(name), everybody().head(FEW), tmp_path, horizon_days=14)


def test_a_saved_churn_model_says_the_same_when_it_is_saved_again(tmp_path):
    comes_back(rk.load_model(SAVED / "ChurnModel.json"), everybody(), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS_AND_DATA)
def test_a_model_says_the_same_of_everybody_when_it_comes_back(name, tmp_path):
    comes_back(fitted(name), everybody(), tmp_path)


@pytest.mark.filterwarnings(
    "ignore:Churn within 5000 days is extrapolated by the fitted distribution"
)
@pytest.mark.parametrize("kind", ["cox", "mixture_cure", "lognormal"])
def test_all_that_a_regression_predicts_comes_back(kind, tmp_path):
    model = fitted(kind)
    rk.save_model(model, tmp_path / "model.json")
    again = rk.load_model(tmp_path / "model.json")
    pd.testing.assert_frame_equal(again.summary_, model.summary_)
    for days in (1, 5000):  # within the gaps that were seen, and beyond them
        churn = model.predict_churn(goods(), horizon_days=days)
        pd.testing.assert_frame_equal(again.predict_churn(goods(), horizon_days=days), churn)
        assert churn["churn_probability"].notna().all()
    waits = model.predict_median_days(goods())
    assert waits["median_days"].notna().sum() > 100
    pd.testing.assert_frame_equal(again.predict_median_days(goods()), waits)


def test_every_model_and_part_is_found():
    assert {type(model).__name__ for model, _ in MODELS_AND_DATA.values()} == MODELS.keys()
    for name, module in (MODELS | PARTS | LEARNED).items():
        assert hasattr(__import__(module, fromlist=[name]), name)


def test_a_file_names_its_schema_and_its_library(tmp_path):
    rk.save_model(fitted("BetaGeo"), tmp_path / "model.json")
    document = json.loads((tmp_path / "model.json").read_text())
    assert (document["schema"], document["model"]) == (1, "BetaGeo")
    assert document["library"] == f"rfmkit {rk.__version__}"


def test_a_file_is_replaced_in_one_step(tmp_path):
    path = tmp_path / "model.json"
    rk.save_model(fitted("BetaGeo"), path)
    rk.save_model(fitted("ModifiedBetaGeo"), path)
    assert type(rk.load_model(path)) is rk.ModifiedBetaGeo
    assert [other.name for other in tmp_path.iterdir()] == ["model.json"]


@pytest.mark.parametrize("model", [object(), pd.DataFrame(), rk.BetaGeo, "BetaGeo", log])
def test_only_models_are_saved(model, tmp_path):
    model = log() if model is log else model
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
    model = copy.deepcopy(fitted("BetaGeo"))
    model.params_["r"] = 0.1 + 0.2
    model.count_ = np.int64(2**53 + 1)
    model.extra_ = np.array([np.nan, np.inf, -0.0, 5e-324])
    rk.save_model(model, tmp_path / "model.json")
    again = rk.load_model(tmp_path / "model.json")
    assert again.params_["r"] == 0.1 + 0.2
    assert again.count_ == 2**53 + 1
    assert again.extra_.tobytes() == model.extra_.tobytes()


# --- files of earlier versions -------------------------------------------------------------------

PREDICTED = json.loads((SAVED / "predicted.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(PREDICTED))
def test_a_model_saved_by_an_earlier_version_predicts_the_same(name):
    model = rk.load_model(SAVED / f"{name}.json")
    assert type(model).__name__ == name.partition("-")[0]
    found = outcome(model, everybody().head(FEW))
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
