"""The routes that the catalogue of limits names are routes there are."""

from api.routes.table import endpoints
from models.limits import Catalogued
from tests.api.conftest import parts_for


def test_every_route_the_limits_name_is_one(tmp_path):
    there = {
        f"{each.method} {each.template}" for each in endpoints(parts_for(tmp_path, settings={}))
    }
    told = Catalogued.read()

    assert told.ai | told.exempt | told.given_back | told.kept <= there


def test_every_route_that_submits_to_an_llm_counts_as_one(tmp_path):
    """What may be called with `ai:use` and creates, but for files, counters and cancelling."""
    asked = {
        f"{each.method} {each.template}"
        for each in endpoints(parts_for(tmp_path, settings={}))
        if each.permission == "ai:use" and each.keyed and "files" not in each.path
    }

    assert asked <= Catalogued.read().ai
