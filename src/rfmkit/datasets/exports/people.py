"""The buyers of an export: invented, with addresses that belong to nobody."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Person"]

_FIRST = (
    "Ada", "Bela", "Cleo", "Dario", "Edda", "Faro", "Gita", "Hugo", "Ilka", "Juno", "Kaito",
    "Lena", "Milo", "Nara", "Otis", "Pia",
)  # fmt: skip
_LAST = (
    "Amberley", "Birkwood", "Cendrey", "Dunmoor", "Elstone", "Farrowby", "Glenrick", "Hollins",
    "Inverley", "Juniper", "Kestrin", "Larkfield", "Marlow", "Northey", "Oakden", "Penhallow",
    "Quarrie", "Rookwell", "Sedgemoor", "Tarnley",
)  # fmt: skip
_TOWNS = ("Sampleton", "Port Example", "Mockford", "New Fixture")
_SURNAMES = ("赵", "钱", "孙", "李", "周", "吴", "郑", "王")
_GIVEN = ("样例", "示例", "虚构", "演示", "测样")
_NICKS = ("爱喝茶的猫", "tb", "小鹿乱撞", "咖啡不加糖", "moon", "阿福_", "晴天娃娃")
_PLACES = ("浙江省 杭州市 样例区", "广东省 广州市 示例区", "四川省 成都市 虚构区")


@dataclass(frozen=True, slots=True)
class Person:
    """One simulated customer. The number determines everything else."""

    number: int

    @property
    def first(self) -> str:
        """First name; when the names are used up, with an initial that makes it different."""
        again = self.number // (len(_FIRST) * len(_LAST))
        initial = f" {chr(65 + again % 26)}{again // 26 or ''}." if again else ""
        return _FIRST[self.number % len(_FIRST)] + initial

    @property
    def last(self) -> str:
        """Family name."""
        # Neighbours differ, and no two customers share both first and family name.
        return _LAST[(self.number + self.number // len(_FIRST)) % len(_LAST)]

    @property
    def name(self) -> str:
        """First and family name."""
        return f"{self.first} {self.last}"

    @property
    def email(self) -> str:
        """An address at a domain that is reserved for examples."""
        end = "com" if self.number % 2 else "org"
        return f"{self.last.lower()}{self.number}@example.{end}"

    @property
    def phone(self) -> str:
        """Digits with the country: the area code 555 is given to nobody."""
        return f"1555{self.number % 10_000_000:07d}"

    @property
    def postcode(self) -> str:
        """Five digits, of which the first is often a zero."""
        return f"{self.number * 37 % 30_000:05d}"

    @property
    def street(self) -> str:
        """House and street, with a comma, as many addresses have."""
        return f"{self.number % 90 + 1} Placeholder Row, Flat {self.number % 7 + 1}"

    @property
    def town(self) -> str:
        """A town that does not exist."""
        return _TOWNS[self.number % len(_TOWNS)]

    @property
    def nick(self) -> str:
        """Member name at a Chinese marketplace."""
        return f"{_NICKS[self.number % len(_NICKS)]}{self.number:04d}"

    @property
    def chinese_name(self) -> str:
        """Family and given name; one in eleven with a character that GBK does not have."""
        surname = "𠮷" if self.number % 11 == 0 else _SURNAMES[self.number % len(_SURNAMES)]
        return surname + _GIVEN[self.number % len(_GIVEN)]

    @property
    def chinese_address(self) -> str:
        """Province, city, district, street and the postcode in brackets."""
        place = _PLACES[self.number % len(_PLACES)]
        return f"{place} 假想路{self.number % 300 + 1}号,{self.number % 6 + 1}单元(000000)"

    @property
    def mobile(self) -> str:
        """Eleven digits that begin like a mobile number and are given to nobody."""
        return f"1700000{self.number % 10_000:04d}"
