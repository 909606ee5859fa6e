"""Encodings: the one that fits the whole file, found without holding the file."""

import gzip
import re

import pytest

from rfmkit._engine import encodings
from rfmkit._engine.encodings import BLOCK_BYTES, detect_encoding, in_utf8, utf8_extent
from rfmkit.exceptions import OrdersError

LOG = "客户,日期,金额\n张三,2024-01-01,1\n李四,2024-01-02,2\n"
CHARACTERS = ["a", "é", "张", "𠮷"]


@pytest.fixture
def write(tmp_path):
    def make(content, name="orders.csv"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return make


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (LOG.encode(), "utf-8"),
        (LOG.encode("utf-8-sig"), "utf-8-sig"),
        (LOG.encode("utf-16"), "utf-16"),
        (("\ufeff" + LOG).encode("utf-16-be"), "utf-16"),
        (LOG.encode("gb18030"), "gb18030"),
        (LOG.encode("gbk"), "gb18030"),
        (b"customer,date,total\n", "utf-8"),
        (b"", "utf-8"),
        (b"x" * BLOCK_BYTES + "张".encode(), "utf-8"),
        (b"x" * (BLOCK_BYTES - 1) + "张".encode(), "utf-8"),  # a character across two blocks
        (b"x" * (BLOCK_BYTES - 1) + "张".encode("gb18030"), "gb18030"),
        (b"x" * BLOCK_BYTES + "张".encode("gb18030") + b"x" * BLOCK_BYTES, "gb18030"),
    ],
)
def test_the_encoding_is_the_one_that_fits_the_whole_file(write, content, encoding):
    found, _ = detect_encoding(write(content))
    assert found == encoding


def test_a_compressed_file_is_looked_into(write):
    path = write(gzip.compress(LOG.encode("gb18030")), "orders.csv.gz")
    assert detect_encoding(path) == ("gb18030", "none")


@pytest.mark.parametrize("content", [bytes(range(256)) * 10, LOG.encode("utf-16-le")])
def test_zero_bytes_are_no_text(write, content):
    expected = r"Found: 'orders.csv' holds zero bytes: it is binary\nHint: export the orders as CSV"
    with pytest.raises(OrdersError, match=expected):
        detect_encoding(write(content))


@pytest.mark.parametrize(
    "content",
    [b"\xff\xff\xff,1\n", "customer,é,1\n".encode("cp1252"), "客户".encode("gb18030")[:-1]],
)
def test_what_is_in_no_encoding_is_an_error(write, tmp_path, content):
    expected = r"Found: 'orders.csv' is none of them\nHint: .*encoding='cp1252'"
    with pytest.raises(OrdersError, match=expected):
        in_utf8(write(content), tmp_path, None)


@pytest.mark.parametrize("size", [5, 6, 7, 8])
@pytest.mark.parametrize("character", CHARACTERS)
def test_blocks_of_any_size_find_what_one_look_finds(write, monkeypatch, character, size):
    monkeypatch.setattr(encodings, "BLOCK_BYTES", size)
    content = (f"x{character}" * 9).encode()
    for end in range(len(content) + 1):
        assert utf8_extent(write(content[:end])) == of_bytes(content[:end])
        bad = content[:end] + b"\xa1" + content[end:]
        assert utf8_extent(write(bad)) == of_bytes(bad)


def of_bytes(content: bytes) -> str:
    """Say the same of bytes in memory."""
    try:
        content.decode()
    except UnicodeDecodeError as error:
        return "cut" if error.reason == "unexpected end of data" else "none"
    return "whole"


@pytest.mark.parametrize("suffix", ["csv", "csv.gz"])
@pytest.mark.parametrize(
    ("content", "extent"),
    [(LOG.encode(), "whole"), ("王".encode()[:-1], "cut"), (b"\xe7a", "none"), (b"\xff", "none")],
)
def test_a_file_may_end_within_a_character(write, content, extent, suffix):
    content = gzip.compress(content) if suffix.endswith("gz") else content
    assert utf8_extent(write(content, f"orders.{suffix}")) == extent


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "big5", "utf-7"])
def test_a_copy_in_utf8_holds_the_same_text(write, tmp_path, monkeypatch, encoding, size):
    monkeypatch.setattr(encodings, "BLOCK_BYTES", size)
    text = "a,王\r\nb,\n\r"
    path = write(text.encode(encoding))
    copy, is_valid, note = in_utf8(path, tmp_path / "copies", encoding)
    assert copy.parent == tmp_path / "copies"
    assert copy.read_bytes() == text.encode()
    assert (is_valid, note) == (True, "")


def test_every_byte_is_looked_at_once(write, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(encodings, "utf8_extent", lambda path: seen.append(path) or "whole")
    path = write(LOG.encode())
    assert in_utf8(path, tmp_path, None) == (path, True, "")
    assert seen == [path]


def test_utf8_is_read_where_it_lies(write, tmp_path):
    path = write(LOG.encode())
    assert in_utf8(path, tmp_path / "copies", None) == (path, True, "")
    assert not (tmp_path / "copies").exists()


@pytest.mark.parametrize("encoding", ["klingon", "utf-99", "hex"])
def test_an_encoding_that_does_not_exist_is_an_error(write, tmp_path, encoding):
    expected = (
        f"encoding must be the name of a codec.\nFound: encoding={encoding!r}\nHint: for example"
    )
    with pytest.raises(OrdersError, match=f"^{re.escape(expected)}"):
        in_utf8(write(b"00"), tmp_path, encoding)
