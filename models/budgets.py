"""Budgets: what an account, one of its people or one of its keys may spend (B-17)."""

from typing import Final

from peewee import BigIntegerField, BooleanField, CharField, DateField, IntegerField, UUIDField
from playhouse.postgres_ext import ArrayField, DateTimeTZField

from models.kernel.database import Table
from models.kernel.ids import new_id

ACCOUNT: Final = "account"
USER: Final = "user"
KEY: Final = "key"
SCOPES: Final = (ACCOUNT, USER, KEY)

DAY: Final = "day"
MONTH: Final = "month"
PERIODS: Final = (DAY, MONTH)


class Budget(Table):
    """One budget, in nano-USD; only `models/sql/budgets.sql` counts in it.

    What is counted is of the day or month (UTC) that began with `started`. A hard one refuses, any
    tells when a share of `alert_at`, in percent, is passed.
    """

    id = UUIDField(primary_key=True, default=new_id)
    account_id = UUIDField()
    scope = CharField(default=ACCOUNT)
    subject_id = UUIDField(null=True)
    period = CharField(default=MONTH)
    amount_nano = BigIntegerField()
    is_hard = BooleanField(default=True)
    alert_at = ArrayField(IntegerField, default=lambda: [80, 100])
    started = DateField()
    spent_nano = BigIntegerField(default=0)
    held_nano = BigIntegerField(default=0)
    created_at = DateTimeTZField()
