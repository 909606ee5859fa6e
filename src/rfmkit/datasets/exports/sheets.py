"""The forms in which platforms write tables: quotes, money, times, and a plain workbook."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["month_first", "offset", "picked", "plain", "symbol", "table", "utc", "workbook"]

_DAWN: Final = (1980, 1, 1, 0, 0, 0)
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_PARTS: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def plain(cents: int) -> str:
    """Return money as a bare number: 1234.50."""
    sign, whole = ("-" if cents < 0 else ""), abs(cents)
    return f"{sign}{whole // 100}.{whole % 100:02d}"


def symbol(cents: int, mark: str = "$") -> str:
    """Return money with its sign of currency: $1,234.50, -$45.00."""
    sign, whole = ("-" if cents < 0 else ""), abs(cents)
    return f"{sign}{mark}{whole // 100:,}.{whole % 100:02d}"


def picked(header: Sequence[str], cells: Mapping[str, object]) -> list[str]:
    """Return the cells of a row in the order of the header; columns without a value are empty."""
    return [str(cells.get(name.strip(), "")) for name in header]


def table(
    rows: Iterable[Sequence[str]],
    *,
    delimiter: str = ",",
    quote_all: bool = False,
    line_end: str = "\n",
    encoding: str = "utf-8",
) -> bytes:
    """Return rows as a delimited file."""
    text = io.StringIO()
    writer = csv.writer(
        text,
        delimiter=delimiter,
        quoting=csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL,
        lineterminator=line_end,
    )
    writer.writerows(rows)
    return text.getvalue().encode(encoding)


def offset(moment: dt.datetime, zone: str) -> str:
    """Return the offset of a local time in a zone: +0200."""
    return f"{moment.replace(tzinfo=ZoneInfo(zone)):%z}"


def utc(moment: dt.datetime, zone: str) -> dt.datetime:
    """Return the time in UTC of a local time in a zone."""
    return moment.replace(tzinfo=ZoneInfo(zone)).astimezone(ZoneInfo("UTC")).replace(tzinfo=None)


def month_first(moment: dt.datetime) -> str:
    """Return a moment in the American form of Excel: 9/6/2016 6:29."""
    return f"{moment.month}/{moment.day}/{moment.year} {moment.hour}:{moment:%M}"


def workbook(sheets: Mapping[str, Sequence[Sequence[str]]]) -> bytes:
    """Return an Excel workbook of text cells, always with the same bytes."""
    names = list(sheets)
    files = {
        "[Content_Types].xml": _content_types(len(names)),
        "_rels/.rels": _relations([("officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": _book(names),
        "xl/_rels/workbook.xml.rels": _relations(
            [("worksheet", f"worksheets/sheet{place}.xml") for place, _ in enumerate(names, 1)]
        ),
    }
    for place, rows in enumerate(sheets.values(), start=1):
        files[f"xl/worksheets/sheet{place}.xml"] = _sheet(rows)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            # A fixed date: a zip file holds the time at which each part was written.
            part = zipfile.ZipInfo(name, date_time=_DAWN)
            part.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(part, f'<?xml version="1.0" encoding="UTF-8"?>{content}')
    return packed.getvalue()


def _content_types(sheets: int) -> str:
    parts = {"/xl/workbook.xml": f"{_PARTS}.sheet.main+xml"}
    parts |= {
        f"/xl/worksheets/sheet{place + 1}.xml": f"{_PARTS}.worksheet+xml" for place in range(sheets)
    }
    listed = "".join(
        f'<Override PartName="{part}" ContentType="{kind}"/>' for part, kind in parts.items()
    )
    relations = '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package'
    relations += '.relationships+xml"/>'
    return f'<Types xmlns="{_PACKAGE}/content-types">{relations}{listed}</Types>'


def _relations(targets: Sequence[tuple[str, str]]) -> str:
    listed = "".join(
        f'<Relationship Id="rId{place}" Type="{_LINKS}/{kind}" Target="{target}"/>'
        for place, (kind, target) in enumerate(targets, start=1)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{listed}</Relationships>'


def _book(names: Sequence[str]) -> str:
    listed = "".join(
        f'<sheet name="{escape(name)}" sheetId="{place}" r:id="rId{place}"/>'
        for place, name in enumerate(names, start=1)
    )
    return f'<workbook xmlns="{_MAIN}" xmlns:r="{_LINKS}"><sheets>{listed}</sheets></workbook>'


def _sheet(rows: Sequence[Sequence[str]]) -> str:
    cell = '<c t="inlineStr"><is><t xml:space="preserve">{}</t></is></c>'
    written = "".join(
        f"<row>{''.join(cell.format(escape(text)) for text in row)}</row>" for row in rows
    )
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{written}</sheetData></worksheet>'
