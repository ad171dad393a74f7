"""Statements on paper: legible, the same bytes each time, and unharmed by any name."""

import pytest

from jobs.statement_papers import usd
from models.kernel.errors import Unavailable
from workers.adapters import statement_paper
from workers.adapters.pages.engine import pymupdf
from workers.adapters.statement_paper import PaperProgram

ARABIC = "نجيب محفوظ"
HEBREW = "עגנון"
HOSTILE = '<img src="file:///etc/passwd"> & </table>'


def sheet(*names: str) -> dict[str, object]:
    amount = ("0.01", "0.000000007")
    shares = [{"name": name, "calls": 1, "tokens": 7, "amount": amount} for name in names]
    return {
        "period": "2026-11",
        "owner": ARABIC,
        "account": "acct_1",
        "opening": ("0.00", "0"),
        "closing": ("0.99", "0.999999993"),
        "charged": amount,
        "entries": [{"name": "Charges", "amount": ("-0.01", "-0.000000007")}],
        "shares": {"By model": shares, "By person": []},
    }


def read(paper: bytes) -> list[str]:
    with pymupdf.open(stream=paper, filetype="pdf") as book:
        return [page.get_text() for page in book]


def test_a_statement_is_set_with_names_of_any_script() -> None:
    (text,) = read(PaperProgram().set(sheet(HEBREW, HOSTILE, "gpt-4o")))

    for words in ("Statement 2026-11", "Opening balance", "-0.000000007", "gpt-4o", "1 / 1"):
        assert words in text
    assert "<img src=" in text
    assert "</table>" in text
    letters = {each for each in text if "\u0590" <= each <= "\ufefc"}
    assert letters, "names in other scripts are drawn"


def test_the_same_statement_is_the_same_paper() -> None:
    one, other = (PaperProgram().set(sheet("a", "b")) for _ in range(2))

    assert one == other
    assert one.startswith(b"%PDF")
    assert PaperProgram().set(sheet("a", "c")) != one


def test_a_long_statement_takes_as_many_pages_as_it_needs() -> None:
    pages = read(PaperProgram().set(sheet(*(f"model {n}" for n in range(200)))))

    assert len(pages) > 2
    assert "model 199" in pages[-1] + pages[-2]


def test_a_program_that_fails_is_tried_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statement_paper, "PROGRAM", "workers.adapters.nothing")

    with pytest.raises(Unavailable):
        PaperProgram().set(sheet())


@pytest.mark.parametrize(
    ("cents", "text"), [(0, "0.00"), (-5, "-0.05"), (105, "1.05"), (-12_345, "-123.45")]
)
def test_cents_are_written_as_usd(cents: int, text: str) -> None:
    assert usd(cents) == text
