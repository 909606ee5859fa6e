"""Status words are mapped by a table; one that no table names stays unknown."""

import pytest

from rfmkit.columns import STATUSES
from rfmkit.exceptions import RfmkitError
from rfmkit.formats._statuses import SHOP_WORDS, canonical_statuses

MEANINGS = {
    "unpaid": ["unpaid", "pending", "Pending Payment", "等待买家付款", "wc-pending", "on-hold"],
    "paid": ["paid", "PAID", " paid ", "processing", "买家已付款,等待卖家发货", "wc-processing"],
    "shipped": ["shipped", "卖家已发货,等待买家确认", "已发货"],
    "completed": ["completed", "delivered", "交易成功", "已完成", "wc-completed", "Complete"],
    "closed_unpaid": ["closed_unpaid", "expired", "failed"],
    "closed_refunded": ["closed_refunded"],
    "partially_refunded": ["partially_refunded", "Partially refunded", "部分退款"],
    "refunded": ["refunded", "退款成功", "returned"],
    "cancelled": ["cancelled", "Canceled", "已取消"],
    "void": ["void", "voided"],
    "test": ["test"],
    "deleted": ["deleted", "已删除"],
    "unknown": ["unknown"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("word", "status"), [(word, status) for status, words in MEANINGS.items() for word in words]
)
def test_a_word_means_its_canonical_status(word, status):
    assert canonical_statuses([word]) == {word: status}


def test_every_canonical_status_is_tried():
    assert set(MEANINGS) == set(STATUSES) == set(SHOP_WORDS)


@pytest.mark.parametrize(
    "word", ["买家已付款，等待卖家发货", "卖家已发货，等待买家确认", "ＰＡＩＤ"]
)
def test_full_width_forms_do_not_tell_statuses_apart(word):
    assert canonical_statuses([word])[word] in ("paid", "shipped")


@pytest.mark.parametrize(
    "word",
    [
        "Verschickt", "not paid", "unpaid?", "paidd", "", "0",
    ],
)  # fmt: skip
def test_an_unseen_status_is_unknown_and_never_a_default(word):
    assert canonical_statuses([word]) == {word: "unknown"}


def test_no_word_has_two_meanings():
    words = [word for status, shop in SHOP_WORDS.items() for word in {status, *shop}]
    assert len(words) == len(set(words))


@pytest.mark.parametrize("own", ["Verschickt", "verschickt", " VERSCHICKT "])
def test_the_callers_words_are_compared_like_the_built_in_ones(own):
    assert canonical_statuses(["Verschickt"], {own: "shipped"}) == {"Verschickt": "shipped"}


@pytest.mark.parametrize("status", ["void", "unpaid", "unknown"])
def test_the_callers_words_win_over_the_built_in_ones(status):
    assert canonical_statuses(["paid", "shipped"], {"PAID": status}) == {
        "paid": status,
        "shipped": "shipped",
    }


@pytest.mark.parametrize(
    ("own", "found"),
    [
        ({"x": "sold"}, r"'sold'"),
        ({"x": "PAID"}, r"'PAID'"),
        ({"x": "paid", "y": "b", "z": "a"}, r"'a', 'b'"),
        ({str(n): f"s{n}" for n in range(7)}, r"'s0', 's1', 's2', 's3', 's4', \.\.\. \(7 in all\)"),
    ],
)
def test_mapping_to_something_else_is_an_error_that_lists_the_canonical_ones(own, found):
    with pytest.raises(RfmkitError, match=rf"Found: {found}\nHint: .*unpaid, paid, shipped"):
        canonical_statuses([], own)


def test_what_one_word_leaves_open_is_left_open_for_the_payment_to_decide():
    assert canonical_statuses(["交易关闭"]) == {"交易关闭": "closed"}


def test_the_words_of_a_platform_win_over_common_ones_and_the_callers_over_both():
    platform = {"closed": "closed_refunded", "done": "shipped"}
    found = canonical_statuses(["Closed", "done"], {"DONE": "paid"}, platform=platform)
    assert found == {"Closed": "closed_refunded", "done": "paid"}
