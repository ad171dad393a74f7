"""What was tried to log in is written once and changed by nobody."""

import pytest
from peewee import ProgrammingError

from tests.login_factories import login_attempt


@pytest.mark.parametrize(
    "change", ["update login_attempt set outcome = 'ok'", "delete from login_attempt"]
)
def test_an_attempt_is_neither_changed_nor_deleted_by_a_running_process(database, change):
    login_attempt()

    with pytest.raises(ProgrammingError, match="permission denied"):
        database.rows(change)
