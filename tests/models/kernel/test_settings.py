"""Settings: parsed once, strictly, and what is odd stops the boot by its name."""

import dataclasses
from ipaddress import ip_network
from pathlib import Path

import pytest

from models.kernel.settings import (
    BadSettings,
    Settings,
    environment,
    load,
    variables,
)


def test_an_empty_environment_is_the_embedded_default() -> None:
    assert load({}) == Settings()


def test_every_variable_is_read_by_one_field() -> None:
    assert sorted(variables().values()) == sorted(f.name for f in dataclasses.fields(Settings))


def test_values_are_parsed_into_their_types() -> None:
    settings = load(
        {
            "ILM_HOME": "/srv/ilm",
            "ILM_PORT": "8001",
            "ILM_CORS_ORIGINS": "https://a.example, https://b.example,",
            "ILM_TRUSTED_PROXIES": "10.0.0.0/8,fd00::/8",
        }
    )

    assert (settings.home, settings.port) == (Path("/srv/ilm"), 8001)
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert settings.proxies == (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    assert load({"ILM_PORT": "", "DATABASE_URL": ""}) == Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ILM_PORT", "eighty"),
        ("ILM_PORT", "0"),
        ("ILM_PORT", "65536"),
        ("ILM_WEB_THREADS", "-1"),
        ("ILM_MAX_UPLOAD_BYTES", "500MB"),
        ("ILM_LOG_LEVEL", "chatty"),
        ("ILM_PUBLIC_URL", "ftp://ilm.example"),
        ("ILM_PUBLIC_URL", "ilm.example"),
        ("ILM_MODERATION", "somebody"),
        ("ILM_MODERATION", "https://"),
        ("BROKER_URL", "redis://127.0.0.1"),
        ("ILM_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("ILM_TRUSTED_PROXIES", "everybody"),
        ("ILM_PROT", "8000"),
        ("ILM_KEY_BRAND", "a"),
        ("ILM_KEY_BRAND", "a2345678901234567"),
        ("ILM_KEY_BRAND", "Acme"),
        ("ILM_KEY_BRAND", "1acme"),
        ("ILM_KEY_BRAND", "ac_me"),
        ("ILM_KEY_BRAND", "acme\n"),
        ("ILM_KEY_BRAND", "\u00e9cole"),
    ],
)
def test_an_odd_value_stops_the_boot_by_the_name_of_its_variable(name: str, value: str) -> None:
    with pytest.raises(BadSettings, match=name):
        load({name: value})


def test_another_programs_variables_are_no_concern_of_ours() -> None:
    assert load({"HOME": "/root", "ILMARINEN": "yes"}) == Settings()


@pytest.mark.parametrize("text", ["soon", "5,-1", "5,,6", "604801", ",".join(["1"] * 21)])
def test_a_schedule_of_pauses_is_seconds_and_bounded(text: str) -> None:
    with pytest.raises(BadSettings, match="ILM_WEBHOOK_SCHEDULE"):
        load({"ILM_WEBHOOK_SCHEDULE": text})

    assert load({"ILM_WEBHOOK_SCHEDULE": "0.5, 60"}).webhook_schedule == (0.5, 60.0)


def test_no_token_outlives_the_login_it_is_of() -> None:
    """X-22: a login that idles is over whatever the token's age."""
    with pytest.raises(BadSettings, match="ILM_ACCESS_TOKEN_MINUTES"):
        load({"ILM_ACCESS_TOKEN_MINUTES": "61", "ILM_SESSION_IDLE_MINUTES": "60"})

    assert load({"ILM_ACCESS_TOKEN_MINUTES": "480"}).access_token_minutes == 480


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("ILM_PORT=8001\nILM_BIND='0.0.0.0'\n", encoding="utf-8")

    settings = load({"ILM_PORT": "8002"}, dotenv=file)

    assert (settings.port, settings.bind) == (8002, "0.0.0.0")  # noqa: S104 - it is only parsed


def test_an_unknown_name_in_the_file_stops_the_boot_too(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("ILM_PROT=8001\n", encoding="utf-8")

    with pytest.raises(BadSettings, match="ILM_PROT"):
        load({}, dotenv=file)


@pytest.mark.parametrize(
    ("given", "base_url", "is_https"),
    [
        ({}, "http://127.0.0.1:8000", False),
        ({"ILM_PORT": "9"}, "http://127.0.0.1:9", False),
        ({"ILM_PUBLIC_URL": "https://ilm.example/"}, "https://ilm.example", True),
    ],
    ids=["default", "port", "https"],
)
def test_the_public_address_follows_the_port_until_it_is_told(
    given: dict[str, str], base_url: str, is_https: bool
) -> None:
    settings = load(given)

    assert (settings.base_url, settings.is_https) == (base_url, is_https)


def test_a_child_gets_a_copy_of_the_environment() -> None:
    copy = environment()
    copy["ILM_PORT"] = "1"

    assert environment().get("ILM_PORT") != "1"
