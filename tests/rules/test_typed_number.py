"""A number that a person types is read in one way or refused."""

from decimal import Decimal

import pytest

from credit.typed_number import typed_number


@pytest.mark.parametrize(
    ("text", "number"),
    [("25000", "25000"), (" 25,000.50 ", "25000.50"), ("-5", "-5"), ("0.125", "0.125"), ("1,234,567", "1234567")],
)
def test_read(text: str, number: str) -> None:
    assert typed_number(text) == Decimal(number)


@pytest.mark.parametrize(
    "text",
    [
        "25.000,50",
        "25,0",
        "1,5",
        "1,2345",
        "1.000.000",
        "1_000",
        "1E2",
        "１２",
        "NaN",
        "Infinity",
        "abc",
        "",
        ".5",
        "5.",
        "+5",
        "9" * 31,
    ],
)
def test_refused_with_what_to_type(text: str) -> None:
    with pytest.raises(ValueError, match="give a number, with a point for decimals"):
        typed_number(text)
