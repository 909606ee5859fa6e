"""Text files: delimiter, header and encoding are detected."""

import gzip
import re

import pytest

from rfmkit._engine.text import detect_delimiter, plain_text
from rfmkit.exceptions import OrdersError

HEADER = "客户,日期,金额"
LOG = f"{HEADER}\n张三,2024-01-01,1\n李四,2024-01-02,2\n"


def plain(path, folder, *, encoding=None, delimiter=None, names=None):
    return plain_text(path, folder, encoding=encoding, delimiter=delimiter, names=names)


@pytest.fixture
def write(tmp_path):
    def make(content, name="orders.csv"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return make


@pytest.mark.parametrize(
    ("lines", "delimiter"),
    [
        (["a,b,c", "1,2,3"], ","),
        (["a;b;c", "1,5;2;3,5"], ";"),
        (["a\tb\tc", "x, y\t2\t3"], "\t"),
        (["a|b|c", "1|2|3"], "|"),
        (["a b  c", "1 2  3"], " "),
        (["00001 19970101  1  11.77", "00002 19970112  1  12.00"], " "),
        (["a,b,c", '"x;y;z",2,3', '"x;y",2,3'], ","),
        (["a;b;c", '"x,y,z";2;3', '"x,y,z";2;3'], ";"),
        (["a b;c d", "1 2;3 4"], ";"),
        (["date time,amount", "2024-01-01 10:00,5"], ","),
        (["a,b,c", "1,2,3", "cut"], ","),
        (["a,b,c", "1,2,3,", "1,2,3,"], ","),
        (["one"], ","),
        (["one", "two"], ","),
    ],
)
def test_the_delimiter_is_the_one_that_cuts_the_lines_alike(lines, delimiter):
    assert detect_delimiter(lines) == delimiter


@pytest.mark.parametrize("content", [b"", b"\n", b" \n\r\n\t\n", "\ufeff".encode()])
def test_an_empty_file_is_an_error(write, tmp_path, content):
    with pytest.raises(OrdersError, match=r"Found: 'orders.csv' is empty\nHint: .*run it again"):
        plain(write(content), tmp_path)


def test_utf8_is_read_where_it_lies(write, tmp_path):
    path = write(LOG.encode())
    assert plain(path, tmp_path / "copies").readable == path
    assert not (tmp_path / "copies").exists()


@pytest.mark.parametrize(
    ("encoding", "given"),
    [("gb18030", None), ("utf-16", None), ("gb18030", "gbk"), ("big5", "big5")],
)
def test_other_encodings_are_rewritten_in_utf8(write, tmp_path, encoding, given):
    text = HEADER.replace("户", "人") + "\n王,2024-01-01,1\n" if encoding == "big5" else LOG
    text = text.replace("额", "子") if encoding == "big5" else text
    found = plain(write(text.encode(encoding)), tmp_path / "copies", encoding=given)
    assert found.readable.parent == tmp_path / "copies"
    assert found.readable.read_text(encoding="utf-8") == text
    assert found.names == tuple(text.splitlines()[0].split(","))


def test_runs_of_spaces_become_tabs(write, tmp_path):
    found = plain(write(b"  id   day   n\n\n  1  2024-01-01    5  \n"), tmp_path / "copies")
    assert found.delimiter == "\t"
    assert found.names == ("id", "day", "n")
    assert found.readable.read_text(encoding="utf-8").split("\n")[2] == "1\t2024-01-01\t5"


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("a,b,c", ("a", "b", "c")),
        (" a , b,c ", ("a", "b", "c")),
        ('"a, b",c', ("a, b", "c")),
        ('"say ""x""",c', ('say "x"', "c")),
        ("a,,c,", ("a", "column2", "c", "column4")),
        ("a,b,a", ("a", "b", "a.1")),
        ("a,A,a", ("a", "A.1", "a.2")),
    ],
)
def test_column_names_are_as_they_stand(write, tmp_path, header, names):
    cells = ",".join("1" * len(names))
    found = plain(write(f"{header}\n{cells}\n".encode()), tmp_path)
    assert found.names == names
    assert found.has_header


def test_a_byte_order_mark_is_no_part_of_a_name(write, tmp_path):
    for encoding in ("utf-8-sig", "utf-16"):
        assert plain(write(LOG.encode(encoding)), tmp_path).names[0] == "客户"


def test_a_header_may_hold_a_quoted_line_break(write, tmp_path):
    found = plain(write(b'"customer\nid",date,total\na,2024-01-01,1\n'), tmp_path)
    assert found.names == ("customer\nid", "date", "total")


def test_given_names_mean_that_there_is_no_header(write, tmp_path):
    found = plain(write(b"a,2024-01-01,1\n"), tmp_path, names=["customer", "date", "total"])
    assert found.names == ("customer", "date", "total")
    assert not found.has_header


@pytest.mark.parametrize("names", [["a", "b"], ["a", "b", "c", "d"], []])
def test_names_are_as_many_as_the_columns(write, tmp_path, names):
    with pytest.raises(OrdersError, match=f"Found: {len(names)} names for 3 columns in 'orders"):
        plain(write(b"a,2024-01-01,1\n"), tmp_path, names=names)


@pytest.mark.parametrize("delimiter", ["^", ",", ";", " "])
def test_a_given_delimiter_is_taken(write, tmp_path, delimiter):
    path = write(f"a{delimiter}b\n1{delimiter}2\n".encode())
    assert plain(path, tmp_path, delimiter=delimiter).names == ("a", "b")


@pytest.mark.parametrize("delimiter", ["||", "ab", "\n"])
def test_a_delimiter_that_is_none_is_an_error(write, tmp_path, delimiter):
    with pytest.raises(OrdersError, match="delimiter"):
        plain(write(b"a||b\n1||2\n"), tmp_path, delimiter=delimiter)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "ascii"])
def test_a_wrong_encoding_is_an_error_that_says_where(write, tmp_path, encoding):
    expected = f"'orders.csv' must be text in the encoding '{encoding}'.\nFound: .+\nHint: leave"
    with pytest.raises(OrdersError, match=expected):
        plain(write(LOG.encode("gb18030")), tmp_path, encoding=encoding)


@pytest.mark.parametrize("encoding", ["klingon", "utf-99"])
def test_an_encoding_that_does_not_exist_is_an_error(write, tmp_path, encoding):
    expected = (
        f"encoding must be the name of a codec.\nFound: encoding={encoding!r}\nHint: for example"
    )
    with pytest.raises(OrdersError, match=f"^{re.escape(expected)}"):
        plain(write(LOG.encode()), tmp_path, encoding=encoding)


@pytest.mark.parametrize(
    "content",
    [gzip.compress(LOG.encode())[:-12], gzip.compress(LOG.encode())[:8], LOG.encode()],
    ids=["cut", "cut in its head", "not compressed"],
)
def test_a_broken_compressed_file_is_an_error(write, tmp_path, content):
    with pytest.raises(OrdersError, match=r"orders\.csv\.gz"):
        plain(write(content, "orders.csv.gz"), tmp_path)


def test_a_short_file_cut_within_a_character_is_utf8(write, tmp_path):
    found = plain(write(LOG.encode() + "王".encode()[:-1]), tmp_path)
    assert found.names == tuple(HEADER.split(","))
