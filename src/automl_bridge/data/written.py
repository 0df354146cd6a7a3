"""Numbers as people write them: ``$1,234.50``, ``1.234,50 €``, ``12.5%``, ``(3.00)``.

A text column holds numbers if all its values, missing ones aside, are written in one way: with the same currency or
percent sign or none, and with commas for thousands and a point for decimals (US), or the other way round (DE).

* Percent stays as it is written: ``12.5%`` is 12.5.
* If both ways fit and differ (``1,234 €``, ``12,345%``, ``1,234`` alone), the column is left as it is. With ``$``,
  ``£``, ``¥`` or ``₹`` the US way is meant.
* Without a sign there must be a comma, or a space or an apostrophe between thousands (``1 234``): plain numbers as text
  are levels, or identifiers.
* Decimal commas of CSV files are read with the file (`csv_numbers.comma_numbers`), and are a way too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from automl_bridge.data.arrow_types import is_text
from automl_bridge.errors import SchemaError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["LIKE_NUMBER", "Way", "blanked", "way_of"]

_MISSING = ["", "NA", "N/A", "NULL", "null", "NaN", "nan", "None", "<NA>", "NaT", "#N/A", "n/a", "-", "?"]
_SIGNS = "$€£¥₹%"
_BLANK = r"[\s\x{00A0}\x{202F}]*"
_GROUP = r"[ \x{00A0}\x{2009}\x{202F}'\x{2019}]"
"""What parts thousands in neither way and means nothing else: spaces (1 234,50) and apostrophes (1'234.50)."""
_SAMPLE = 2000
_GROUPED = rf"[0-9]{{1,3}}(?:{_GROUP}[0-9]{{3}})+"
_US = rf"(?:(?:[0-9]{{1,3}}(?:,[0-9]{{3}})+|{_GROUPED}|[0-9]+)(?:\.[0-9]*)?|\.[0-9]+)"
_DE = rf"(?:(?:[0-9]{{1,3}}(?:\.[0-9]{{3}})+|{_GROUPED}|[0-9]+)(?:,[0-9]*)?|,[0-9]+)"

LIKE_NUMBER = (
    rf"^{_BLANK}\(?[+-]?{_BLANK}[{_SIGNS}]?{_BLANK}[+-]?"
    rf"(?:{_US}(?:[eE][+-]?[0-9]+)?|{_DE}){_BLANK}[{_SIGNS}]?\)?{_BLANK}$"
)
"""Regular expression of one value that some way of writing numbers makes."""


class Way(NamedTuple):
    """One way of writing numbers: the sign (empty for none), and whether the comma is for decimals."""

    sign: str
    decimal_comma: bool

    def __str__(self) -> str:
        return ("comma" if self.decimal_comma else "point") + self.sign

    @classmethod
    def parse(cls, text: str) -> Way:
        """Read what `str` wrote."""
        return cls(text[5:], text.startswith("comma"))

    def read(self, column: pa.ChunkedArray, name: str, *, sign_needed: bool = False) -> pa.ChunkedArray:
        """Return the numbers of a text column, as float64.

        Parameters
        ----------
        sign_needed
            Whether a value without the sign is refused.

        Raises
        ------
        SchemaError
            If a value is not written this way; names column and value.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        text = blanked(column)
        fits = pc.fill_null(pc.match_substring_regex(text, self._pattern(sign_needed=sign_needed)), fill_value=True)
        if not pc.all(fits).as_py():
            row = pc.index(fits, value=False).as_py()
            raise SchemaError(
                f'column "{name}" should hold numbers written like {self.example()} in every row; '
                f"row {row + 1} holds {text[row].as_py()!r}",
                hint="mend the value, leave it empty, or write plain numbers",
            )
        negative = pc.match_substring_regex(text, r"^\(|^[^0-9]*-")
        # What stands before the first digit; and after the last one. A minus within is an exponent's.
        plain = pc.replace_substring_regex(text, r"^[^0-9.,]+", "")
        plain = pc.replace_substring_regex(plain, rf"[{_SIGNS}()\s]|{_GROUP}", "")
        plain = pc.replace_substring(plain, "." if self.decimal_comma else ",", "")
        found = pc.replace_substring(plain, ",", ".").cast(pa.float64())
        return pc.if_else(negative, pc.negate(found), found)

    def fits(self, column: pa.ChunkedArray, *, sign_needed: bool = True) -> bool:
        """Whether all values are written this way, with the sign unless it is not needed."""
        import pyarrow.compute as pc

        pattern = self._pattern(sign_needed=sign_needed)
        return bool(
            pc.all(pc.match_substring_regex(column.slice(0, _SAMPLE), pattern)).as_py()
            and pc.all(pc.match_substring_regex(column, pattern)).as_py()
        )

    def example(self) -> str:
        """Return a number written this way."""
        number = "1.234,50" if self.decimal_comma else "1,234.50"
        return f"{self.sign}{number}" if self.sign and self.sign not in "%€" else number + self.sign

    def _pattern(self, *, sign_needed: bool) -> str:
        number = _DE if self.decimal_comma else _US
        core, minus = rf"{number}(?:[eE][+-]?[0-9]+)?", rf"[+-]?{_BLANK}"
        if self.sign:
            sign = re.escape(self.sign)
            before, after = rf"{sign}{_BLANK}[+-]?{_BLANK}{number}", rf"{number}{_BLANK}{sign}"
            core = f"(?:{after}|{before}" + (")" if sign_needed else f"|{number})")
        return rf"^(?:{minus}{core}|\({_BLANK}{core}{_BLANK}\))$"


def blanked(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return text without spaces around it, and null for the words that stand for missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.is_in(text, value_set=pa.array(_MISSING)), pa.scalar(None, pa.string()), text)


def way_of(column: pa.ChunkedArray) -> Way | None:
    """Return the way in which all numbers of a text column are written; None if there is none, or more than one."""
    import pyarrow.compute as pc

    if not is_text(column.type):
        return None
    if not pc.all(pc.match_substring_regex(blanked(column.slice(0, _SAMPLE)), LIKE_NUMBER)).as_py():
        return None
    text = blanked(column).drop_null()
    if not len(text):
        return None
    sign = next((sign for sign in text[0].as_py() if sign in _SIGNS), "")
    us, de = Way(sign, decimal_comma=False), Way(sign, decimal_comma=True)
    if us.fits(text):
        comma = bool(pc.any(pc.match_substring(text, ",")).as_py())
        if not sign:
            # Without a comma and a point both ways are one.
            grouped = bool(pc.any(pc.match_substring_regex(text, _GROUPED)).as_py())
            return us if (comma or grouped) and not (comma and de.fits(text)) else None
        point = bool(pc.any(pc.match_substring(text, ".")).as_py())
        unclear = comma if sign == "%" else (comma or point) and sign == "€"
        return None if unclear and de.fits(text) else us
    return de if de.fits(text) and (sign or pc.any(pc.match_substring(text, ",")).as_py()) else None
