"""Scopes: what an app may be granted, and what that opens for whom."""

from pathlib import Path

import pytest

from jobs.oauth.scopes import as_permissions, asked_for, known, narrowed
from models.factors import wants_step_up
from models.kernel.denials import InvalidScope
from models.roles import permissions, permissions_of

PAGE = Path(__file__).parents[3] / "docs/oauth.md"


def test_the_page_on_apps_has_every_scope_in_the_words_that_people_read():
    text = PAGE.read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| `")]

    assert rows == [f"| `{scope}` | {words} |" for scope, words in known().items()]


def test_administering_and_credentials_are_nobodys_to_grant():
    kept = permissions() - known().keys()

    assert kept == {name for name in permissions() if wants_step_up(name)} | {
        "keys:read", "keys:write", "organizations:read", "organizations:write"
    }  # fmt: skip
    assert as_permissions(kept | {"openid", "books:read"}) == {"books:read"}


def test_nobody_gives_what_they_may_not_do():
    asked = frozenset({"openid", "offline_access", "books:read", "books:write"})

    assert narrowed(asked, permissions_of("viewer")) == asked - {"books:write"}
    assert narrowed(asked, permissions_of("nobody")) == {"openid", "offline_access"}


@pytest.mark.parametrize("text", ["books:read books:write", "BOOKS:READ", "books:read\tx", "*"])
def test_more_than_is_allowed_is_refused_as_a_whole(text):
    with pytest.raises(InvalidScope):
        asked_for(text, frozenset({"books:read"}))
