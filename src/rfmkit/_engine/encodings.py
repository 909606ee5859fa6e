"""Encodings of text files: detected from every byte, and rewritten in UTF-8."""

from __future__ import annotations

import codecs
import gzip
import struct
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

from rfmkit._engine.backend import unique_name
from rfmkit.exceptions import OrdersError

if TYPE_CHECKING:
    from pathlib import Path

BLOCK_BYTES: Final = 1 << 20  # a larger block does not fit into the processor's cache
VALIDATORS: Final = 4
"""Threads that check blocks at a time."""
UTF8: Final = ("utf-8", "utf-8-sig")
BYTE_ORDER_MARKS: Final = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}

Extent = Literal["whole", "cut", "none"]


def in_utf8(path: Path, folder: Path, encoding: str | None) -> tuple[Path, bool, str]:
    """Return a path of the text in UTF-8, whether it is valid to its end, and a note on a guess."""
    found, extent = (encoding, None) if encoding else detect_encoding(path)
    if found in UTF8:
        return path, (extent or utf8_extent(path)) == "whole", ""
    # UTF-16 is certain by its mark; GB18030 is a guess until the last byte has been decoded.
    errors = "replace" if encoding is None and found == "utf-16" else "strict"
    try:
        copy = _transcode(path, folder, found, errors)
    except LookupError as error:
        raise OrdersError(
            "encoding must be the name of a codec.",
            found=f"encoding={found!r}",
            hint="for example encoding='cp1252' or encoding='gb18030'.",
        ) from error
    except UnicodeError as error:
        raise wrong_encoding(path, encoding, error) from error
    note = "" if encoding else f"{path.name}: read as {found}; encoding= names another"
    return copy, True, note


def wrong_encoding(path: Path, encoding: str | None, error: UnicodeError) -> OrdersError:
    """Return the error of a file that is not in the named encoding, or in none that is tried."""
    if encoding is None:
        return OrdersError(
            "A text file must be UTF-8 (with or without a byte-order mark), UTF-16 or GB18030.",
            found=f"{path.name!r} is none of them",
            hint="name its encoding, for example encoding='cp1252' or encoding='shift_jis'.",
        )
    return OrdersError(
        f"{path.name!r} must be text in the encoding {encoding!r}.",
        found=str(error),
        hint="leave encoding= out, so that UTF-8 and GB18030 are tried, or name another.",
    )


def detect_encoding(path: Path) -> tuple[str, Extent | None]:
    """Return the encoding of a file, and how far it is UTF-8 where that was checked.

    The encoding is that of the byte-order mark; else UTF-8, where the whole file is valid; else
    GB18030, which is still to be tried. Bytes that are not UTF-8 are almost never valid UTF-8.
    GB18030 is less strict: a Western file may be valid GB18030 and show Chinese characters;
    ``encoding="cp1252"`` prevents that.
    """
    with open_bytes(path) as file:
        head = file.read(BLOCK_BYTES)
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if head.startswith(mark):
            return encoding, None
    if b"\x00" in head:
        raise OrdersError(
            "A text file must hold text.",
            found=f"{path.name!r} holds zero bytes: it is binary",
            hint="export the orders as CSV, Parquet or Excel.",
        )
    extent = utf8_extent(path)
    return ("gb18030" if extent == "none" else "utf-8"), extent


def utf8_extent(path: Path) -> Extent:
    """Return whether a file is UTF-8 as a whole, is cut off in its last character, or is not."""
    if path.suffix == ".gz":
        return _extent_in_turn(path)
    end = path.stat().st_size
    cut = _cut_off(path, end)
    is_valid = partial(_is_valid_block, path, end - cut)
    if not is_valid(0):  # most other encodings already fail in the first block
        return "none"
    with ThreadPoolExecutor(VALIDATORS) as pool:
        if not all(pool.map(is_valid, range(BLOCK_BYTES, end - cut, BLOCK_BYTES))):
            return "none"
    return "cut" if cut else "whole"


def _extent_in_turn(path: Path) -> Extent:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with open_bytes(path) as file:
            while block := file.read(BLOCK_BYTES):
                decoder.decode(block)
    except UnicodeDecodeError:
        return "none"
    return "cut" if decoder.getstate()[0] else "whole"


def _cut_off(path: Path, end: int) -> int:
    """Return how many bytes at the end of a file belong to an incomplete character."""
    with path.open("rb") as file:
        file.seek(max(0, end - 3))  # a character of UTF-8 has at most four bytes
        tail = file.read(3)
    first = max((place for place, byte in enumerate(tail) if byte >= 0xC0), default=len(tail))  # noqa: PLR2004 (begins a character)
    decoder = codecs.getincrementaldecoder("utf-8")(errors="ignore")
    decoder.decode(tail[first:])
    return len(decoder.getstate()[0])


def _is_valid_block(path: Path, end: int, start: int) -> bool:
    """Whether the characters that begin in a block are UTF-8; Arrow needs no lock of Python."""
    import pyarrow as pa

    with path.open("rb") as file:
        file.seek(start)
        block = file.read(min(BLOCK_BYTES + 3, end - start))
    first, last = 0, min(BLOCK_BYTES, len(block))
    # A character that began in the block before is checked there, and is skipped here.
    while start and first < min(3, last) and _continues(block[first]):
        first += 1
    while last < len(block) and _continues(block[last]):
        last += 1
    offsets = pa.py_buffer(struct.pack("=2i", first, last))
    text = pa.Array.from_buffers(pa.string(), 1, [None, offsets, pa.py_buffer(block)])
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _continues(byte: int) -> bool:
    """Whether a byte is one of a UTF-8 character other than its first."""
    return byte & 0xC0 == 0x80  # noqa: PLR2004 (10xxxxxx)


def _transcode(path: Path, folder: Path, encoding: str, errors: str) -> Path:
    """Return the path of a UTF-8 copy beside the engine's temporary files, written in blocks."""
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    copy = copy_in(folder)
    # One block is written while the next is decoded.
    with open_bytes(path) as file, copy.open("wb") as out, ThreadPoolExecutor(1) as pool:
        written = None
        while block := file.read(BLOCK_BYTES):
            text = _as_utf8(decoder.decode(block))
            if written is not None:
                written.result()
            written = pool.submit(out.write, text)
        rest = _as_utf8(decoder.decode(b"", final=True))
        if written is not None:
            written.result()
        out.write(rest)
    return copy


def _as_utf8(text: Any) -> bytes:
    if not isinstance(text, str):  # the result of a codec such as hex
        raise LookupError("no codec of text")  # noqa: TRY004 (as the codecs module has it)
    return text.encode()


def copy_in(folder: Path) -> Path:
    """Return a new path for a copy of a text file; the folder is made where there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{unique_name('text')}.csv"


def open_bytes(path: Path) -> Any:
    """Return the open file, decompressed where its name ends in .gz."""
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")
