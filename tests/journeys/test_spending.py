"""A crowd at the end of its means spends no more than there is, and holds nothing in the end."""

from random import Random

from tests.chaos.audit import audit
from tests.chaos.spending import HELD, OVER, crowd_out, cut_streams, gathered, unconfirmed

SEED = 20261121


def test_a_crowd_at_the_end_of_its_means_spends_no_more_and_leaves_nothing_held() -> None:
    print(f"seed {SEED}")
    with gathered(Random(SEED)) as crowd:
        codes = crowd_out(crowd, 400)
        cut_streams(crowd, 24)

        assert set(codes) == {200, 402}
        assert crowd.pool.rows(OVER) == []
        assert crowd.pool.rows(HELD) == []
        assert unconfirmed(crowd) == []
        assert [str(finding) for finding in audit(crowd.pool) if finding.breaches] == []
