"""The language of a book, guessed from its file's name (K-08)."""

import pytest

from jobs.language import language_of


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("manual_fr.pdf", "fr"),
        ("manual-de.epub", "de"),
        ("manual.en.txt", "en"),
        ("manual(es).pdf", "es"),
        ("manual[pt-br].pdf", "pt"),
        ("Manual_FR.PDF", "fr"),
        ("The French Lieutenant.pdf", "fr"),
        ("Français facile.pdf", "fr"),
        ("türkçe.pdf", "tr"),
        ("كتاب.pdf", "ar"),
        ("Война и мир.pdf", "ru"),
        ("源氏物語.pdf", "zh"),
        ("ひらがな.pdf", "ja"),
        ("한국어.pdf", "ko"),
        ("हिन्दी.pdf", "hi"),
        ("english_arabic_fr.pdf", "fr"),
        ("plain.pdf", None),
        ("book_xx.pdf", None),
        ("is-it.txt.pdf", None),
        ("", None),
        ("....", None),
        ("💥.pdf", None),
        ("a" * 10_000, None),
        ("/etc/passwd", None),
    ],
)
def test_a_name_speaks_of_a_language_or_of_none(name: str, language: str | None) -> None:
    assert language_of(name) == language
