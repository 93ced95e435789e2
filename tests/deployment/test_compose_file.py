"""docker-compose.yml says what the Compose Specification allows, and what this system needs."""

import ast
import importlib
import importlib.util
import re

import jsonschema
import pytest
from check_jsonschema.builtin_schemas import get_builtin_schema

from netsuite.sandbox import __main__ as sandbox_main
from netsuite.sandbox import keys
from runtime.settings import Settings
from tests.deployment.compose import (
    ROOT,
    UnsetVariableError,
    example_environment,
    example_lines,
    raw,
    seconds,
    services,
    variables_of,
)
from worker import _DRAIN

_SERVICES = services()
_LASTING = [service for service in _SERVICES.values() if not service.one_shot]


def test_the_file_fits_the_compose_specification() -> None:
    schema = get_builtin_schema("vendor.compose-spec")
    jsonschema.Draft202012Validator.check_schema(schema)
    errors = jsonschema.Draft202012Validator(schema).iter_errors(raw())
    assert [f"{error.json_path}: {error.message}" for error in errors] == []


def test_every_image_is_pinned_to_a_full_version() -> None:
    for service in _SERVICES.values():
        if service.ours:
            continue
        _, _, tag = str(service.body["image"]).partition(":")
        assert re.match(r"v?\d+\.\d+(\.\d+)?(-|$)", tag), f"{service.name}: {service.body['image']}"


def test_our_image_is_built_from_what_is_here() -> None:
    ours = [service.body for service in _SERVICES.values() if service.ours]
    assert {(body["image"], body["build"], body["pull_policy"]) for body in ours} == {
        ("service-holds:local", ".", "build")
    }


def test_temporals_server_and_its_schema_tool_have_one_version() -> None:
    server = str(_SERVICES["temporal"].body["image"]).partition(":")[2]
    for name in ("temporal-schema", "temporal-namespace"):
        assert str(_SERVICES[name].body["image"]).startswith(f"temporalio/admin-tools:{server}-"), name


@pytest.mark.parametrize("service", _SERVICES.values(), ids=lambda service: service.name)
def test_a_service_either_lasts_and_shows_its_health_or_ends(service) -> None:
    if service.one_shot:
        assert "healthcheck" not in service.body
        return
    assert service.body["restart"] == "unless-stopped"
    check = service.body["healthcheck"]
    assert service.health_command
    assert {"interval", "timeout", "retries", "start_period"} <= check.keys()
    assert 0 < seconds(check["timeout"]) <= seconds(check["interval"])


@pytest.mark.parametrize("service", _SERVICES.values(), ids=lambda service: service.name)
def test_a_service_waits_for_what_can_be_waited_for(service) -> None:
    for name, condition in service.depends_on.items():
        wanted = "service_completed_successfully" if _SERVICES[name].one_shot else "service_healthy"
        assert condition == wanted, f"{service.name} waits for {name}"


@pytest.mark.parametrize("service", _SERVICES.values(), ids=lambda service: service.name)
def test_a_service_waits_for_every_service_it_names(service) -> None:
    texts = " ".join([*service.environment.values(), *service.command])
    hosts = set(re.findall(r"(?:^|[\s/@])([a-z-]+):\d+", texts)) | {
        value for name, value in service.environment.items() if name.endswith(("_HOST", "_SEEDS"))
    }
    assert hosts & _SERVICES.keys() <= _waited_for(service.name)


def _waited_for(name: str) -> set[str]:
    waited = set(_SERVICES[name].depends_on)
    return waited.union(*(_waited_for(other) for other in waited))


def test_the_volumes_are_declared_and_used() -> None:
    used = [volume for service in _SERVICES.values() for volume in service.mounts.values()]
    assert set(used) == set(raw()["volumes"])


def test_whoever_shares_a_volume_finds_it_at_the_same_place() -> None:
    places = {(volume, target) for service in _SERVICES.values() for target, volume in service.mounts.items()}
    assert len(places) == len({volume for volume, _ in places})


def test_the_configs_are_declared_and_used() -> None:
    used = {config["source"] for service in _SERVICES.values() for config in service.body.get("configs", [])}
    assert used == set(raw()["configs"])


def test_ports_are_published_on_loopback_once() -> None:
    ports = [port for service in _SERVICES.values() for port in service.ports]
    assert {host for host, _, _ in ports} == {"127.0.0.1"}
    assert len({published for _, published, _ in ports}) == len(ports)


def test_the_published_ports_are_those_of_the_example() -> None:
    documented = {line.name: line.value for line in example_lines() if line.name.endswith("_PORT")}
    named = dict(re.findall(r"127\.0\.0\.1:\$\{(\w+):-(\d+)\}:", (ROOT / "docker-compose.yml").read_text()))
    assert named
    assert named.items() <= documented.items()


def test_every_hold_variable_is_a_setting_with_a_fitting_value(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {f"HOLD_{name.upper()}" for name in Settings.model_fields}
    for service in _SERVICES.values():
        ours = {name: value for name, value in service.environment.items() if name.startswith("HOLD_")}
        assert ours.keys() <= settings, service.name
        with monkeypatch.context() as patch:
            for name, value in ours.items():
                patch.setenv(name, value)
            Settings(_env_file=None)
    used = {name for service in _SERVICES.values() for name in re.findall(r"\bHOLD_\w+", " ".join(service.command))}
    assert used <= settings


def test_the_worker_is_found_where_its_health_is_asked() -> None:
    worker = _SERVICES["worker"]
    assert worker.environment["HOLD_WORKER_HEALTH_HOST"] == "0.0.0.0"  # noqa: S104 (in its container)
    assert f":{worker.environment['HOLD_WORKER_HEALTH_PORT']}/readyz" in worker.health_command[-1]
    assert [str(target) for _, _, target in worker.ports] == [worker.environment["HOLD_WORKER_HEALTH_PORT"]]


def test_the_worker_may_drain_before_it_is_killed() -> None:
    assert seconds(_SERVICES["worker"].body["stop_grace_period"]) > _DRAIN.total_seconds() + 5


def test_the_worker_and_the_sandbox_agree_on_who_signs_in() -> None:
    worker = _SERVICES["worker"].environment
    sandbox = dict(option.split("=") for option in _SERVICES["netsuite"].command if "=" in option)
    assert worker["HOLD_NETSUITE_CLIENT_ID"] == sandbox["--client-id"]
    assert worker["HOLD_NETSUITE_CERTIFICATE_ID"] == sandbox["--certificate-id"]
    assert worker["HOLD_NETSUITE_URL"] == f"http://netsuite:{sandbox['--port']}"
    call = _SERVICES["netsuite-keys"].python_call()
    assert call is not None
    made = dict(zip(call[1][::2], call[1][1::2], strict=True))
    assert made["--private"] == worker["HOLD_NETSUITE_PRIVATE_KEY_FILE"]
    assert made["--public"] == sandbox["--public-key"]
    assert made["--algorithm"] == worker["HOLD_NETSUITE_ALGORITHM"]
    desk = _SERVICES["desk"].environment
    assert [name for name in worker if name.startswith("HOLD_NETSUITE_") and desk.get(name) != worker[name]] == []


def test_the_database_has_room_for_every_pool() -> None:
    [limit] = [
        int(word.partition("=")[2]) for word in _SERVICES["postgres"].command if word.startswith("max_connections=")
    ]
    temporal, worker = _SERVICES["temporal"].environment, _SERVICES["worker"].environment
    each_service = int(temporal["SQL_MAX_CONNS"]) + int(temporal["SQL_VIS_MAX_CONNS"])
    pool = int(worker.get("HOLD_DATABASE_POOL_SIZE", Settings.model_fields["database_pool_size"].default))
    people = 20
    assert 4 * each_service + pool + people <= limit


def test_no_password_has_a_default_and_each_is_in_the_example() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    passwords = {name for name in variables_of(raw()) if "PASSWORD" in name}
    assert passwords
    assert passwords <= example_environment().keys()
    for name in passwords:
        assert not re.search(rf"\$\{{{name}(?!:\?)", text), name
        with pytest.raises(UnsetVariableError, match=name):
            services({key: value for key, value in example_environment().items() if key != name})


def test_every_variable_of_the_file_is_in_the_example() -> None:
    assert variables_of(raw()) <= {line.name for line in example_lines()}


@pytest.mark.parametrize("service", [one for one in _SERVICES.values() if one.ours], ids=lambda service: service.name)
def test_our_commands_exist_and_take_their_arguments(service, monkeypatch: pytest.MonkeyPatch) -> None:
    call = service.python_call()
    if call is None:
        python, option, program = service.command
        assert (python, option) == ("python", "-c")
        for node in ast.walk(ast.parse(program)):
            if isinstance(node, ast.ImportFrom):
                assert node.module is not None
                module = importlib.import_module(node.module)
                assert all(hasattr(module, alias.name) for alias in node.names)
        return
    module_name, arguments = call
    parsers = {"netsuite.sandbox": sandbox_main._parser().parse_args}
    if module_name == "netsuite.sandbox.keys":
        seen: list[object] = []
        monkeypatch.setattr(keys, "write_pair", lambda *chosen: seen.append(chosen))
        assert keys.main(arguments) == 0
        assert seen
    elif parse := parsers.get(module_name):
        parse(arguments)
    else:
        assert importlib.util.find_spec(module_name), module_name
        assert arguments == [], "this test does not know how to check the arguments of this module"


def test_the_health_checks_in_python_compile() -> None:
    programs = [service.health_command[-1] for service in _LASTING if service.health_command[0] == "python"]
    assert len(programs) == 3
    for program in programs:
        compile(program, "healthcheck", "exec")


def test_our_services_may_do_little() -> None:
    for service in _SERVICES.values():
        if service.ours:
            assert service.body["cap_drop"] == ["ALL"], service.name
            assert service.body["security_opt"] == ["no-new-privileges:true"], service.name
            assert service.body["read_only"], service.name
            assert service.body["init"], service.name
        assert not service.body.get("privileged"), service.name
