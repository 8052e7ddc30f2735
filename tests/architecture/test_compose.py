"""The containers as they are written down; `make test-compose` runs them."""

import re
import stat
import subprocess

import pytest

from shared.settings import ProcessSettings
from tests.architecture import composed
from tests.architecture.places import ROOMS, ROOT
from tests.architecture.variables import declared_in, variables_of

SERVICES = composed.services()
OF_BOTO = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
OF_PYTHON = {"TMPDIR"}
A_SECRET = re.compile(r"SECRET|PASS|PEPPER|TOKEN|_KEY")


def env(folder, **variables):
    """Run what `make env` runs; return the file it wrote."""
    subprocess.run(
        ["sh", "deploy/env.sh", folder / ".env"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "DATA_DIR": str(folder), **variables},
        check=True,
        capture_output=True,
    )
    return folder / ".env"


def values(file):
    return dict(line.split("=", 1) for line in file.read_text().splitlines())


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_can_do_no_more_than_it_needs(name):
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"].partition(":")[0] not in ("", "0", "root")
    assert {"mem_limit", "pids_limit", "logging"} <= set(service)


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_is_watched_and_started_again(name):
    service = SERVICES[name]

    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["restart"] == "unless-stopped"
    assert service["init"] is True
    conditions = {need["condition"] for need in service.get("depends_on", {}).values()}
    assert conditions <= {"service_healthy"}


def test_only_the_gateway_is_published_and_only_on_this_machine():
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert list(published) == ["gateway"]
    assert all(place.startswith("127.0.0.1:") for place in published["gateway"])


def test_engines_are_on_a_network_without_a_way_out():
    assert composed.read(composed.BASE)["networks"]["data"] == {"internal": True}
    assert [SERVICES[name]["networks"] for name in ("postgres", "rabbitmq")] == [["data"]] * 2


@pytest.mark.parametrize("room", ROOMS, ids=str)
def test_a_service_is_given_the_variables_that_it_reads_and_no_others(room):
    kinds = [ProcessSettings, *declared_in(f"{room.package}.settings")]
    read = {name for kind in kinds for name in variables_of(kind)}

    given = set(SERVICES[room.name]["environment"])

    assert given - OF_BOTO - OF_PYTHON == read
    assert bool(given & OF_BOTO) is ("BLOBS_URL" in read)


def test_the_desk_is_given_the_variables_that_it_reads_and_no_others():
    read = {name for kind in declared_in("gateway.settings") for name in variables_of(kind)}

    assert set(SERVICES["desk"]["environment"]) == read


@pytest.mark.parametrize("name", SERVICES)
def test_no_secret_is_written_down(name):
    for variable, value in SERVICES[name].get("environment", {}).items():
        if A_SECRET.search(variable):
            assert value is None or value.startswith("${"), variable


def test_what_must_be_set_is_what_make_env_writes(tmp_path):
    made = set(values(env(tmp_path)))

    assert composed.required() <= made
    assert made <= composed.mentioned()


def test_every_variable_without_which_nothing_starts_says_what_to_do():
    told = re.findall(r"\$\{[A-Z0-9_]+:\?([^}]*)\}", composed.text())

    assert set(told) == {'run "make env" first'}


def test_secrets_are_their_owners_alone_and_are_made_once(tmp_path):
    first = values(env(tmp_path))

    again = env(tmp_path)

    assert values(again) == first
    assert stat.S_IMODE(again.stat().st_mode) == 0o600
    assert len(set(first.values())) == len(first)


def test_secrets_that_are_there_are_kept(tmp_path):
    (tmp_path / "secrets.env").write_text("AUTH_PASSWORD_PEPPER=made by make up\n")
    (tmp_path / ".env").write_text("RABBITMQ_PASSWORD=mine\nSTRIPE_SECRET_KEY=\nPORT=9000")

    made = (env(tmp_path)).read_text().splitlines()

    assert made[:3] == ["RABBITMQ_PASSWORD=mine", "STRIPE_SECRET_KEY=", "PORT=9000"]
    assert "AUTH_PASSWORD_PEPPER=made by make up" in made
    assert sum(line.startswith("STRIPE_SECRET_KEY=sk_test_") for line in made) == 1


def test_images_have_a_version_that_can_be_another():
    text = (ROOT / "deploy" / "Dockerfile").read_text()
    bases = dict(re.findall(r"^ARG (\w+_IMAGE)=(\S+)$", text, re.MULTILINE))
    stages = re.findall(r"^FROM (\S+) AS (\S+)$", text, re.MULTILINE)

    names = {name for _, name in stages}
    assert {base for base, _ in stages} - names == {f"${{{name}}}" for name in bases}
    pulled = [SERVICES[name]["image"] for name in ("postgres", "rabbitmq")]
    for image in [*bases.values(), *pulled]:
        assert re.fullmatch(r"[a-z]+:\d[\w.-]*", image), image


def test_nginx_knows_where_each_name_is():
    gateway = ROOT / "deploy" / "gateway"
    used = set(re.findall(r"proxy_pass http://\$(\w+);", (gateway / "nginx.conf").read_text()))
    upstreams = (gateway / "containers" / "upstreams.conf").read_text()
    known = dict(
        re.findall(r"^map \$host \$(\w+) \{ default ([\w-]+):8000; \}", upstreams, re.MULTILINE)
    )

    assert set(known) == used
    assert set(known.values()) <= set(SERVICES)
