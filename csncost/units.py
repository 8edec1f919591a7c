"""Numbers for people: 10.58 G. Exact integers stay exact until they come here."""

from __future__ import annotations

PREFIXES = ("", "K", "M", "G", "T", "P", "E")


def human(count: int) -> str:
    """A count with an SI prefix and two decimals; below a thousand, as it is.

    >>> human(10577745920), human(192), human(999_999)
    ('10.58 G', '192', '1.00 M')
    """
    if abs(count) < 1000:
        return str(count)
    power = min((len(str(abs(count))) - 1) // 3, len(PREFIXES) - 1)
    text = rounded(count, 1000**power, 2)
    if len(text) > len("-999.99" if count < 0 else "999.99") and power < len(PREFIXES) - 1:
        power += 1
        text = rounded(count, 1000**power, 2)
    return f"{text} {PREFIXES[power]}"


def plural(count: int, what: str) -> str:
    """So many of something: one design, or several designs.

    >>> plural(1, "design"), plural(1234, "design")
    ('1 design', '1,234 designs')
    """
    return f"{count:,} {what}{'s' * (count != 1)}"


def rounded(count: int, unit: int, decimals: int) -> str:
    """count / unit to so many decimals, halves rounded up as people do.

    >>> rounded(10577745920, 10**9, 1)
    '10.6'
    """
    scaled = (2 * abs(count) * 10**decimals + unit) // (2 * unit)
    digits = str(scaled).rjust(decimals + 1, "0")
    text = f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits
    return f"-{text}" if count < 0 and scaled else text


def percent(part: int, whole: int) -> str:
    """A share with one decimal.

    >>> percent(1, 3)
    '33.3%'
    """
    return f"{rounded(100 * part, whole, 1)}%" if whole else "-"


def ratio(new: int, base: int) -> str:
    """A number as a multiple of `base`: 0.36x.

    >>> ratio(9, 25), ratio(3, 0)
    ('0.36x', '-')
    """
    return f"{rounded(new, base, 2)}x" if base else "-"


def shape(sizes: tuple[int, ...] | None) -> str:
    """`64x8x112x112`."""
    return "x".join(map(str, sizes)) if sizes else ""


def shortened(text: str, most: int = 28) -> str:
    """A text as one line of so many characters; what is cut is its middle, for names differ at both ends.

    >>> shortened("bottleneck-D-[3,4,23,3](width=2, classes=487)")
    'bottleneck-D-[3,4,…sses=487)'
    """
    line = " ".join(text.split())
    end = most // 3
    return line if len(line) <= most else f"{line[: most - end - 1]}…{line[-end:]}"
