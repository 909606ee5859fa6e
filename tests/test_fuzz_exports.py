"""Exports broken in every way: a result that adds up, or an error that says what to do.

Few mutations run with the tests, and 24 with the slow ones; ``RFMKIT_FUZZ=10000`` runs that many.
"""

import os
import random

import pytest

import rfmkit as rk
from rfmkit.datasets import FORMATS, export_orders
from rfmkit.exceptions import RfmkitError

MUTATIONS = int(os.environ.get("RFMKIT_FUZZ", "24"))
SHARDS = 8
QUICK = range(SHARDS) if "RFMKIT_FUZZ" in os.environ else (3, 4)
SHOP = rk.simulate_orders(8, seed=5, days=200)
NASTY = (
    "", " ", "null", "NaN", "inf", "-1", "0", "1e400", "1.7E+16", "9" * 30, "=1+1", '="7"', "'7",
    "2024-02-30", "03/04/2024", "9999-12-31", "1.234,56", "(5.00)", "\t", '"', '""', "\x00", "\x1a",
    "\ufeff", "\u202e", "𝟙", "交易关闭", "<script>", "a\nb", "a;b,c\td|e", "'; DROP x", "x" * 5000,
)  # fmt: skip


def corpus():
    """One small export of each format and vintage, as bytes."""
    files = {}
    for name, vintages in FORMATS.items():
        for vintage in vintages:
            export = export_orders(SHOP, format=name, vintage=vintage, seed=1)
            files |= {
                f"{name}-{vintage}-{file}": content
                for file, content in export.files.items()
                if not file.endswith(".xlsx")
            }
    return files


def of_bytes(content, rng):
    """Break bytes: flipped, gone, doubled, torn off, in another place."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 3, 20))):
        if not data:
            break
        at, size = rng.randrange(len(data)), rng.choice((1, 2, 7, 60))
        match rng.randrange(5):
            case 0:
                data[at] = rng.randrange(256)
            case 1:
                del data[at : at + size]
            case 2:
                data[at:at] = data[at : at + size]
            case 3:
                del data[at:]
            case _:
                data[at:at] = rng.choice((b'"', b",", b"\r", b"\n", b"\t", b"\xff", b"\x80", b";"))
    return bytes(data)


def of_lines(content, rng):
    """Break lines: doubled, gone, swapped, moved to the front, the header again."""
    lines = content.split(b"\n")
    for _ in range(rng.choice((1, 2, 5))):
        one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
        match rng.randrange(4):
            case 0:
                lines.insert(one, lines[other])
            case 1 if len(lines) > 1:
                del lines[one]
            case 2:
                lines[one], lines[other] = lines[other], lines[one]
            case _:
                lines.insert(one, lines[0])
    return b"\n".join(lines)


def of_cells(content, rng):
    """Break cells: something nasty where something else was, in a few or in a whole column."""
    lines = [line.split(b",") for line in content.split(b"\n")]
    column, nasty = rng.randrange(max(map(len, lines))), rng.choice(NASTY).encode()
    whole = rng.random() < 0.3
    for cells in lines[rng.choice((0, 1)) :]:
        if column < len(cells) and (whole or rng.random() < 0.2):
            cells[column] = nasty
    return b"\n".join(b",".join(cells) for cells in lines)


def read(path):
    """Read and segment; what is read adds up in rows and to the cent."""
    orders = rk.read_orders(path)
    audit = orders.audit.to_frame().set_index("rule")
    parts = audit.drop("read")
    assert parts["rows"].sum() == audit.loc["read", "rows"]
    assert parts["amount"].sum() == audit.loc["read", "amount"]
    assert orders.to_frame(exact=True)["amount"].sum() == audit.loc["kept", "amount"]
    aside = parts.drop(["kept", "refund", "unreadable_line"], errors="ignore")
    assert len(orders.rejected) == aside["rows"].sum()
    repr(orders.audit)
    rk.segment(orders)


@pytest.mark.parametrize(
    "shard",
    [
        pytest.param(shard, marks=() if shard in QUICK else pytest.mark.slow)
        for shard in range(SHARDS)
    ],
)
def test_a_broken_export_adds_up_or_says_what_to_do(shard, tmp_path):
    files = sorted(corpus().items())
    for place in range(shard, MUTATIONS, SHARDS):
        rng = random.Random(f"rfmkit {place}")  # noqa: S311 (a number for each mutation, always)
        name, content = files[place % len(files)]
        for _ in range(rng.choice((1, 1, 2, 3))):
            content = rng.choice((of_bytes, of_lines, of_cells))(content, rng)
        path = tmp_path / name
        path.write_bytes(content)
        try:
            read(path)
        except RfmkitError:
            pass
        except Exception as error:
            kept = tmp_path / f"broken-{place}-{name}"
            kept.write_bytes(content)
            raise AssertionError(f"mutation {place} of {name}, kept as {kept}") from error
        finally:
            path.unlink()
