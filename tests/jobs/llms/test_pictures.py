"""Pictures by address: where nobody may be sent, no LLM is either (Z-03)."""

from ipaddress import ip_network

import pytest

from jobs.llms.pictures import check_pictures
from models.kernel.places import Gate
from models.kernel.unanswered import NotAllowed


def asked(url: object) -> list[dict[str, object]]:
    """Return a question with words and a picture."""
    picture = {"type": "image_url", "image_url": url}
    return [{"role": "user", "content": "?"}, {"role": "user", "content": [{"type": "x"}, picture]}]


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/", "https://10.0.0.1/x.png", "http://localhost/x",
        "http://example.org/x.png", "file:///etc/passwd", "https://metadata/x", "https://[::1]/x",
    ],
)  # fmt: skip
def test_a_picture_that_lies_inside_is_refused(url: str) -> None:
    for shown in (url, {"url": url}):
        with pytest.raises(NotAllowed):
            check_pictures(asked(shown), Gate())


@pytest.mark.parametrize(
    "url", ["https://example.org/x.png", "https://1.1.1.1/x.png", "data:image/png;base64,AAAA"]
)
def test_a_public_picture_and_one_in_the_question_are_not(url: str) -> None:
    check_pictures(asked({"url": url}), Gate())


def test_what_an_operator_lists_may_be_shown() -> None:
    check_pictures(asked({"url": "http://10.1.2.3/x.png"}), Gate([ip_network("10.0.0.0/8")]))
