"""Encodings of text files: found by looking at every byte once, and rewritten in UTF-8."""

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

BLOCK_BYTES: Final = 1 << 20  # larger ones leave the processor's cache
VALIDATORS: Final = 4
UTF8: Final = ("utf-8", "utf-8-sig")
BYTE_ORDER_MARKS: Final = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}

Extent = Literal["whole", "cut", "none"]


def in_utf8(path: Path, folder: Path, encoding: str | None) -> tuple[Path, bool, str]:
    """Give a file as UTF-8: where it lies or copied, whether valid to its end, and the guess."""
    found, extent = (encoding, None) if encoding else detect_encoding(path)
    if found in UTF8:
        return path, (extent or utf8_extent(path)) == "whole", ""
    # Of UTF-16 the mark has told; GB18030 is a guess until the last byte has agreed.
    errors = "replace" if encoding is None and found == "utf-16" else "strict"
    try:
        copy = _transcode(path, folder, found, errors)
    except LookupError as error:
        raise OrdersError("encoding= names a codec.", found=f"{found!r}") from error
    except UnicodeError as error:
        raise wrong_encoding(path, encoding, error) from error
    note = "" if encoding else f"{path.name}: read as {found}; encoding= names another"
    return copy, True, note


def wrong_encoding(path: Path, encoding: str | None, error: UnicodeError) -> OrdersError:
    """Say that a file is not in the encoding that was named, or in none that is tried."""
    if encoding is None:
        return OrdersError(
            "A text file is UTF-8 (with or without a byte-order mark), UTF-16 or GB18030.",
            found=f"{path.name!r} is none of them",
            hint="name its encoding, for instance encoding='cp1252' or 'shift_jis'.",
        )
    return OrdersError(
        f"{path.name!r} is text in the encoding {encoding!r}.",
        found=str(error),
        hint="leave encoding= out to have UTF-8 and GB18030 tried, or name another.",
    )


def detect_encoding(path: Path) -> tuple[str, Extent | None]:
    """Find the byte-order mark; else UTF-8 where the whole file is; else there is GB18030 to try.

    Beside it stands how far the file is UTF-8, where that was looked at.

    UTF-8 rejects what is not its own. GB18030 does so less surely, and only by being decoded: a
    Western file may pass for it and show Chinese characters, which ``encoding="cp1252"`` prevents.
    """
    with open_bytes(path) as file:
        head = file.read(BLOCK_BYTES)
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if head.startswith(mark):
            return encoding, None
    if b"\x00" in head:
        raise OrdersError(
            "A text file holds text.",
            found=f"{path.name!r} holds zero bytes: it is binary",
            hint="export the orders as CSV, Parquet or Excel.",
        )
    extent = utf8_extent(path)
    return ("gb18030" if extent == "none" else "utf-8"), extent


def utf8_extent(path: Path) -> Extent:
    """Tell whether a file is UTF-8 as a whole, cut off within its last character, or not."""
    if path.suffix == ".gz":
        return _extent_in_turn(path)
    end = path.stat().st_size
    cut = _cut_off(path, end)
    is_valid = partial(_is_valid_block, path, end - cut)
    if not is_valid(0):  # what is not UTF-8 mostly shows at once
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
    """Count the bytes of a character at the end of a file that lacks its last ones."""
    with path.open("rb") as file:
        file.seek(max(0, end - 3))
        tail = file.read(3)
    first = max((place for place, byte in enumerate(tail) if byte >= 0xC0), default=len(tail))  # noqa: PLR2004 (begins a character)
    decoder = codecs.getincrementaldecoder("utf-8")(errors="ignore")
    decoder.decode(tail[first:])
    return len(decoder.getstate()[0])


def _is_valid_block(path: Path, end: int, start: int) -> bool:
    """Check the characters that begin within a block; outside of Python, so several at a time."""
    import pyarrow as pa

    with path.open("rb") as file:
        file.seek(start)
        block = file.read(min(BLOCK_BYTES + 3, end - start))
    first, last = 0, min(BLOCK_BYTES, len(block))
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
    """Tell the bytes of a character in UTF-8 other than its first."""
    return byte & 0xC0 == 0x80  # noqa: PLR2004 (10xxxxxx)


def _transcode(path: Path, folder: Path, encoding: str, errors: str) -> Path:
    """Write a UTF-8 copy beside the engine's temporary files; a block at a time."""
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
    if not isinstance(text, str):  # what a codec such as hex gives
        raise LookupError("no codec of text")  # noqa: TRY004 (as the codecs module has it)
    return text.encode()


def copy_in(folder: Path) -> Path:
    """Name a copy of a text file, in a folder that is made where there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{unique_name('text')}.csv"


def open_bytes(path: Path) -> Any:
    """Open a file, compressed or not, for its bytes."""
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")
