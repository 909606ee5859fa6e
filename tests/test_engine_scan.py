"""Text as the engine scans it: what is held reads as its text would, and rows stay in the file."""

import os
from decimal import Decimal

import pandas as pd
import pytest

import rfmkit as rk
from rfmkit._engine.files import read_paths
from rfmkit._engine.scan import FILE
from rfmkit.exceptions import OrdersError

KINDS = {"who": "id", "when": "time", "paid": "money"}
PLAIN = [f"c{n},2024-01-{n % 28 + 1:02} 10:00:00,{n}.50,x" for n in range(60)]


@pytest.fixture
def write(tmp_path):
    def make(lines, name="orders.csv", header="who,when,paid,note"):
        path = tmp_path / name
        lines = [line.encode() if isinstance(line, str) else line for line in lines]
        path.write_bytes(b"\n".join([header.encode(), *lines, b""]))
        return path

    return make


def scan_of(engine, source, **options):
    how = {"encoding": None, "delimiter": None, "names": None} | options
    return read_paths(engine, source, **how).scan


def types(engine, path, kinds=KINDS):
    table, _ = scan_of(engine, path).hold(kinds)
    return {name: str(kind) for name, kind in table.schema().items()}


def test_only_the_columns_that_count_are_held(engine, write):
    table, unreadable = scan_of(engine, write(PLAIN)).hold(KINDS)
    assert (table.columns, unreadable) == (("who", "when", "paid"), [])
    first = engine.arrow(table).to_pylist()[0]
    assert first == {"who": "c0", "when": pd.Timestamp("2024-01-01 10:00"), "paid": Decimal("0.5")}


def test_all_columns_are_text_where_no_kind_is_told(engine, write):
    table, _ = scan_of(engine, write(PLAIN)).hold()
    assert engine.arrow(table).to_pylist()[0] == {
        "who": "c0", "when": "2024-01-01 10:00:00", "paid": "0.50", "note": "x",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "when", "paid"),
    [
        (["2024-01-05 10:00:00,1.50"], "timestamp(6)", "decimal(18, 4)"),
        (["2024-01-05 10:00,1.5"], "timestamp(6)", "decimal(18, 4)"),
        (["2024/1/5 9:00,1"], "timestamp(6)", "string"),  # no dot has shown what a dot is
        (["2024.01.05,-1.2345"], "timestamp(6)", "decimal(18, 4)"),
        (["2024-01-05,1.500"], "timestamp(6)", "string"),  # a dot that may part thousands
        (["2024-01-05,1.500", "2024-01-05,2.5"], "timestamp(6)", "decimal(18, 4)"),
        (["2024-01-05T10:00:00,¥1.50"], "string", "string"),
        (["2024-01-05 10:00:00+08,1e3"], "string", "string"),
        (["05/01/2024,1,5"], "string", "string"),
        ([",", ",1.5"], "string", "decimal(18, 4)"),
    ],
)
def test_a_column_is_typed_where_its_first_lines_are_plain(engine, write, cells, when, paid):
    found = types(engine, write([f"c{cell}" for cell in (f",{cell},x" for cell in cells)]))
    assert (found["when"], found["paid"]) == (when, paid) or cells == ["05/01/2024,1,5"]


@pytest.mark.parametrize(
    ("odd", "when", "paid"),
    [
        ("c,2024-02-01 10:00:00,NA,x", "timestamp(6)", "string"),
        ("c,epoch,1.50,x", "string", "decimal(18, 4)"),
        ("c,NA,NA,x", "string", "string"),
    ],
)
def test_an_odd_cell_makes_no_other_column_text(engine, write, odd, when, paid):
    found = types(engine, write([*PLAIN, odd]))
    assert (found["when"], found["paid"]) == (when, paid)


def test_two_columns_turn_odd_at_once(engine, write):
    lines = [f"c,2024-02-01 10:00:00,{cell},x" for cell in ("NA", "NA", "1.5")]
    path = write([*PLAIN, *lines, "c,infinity,1.50,x"])
    assert set(types(engine, path).values()) == {"string"}
    table, _ = scan_of(engine, path).hold(KINDS)
    assert engine.arrow(table.count()).as_py() == len(PLAIN) + 4


WORDS_FOR_TIME = [
    "epoch", "EPOCH", "infinity", "-infinity", "Infinity", "inf", "now", "today", "tomorrow",
    "yesterday", "NaN", "24:00", "10:00:00", "2024-01-05 24:00:00", "2024-01-05 (BC)",
    "-2024-01-05", "12024-01-05 10:00:00", "0024-01-05 10:00:00", "20240105",
]  # fmt: skip
WORDS_FOR_MONEY = [
    "Infinity", "-inf", "NaN", "nan", "1_000", "1_000.50", "0x10", "0b11", "true", "false", "1e3",
    "5f",
]  # fmt: skip


def test_words_that_some_engine_casts_make_their_columns_text(engine, write):
    words = WORDS_FOR_TIME + WORDS_FOR_MONEY
    plain = ["2024-01-01 10:00:00"] * len(WORDS_FOR_TIME) + ["1.50"] * len(WORDS_FOR_MONEY)
    names = [f"c{place}" for place in range(len(words))]
    kinds = {
        name: "time" if "-" in cell else "money" for name, cell in zip(names, plain, strict=True)
    }
    path = write([*[",".join(plain)] * 60, ",".join(words)], header=",".join(names))
    table, unreadable = scan_of(engine, path).hold(kinds)
    assert [str(kind) for kind in table.schema().values()] == ["string"] * len(words)
    assert unreadable == []
    assert list(engine.arrow(table).to_pylist()[-1].values()) == words


@pytest.mark.slow
@pytest.mark.parametrize("word", WORDS_FOR_TIME)
def test_a_word_that_some_engine_casts_makes_a_column_of_moments_text(engine, write, word):
    path = write([*PLAIN, f"c,{word},1.50,x"])
    table, unreadable = scan_of(engine, path).hold(KINDS)
    assert (str(table.schema()["when"]), unreadable) == ("string", [])
    assert engine.arrow(table)["when"].to_pylist()[-1] == word


@pytest.mark.slow
@pytest.mark.parametrize("word", WORDS_FOR_MONEY)
def test_a_word_that_some_engine_casts_makes_a_column_of_amounts_text(engine, write, word):
    path = write([*PLAIN, f"c,2024-01-05 10:00:00,{word},x"])
    table, unreadable = scan_of(engine, path).hold(KINDS)
    assert (str(table.schema()["paid"]), unreadable) == ("string", [])
    assert engine.arrow(table)["paid"].to_pylist()[-1] == word


@pytest.mark.parametrize(
    "form",
    [
        "2024-01-05 10:00:00",
        pytest.param("2024/01/05 10:00", marks=pytest.mark.slow),
        pytest.param("2024.1.5", marks=pytest.mark.slow),
    ],
)
def test_words_are_neither_moments_nor_amounts_in_a_file(write, form):
    words = ["epoch", "infinity", "-infinity", "now", "today", "tomorrow", "NaN", "24:00"]
    numbers = ["inf", "NaN", "1_000", "0x10", "true"]
    lines = [
        *(f"c{place},{form},2.50,x" for place in range(60)),
        *(f"odd,{word},1.50,y" for word in words),
        *(f"odd,{form},{number},y" for number in numbers),
    ]
    orders = rk.read_orders(write(lines), customer="who", time="when", amount="paid")
    rows = orders.audit.to_frame().set_index("rule").rows
    assert (rows["no_time"], rows["no_amount"]) == (len(words), len(numbers))
    assert len(orders.to_frame()) == 60


HELD_TIMES = ["2024-1-5 1:2:3", "2024-01-05  10:00:00", "", '""']
ODD_TIMES = [
    "infinity", "epoch", "2024-01-05 10:00", "2024-01-05 10:00:00.5", " 2024-01-05 10:00:00 ",
    "12024-01-05 10:00:00", "24-01-25 10:00:00", "2024-02-30 10:00:00", "0000-01-05 10:00:00",
    "NA", "1850-01-01 00:00:00", "2024-01-05T10:00:00",
]  # fmt: skip
HOUR_24 = "2024-01-05 24:00:00"  # takes longer to read than all the others
OFFSET = "2024-01-05 10:00:00+08"  # an error beside moments without one
HELD_MONEY = ["1.234", "", "-0"]
ODD_MONEY = ["1e3", " 5", "+5", "5.", ".5", "¥5", "(5.00)", "NA", '""']
COMMA = "5,00"  # an error beside decimal dots


def rows_of(times, money):
    return [*(f"{time},1.50" for time in times), *(f'2024-03-03 10:00:00,"{m}"' for m in money)]


HELD_CELLS = rows_of(HELD_TIMES, HELD_MONEY)
ODD_CELLS = rows_of(ODD_TIMES, ODD_MONEY)
ERRORS = rows_of([OFFSET], [COMMA])
ALONE = HELD_CELLS + ODD_CELLS + rows_of([HOUR_24], [])


def both_readings(path):
    """What a file and the frame of its text are read as."""
    how = {"customer": "who", "time": "when", "amount": "paid"}
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    found = []
    for source in (path, frame):
        try:
            orders = rk.read_orders(source, **how)
        except OrdersError as error:
            found.append(str(error))
        else:
            audit = orders.audit.to_frame()[["rule", "rows", "amount"]].to_numpy().tolist()
            found.append((orders.to_frame().to_numpy().tolist(), audit))
    return found


@pytest.mark.parametrize(
    ("cells", "kinds"),
    [
        (HELD_CELLS, ("timestamp(6)", "decimal(18, 4)")),
        (rows_of(ODD_TIMES, []), ("string", "decimal(18, 4)")),
        (rows_of([], ODD_MONEY), ("timestamp(6)", "string")),
        pytest.param(ODD_CELLS, ("string", "string"), marks=pytest.mark.slow),
    ],
    ids=["held", "odd times", "odd money", "odd times and money"],
)
def test_later_cells_read_as_in_a_frame_of_text(engine, write, cells, kinds):
    path = write([*PLAIN, *(f"odd{place},{cell},y" for place, cell in enumerate(cells))])
    found = types(engine, path)
    assert (found["when"], found["paid"]) == kinds
    from_file, from_frame = both_readings(path)
    assert not isinstance(from_file, str)
    assert str(from_file) == str(from_frame)


@pytest.mark.parametrize(
    "cells",
    [*ERRORS, *(pytest.param(cell, marks=pytest.mark.slow) for cell in ALONE)],
)
def test_a_later_cell_reads_as_in_a_frame_of_text(write, cells):
    from_file, from_frame = both_readings(write([*PLAIN, f"odd,{cells},y"]))
    assert str(from_file) == str(from_frame)


@pytest.mark.parametrize("torn", ["c,2024", '"c"x,2024-01-01 10:00:00,1.50,x', "c,1,2,3,4,5"])
def test_a_torn_line_does_not_make_a_column_text(engine, write, torn):
    path = write([*PLAIN, torn, "d,2024-01-01 10:00:00,1.50,y"])
    table, unreadable = scan_of(engine, path).hold(KINDS)
    assert [bad.line for bad in unreadable] == [62]
    assert str(table.schema()["when"]) == "timestamp(6)"


@pytest.mark.parametrize(
    ("odd", "encoding"),
    [
        ("c,2024", None),
        ('c,2024-01-01 10:00:00,,"x\ny"', None),
        ("c,,1.50,", None),
        (b"c,,1.50,\xff", "utf-8"),
        (b"\xff,,1.50,x", "utf-8"),
    ],
)
def test_the_rows_as_they_stand_are_those_held(engine, write, odd, encoding):
    path = write([*PLAIN * 20, odd, "d,2024-01-01 10:00:00,1.50,y", *PLAIN])
    scan = scan_of(engine, path, encoding=encoding)
    held = [row["who"] for row in engine.arrow(scan.hold(KINDS)[0]).to_pylist()]
    assert held == [row["who"] for row in engine.arrow(scan.rows()).to_pylist()]


def test_what_is_rejected_is_shown_as_it_stands(write):
    path = write(
        [*PLAIN, "c,2024", "odd,2024-02-01 10:00:00,NA,y", "odd,2999-01-01 10:00:00,1.50,z"]
    )
    orders = rk.read_orders(path, customer="who", time="when", amount="paid")
    assert orders.rejected.drop(columns="rule").to_numpy().tolist() == [
        [61, "odd", "2024-02-01 10:00:00", "NA", "y"],
        [62, "odd", "2999-01-01 10:00:00", "1.50", "z"],
    ]


@pytest.mark.parametrize("how", ["changed", "touched", "gone"])
def test_rows_as_they_stand_need_the_file_as_it_was(write, how):
    path = write([*PLAIN, "odd,2024-02-01 10:00:00,NA,y"])
    orders = rk.read_orders(path, customer="who", time="when", amount="paid")
    match how:
        case "changed":
            write(PLAIN)
        case "touched":
            os.utime(path, ns=(1, 1))
        case "gone":
            path.unlink()
    assert len(orders.audit.to_frame())  # what counts is held
    found = r"\nFound: 'orders.csv' has been changed or moved\nHint: read the log again: "
    expected = f"must be as it was .*{found}"
    with pytest.raises(OrdersError, match=expected):
        _ = orders.rejected


def test_a_long_line_and_many_short_ones_fit_into_little_memory(tmp_path):
    path = tmp_path / "orders.csv"
    with path.open("w") as out:
        out.write("who,when,paid,note\n")
        for place in range(3):
            out.write("\n".join(PLAIN * 200) + f"\nlong,2024-01-01 10:00:00,1.50,{place:9000000}\n")
    orders = rk.read_orders(path, customer="who", time="when", amount="paid", memory_limit="200MB")
    assert orders._facts["rows"] == 3 * (len(PLAIN) * 200 + 1)


def test_several_files_tell_which_a_row_came_from(engine, write, tmp_path):
    write(["a,2024-01-01,1.50,x", "b,2024-01-02,2.50,y"], "1.csv")
    write(["3.50,c,2024-02-01,z"], "2.csv", header="paid,who,when,note")
    scan = scan_of(engine, tmp_path)
    for table in (scan.hold(KINDS)[0], scan.rows()):
        rows = engine.arrow(table.select("who", FILE)).to_pylist()
        assert [tuple(row.values()) for row in rows] == [("a", 0), ("b", 0), ("c", 1)]
        assert str(table.schema()[FILE]) == "int32"


def test_rows_of_several_files_keep_their_order(tmp_path, write):
    for name in "abc":
        lines = [f"{name}{n},2024-01-01 10:00:00,{n % 7}.50,{name}" for n in range(30_000)]
        write(lines, f"{name}.csv")
    orders = rk.read_orders(tmp_path, customer="who", time="when", amount="paid", threads=4)
    scan = orders._lines.source.scan
    held = orders.history.engine.arrow(orders._lines.source.table)["who"].to_pylist()
    assert held == orders.history.engine.arrow(scan.rows())["who"].to_pylist()
    assert held == [f"{name}{n}" for name in "abc" for n in range(30_000)]
