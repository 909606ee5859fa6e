"""The playbook joins an action to every customer, whichever language the table speaks."""

import numpy as np
import pandas as pd
import pytest

import rfmkit as rk
from conftest import plain
from rfmkit.columns import LABELS, SEGMENTS
from rfmkit.exceptions import ColumnsError, RfmkitError
from sample_segments import chinese_segments_of, segments_of

ENGLISH, CHINESE = rk.playbook_actions("en"), rk.playbook_actions("zh")


@pytest.fixture(scope="module")
def segments(orders):
    return segments_of(orders)


@pytest.fixture(scope="module")
def chinese(orders):
    return chinese_segments_of(orders)


def joined(table, actions):
    """The actions by segment and phase, as pandas joins them."""
    keys = ["segment", "phase"]
    left = table[keys].fillna("-")
    return left.merge(actions.fillna("-"), on=keys, how="left")["action"].tolist()


def test_every_customer_has_the_action_of_their_pair(segments):
    found = rk.playbook(segments)
    assert found["action"].tolist() == joined(segments, ENGLISH)
    assert found["action"].notna().all()
    pd.testing.assert_frame_equal(found.drop(columns="action"), segments)


def test_a_table_in_chinese_has_actions_in_chinese(chinese):
    found = rk.playbook(chinese)
    assert found["action"].tolist() == joined(chinese, CHINESE)
    assert found["action"].notna().all()


def test_the_language_of_the_actions_may_be_another(segments, chinese):
    found = rk.playbook(segments, lang="zh")["action"].tolist()
    assert found == rk.playbook(chinese)["action"].tolist()
    assert rk.playbook(chinese, lang="en")["action"].tolist() == joined(segments, ENGLISH)


def test_the_shops_own_actions_count_in_either_language(segments, chinese):
    own = ENGLISH.assign(action=[f"do {place}" for place in range(len(ENGLISH))])
    expected = joined(segments, own)
    assert rk.playbook(segments, actions=own)["action"].tolist() == expected
    assert rk.playbook(chinese, actions=own)["action"].tolist() == expected
    assert rk.playbook(chinese, actions=own, lang="en")["action"].tolist() == expected


def test_rows_of_both_languages_keep_their_own_action(segments, chinese):
    both = pd.concat([ENGLISH, CHINESE])
    assert rk.playbook(segments, actions=both)["action"].tolist() == joined(segments, ENGLISH)
    assert rk.playbook(chinese, actions=both)["action"].tolist() == joined(chinese, CHINESE)


def test_a_pair_without_a_row_has_no_action(segments):
    found = rk.playbook(segments, actions=ENGLISH[ENGLISH["segment"] != "fan"])
    assert found["action"].isna().tolist() == (segments["segment"] == "fan").tolist()


def test_labels_of_the_shops_own_are_joined_too(segments):
    named = segments.replace({"segment": {"fan": "VIP"}})
    own = pd.DataFrame({"segment": ["VIP"], "phase": ["active"], "action": ["call"]})
    found = rk.playbook(named, actions=own)["action"]
    assert (found == "call").tolist() == (named["segment"] == "VIP").tolist()


def test_an_action_of_before_is_replaced(segments):
    again = rk.playbook(rk.playbook(segments, lang="zh"))
    pd.testing.assert_frame_equal(again, rk.playbook(segments))


@pytest.mark.parametrize(
    "kind",
    [
        "polars_lazy",
        "pyarrow",
        *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("polars", "ibis")),
    ],
)
def test_a_table_of_any_kind_gives_the_same(segments, as_kind, kind):
    expected = plain(rk.playbook(segments))
    pd.testing.assert_frame_equal(plain(rk.playbook(as_kind(segments, kind))), expected)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_default_actions_cover_every_pair_of_segment_and_phase(lang):
    actions, words = rk.playbook_actions(lang), LABELS[lang]
    assert list(actions.columns) == ["segment", "phase", "action"]
    assert set(actions["segment"]) == {words[name] for name in SEGMENTS}
    assert actions.loc[actions["phase"].isna(), "segment"].tolist() == [words["prospect"]]
    assert not actions.duplicated(["segment", "phase"]).any()


@pytest.mark.parametrize(
    "call", [lambda t: rk.playbook(t, lang="fr"), lambda _: rk.playbook_actions("fr")]
)
def test_another_language_is_an_error(segments, call):
    with pytest.raises(RfmkitError, match=r"^lang must be one of 'en', 'zh'\.\nFound: lang='fr'"):
        call(segments)


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        (ENGLISH.drop(columns="action"), r"^actions must have .*\nFound: no 'action'\nHint: start"),
        (pd.concat([ENGLISH, ENGLISH]), r"^actions must have .*\nFound: several rows .*\nHint"),
        (ENGLISH.to_dict(), r"^actions must be a pandas DataFrame.*\nFound: a dict\nHint: start"),
    ],
)
def test_actions_that_cannot_be_joined_are_an_error(segments, actions, message):
    with pytest.raises(RfmkitError, match=message):
        rk.playbook(segments, actions=actions)


def test_a_table_without_segments_is_an_error(customers):
    with pytest.raises(
        ColumnsError, match=r"must have the columns segment .*\nFound: no 'segment'"
    ):
        rk.playbook(customers)


def test_a_missing_phase_is_that_of_prospects_however_written(segments):
    for missing in (None, np.nan):
        own = pd.DataFrame({"segment": ["prospect"], "phase": [missing], "action": ["invite"]})
        found = rk.playbook(segments, actions=own)["action"]
        assert (found == "invite").tolist() == (segments["segment"] == "prospect").tolist()
