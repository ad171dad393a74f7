"""Headers an outsider may have us send, and those they may not."""

import pytest

from models.kernel.errors import Invalid
from models.kernel.outside_headers import MOST_BYTES, check_headers


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer abc.def", "X-Team": "books and clubs", "X-Empty": ""},
        {f"X-{n}": "1" for n in range(20)},
        {"X": "v" * (MOST_BYTES - 1)},
        {"Hostess": "1", "X-Host": "1"},
    ],
    ids=["none", "usual", "twenty", "4 KiB", "alike"],
)
def test_plain_headers_are_sent(headers: dict[str, str]) -> None:
    check_headers(headers)


@pytest.mark.parametrize(
    "value",
    ["a\r\nHost: b", "a\nb", "a\rb", "a\x00b", "a\tb", "a\x7fb", "a\x0bb", "a\x85b", "a\xa0b", "é",
     " a", "a ", "\u2028", "\ud800"],
)  # fmt: skip
def test_a_value_brings_nothing_with_it(value: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_headers({"X-Mine": value})
    assert [each.field for each in refused.value.details] == ["headers.X-Mine"]


@pytest.mark.parametrize(
    "name",
    ["", "X Y", "X:", "X\r\nHost", "X\n", "\nX", "X\x00", "É", "ｈｏｓｔ", "X" * 65, "(x)", "X/1"],
)
def test_a_name_is_a_plain_token(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_headers({name: "1"})
    assert [each.field for each in refused.value.details] == ["headers"]


@pytest.mark.parametrize(
    "name",
    ["Host", "HOST", "content-length", "Transfer-Encoding", "Connection", "Keep-Alive", "Upgrade",
     "TE", "Trailer", "Expect", "Content-Type", "Content-Encoding", "Accept-Encoding",
     "Proxy-Authorization", "Proxy-Connection", "X-Forwarded-For", "X-Real-IP", "Forwarded", "Via",
     "webhook-id", "Webhook-Signature", "X-ILM-Signature"],
)  # fmt: skip
def test_what_frames_leads_or_signs_a_request_is_ours(name: str) -> None:
    with pytest.raises(Invalid):
        check_headers({name: "1"})


@pytest.mark.parametrize(
    "headers",
    [
        {f"X-{n}": "1" for n in range(21)},
        {"X": "v" * MOST_BYTES},
        {"X-Mine": "1", "x-mine": "2"},
    ],
    ids=["too many", "too large", "twice"],
)
def test_they_are_few_and_small_and_each_is_there_once(headers: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        check_headers(headers)


def test_a_value_that_is_refused_is_not_said_again() -> None:
    with pytest.raises(Invalid) as refused:
        check_headers({"Authorization": "secret\n"})
    assert "secret" not in str([refused.value.message, refused.value.details])
