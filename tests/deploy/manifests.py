"""What the files for deployment say: the image's steps, and the processes that each of them starts."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "Dockerfile"
COMPOSE = ROOT / "deploy" / "compose.yaml"
COMPOSE_SANDBOX = ROOT / "deploy" / "compose.sandbox.yaml"
COMPOSE_SECRETS = ROOT / "deploy" / ".env.example"
KUBERNETES = ROOT / "deploy" / "kubernetes"
SYSTEMD = ROOT / "deploy" / "systemd"
UNITS = sorted(SYSTEMD.glob("*.service"))


@dataclass(frozen=True)
class Process:
    """A process of a deployment: what follows ``signalpost``, its settings, the paths that are asked about it."""

    arguments: tuple[str, ...]
    settings: Mapping[str, str]
    probes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Instruction:
    """A line of a Dockerfile, the lines that continue it joined."""

    name: str
    text: str


def read_stages() -> dict[str, list[Instruction]]:
    """Give the instructions of each stage of the image, the last one by the name ``""``."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE)
    stages: dict[str, list[Instruction]] = {}
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        name, _, rest = line.partition(" ")
        if name == "FROM":
            stage = rest.partition(" AS ")[2]
            stages[stage] = []
        elif name:
            stages[stage].append(Instruction(name, rest.strip()))
    return stages


def read_last(name: str) -> str:
    """Give what the image's last instruction of a name says."""
    return [each.text for each in read_stages()[""] if each.name == name][-1]


def read_image_settings() -> dict[str, str]:
    """Give the environment that the image sets."""
    pairs = [word.partition("=") for word in shlex.split(read_last("ENV"))]
    return {name: value for name, _, value in pairs}


def read_image_command(arguments: Sequence[str]) -> tuple[str, ...]:
    """Give what the image runs with these arguments, without the program's name."""
    program, *words = json.loads(read_last("ENTRYPOINT"))
    assert program == "signalpost"
    return (*words, *(arguments or json.loads(read_last("CMD"))))


class UnsetError(Exception):
    """A variable that must be set is not; says which, and what to do."""


def interpolate(text: str, variables: Mapping[str, str]) -> str:
    """Fill in ``${NAME:?why}`` as Compose does.

    Raises:
        UnsetError: the variable is unset or empty.
    """

    def fill(found: re.Match[str]) -> str:
        if not variables.get(found["name"]):
            raise UnsetError(f"{found['name']} {found['why']}")
        return variables[found["name"]]

    filled = re.sub(r"\$\{(?P<name>\w+):\?(?P<why>[^}]*)\}", fill, text)
    assert "$" not in filled, "another form of variable: Compose may know it, this reader does not"
    return filled


def read_compose(variables: Mapping[str, str]) -> dict[str, Any]:
    """Give the services of compose.yaml, with the variables filled in."""
    text = "\n".join(line for line in COMPOSE.read_text().splitlines() if not line.lstrip().startswith("#"))
    return yaml.safe_load(interpolate(text, variables))


def read_variables(path: Path) -> dict[str, str]:
    """Give the variables of a file with a ``NAME=value`` a line."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def read_compose_processes() -> Iterator[Process]:
    """Give what compose.yaml starts of ours, in its order; a service that runs several times as often."""
    required = dict.fromkeys(re.findall(r"\$\{(\w+):\?", COMPOSE.read_text()), "given")
    secrets = {**read_variables(COMPOSE_SECRETS), **required}
    for service in read_compose(secrets)["services"].values():
        if service["image"].startswith("signalpost"):
            settings = {**read_image_settings(), **secrets, **service["environment"]}
            for _ in range(service.get("deploy", {}).get("replicas", 1)):
                yield Process(read_image_command(service["command"]), settings)


def read_kubernetes(*names: str) -> list[dict[str, Any]]:
    """Give the objects of some manifests, or of all of them."""
    paths = [KUBERNETES / name for name in names] or sorted(KUBERNETES.glob("*.yaml"))
    found = [each for path in paths for each in yaml.safe_load_all(path.read_text())]
    return [each for each in found if each["kind"] != "Kustomization"]


def read_kubernetes_processes() -> Iterator[Process]:
    """Give what the manifests start: what goes before a pod's processes first, then those, as often as they say."""
    given = {
        (each["kind"], each["metadata"]["name"]): each.get("data") or each.get("stringData")
        for each in read_kubernetes()
    }
    sources = {"configMapRef": "ConfigMap", "secretRef": "Secret"}
    for each in read_kubernetes():
        if each["kind"] != "Deployment":
            continue
        pod = each["spec"]["template"]["spec"]
        ports = {port["name"]: port["containerPort"] for port in pod["containers"][0]["ports"]}
        for container in [*pod["initContainers"], *pod["containers"] * each["spec"]["replicas"]]:
            settings = read_image_settings()
            for source in container["envFrom"]:
                ((kind, reference),) = source.items()
                settings |= given[sources[kind], reference["name"]]
            probes = [probe["httpGet"] for name, probe in sorted(container.items()) if name.endswith("Probe")]
            for probe in probes:
                assert str(ports[probe["port"]]) == settings["SIGNALPOST_PORT"]
                assert str(ports[probe["port"]]) == settings["SIGNALPOST_WORKER_PORT"]
            paths = tuple(probe["path"] for probe in probes)
            yield Process(read_image_command(container["args"]), settings, paths)


def read_unit(path: Path) -> list[tuple[str, str]]:
    """Give the names and values of a unit, in its order."""
    lines = [line for line in path.read_text().splitlines() if "=" in line and not line.startswith("#")]
    return [(name, value) for name, _, value in (line.partition("=") for line in lines)]


def read_unit_process(path: Path, number: str = "1") -> Process:
    """Give what a unit starts; ``number`` is what stands behind a template's ``@``."""
    unit = [(name, value.replace("%i", number)) for name, value in read_unit(path)]
    settings = dict(value.split("=", 1) for name, value in unit if name == "Environment")
    program, *arguments = shlex.split(dict(unit)["ExecStart"])
    assert program == "/opt/signalpost/.venv/bin/signalpost"
    return Process(tuple(arguments), settings)


def read_settings_named() -> dict[str, set[str]]:
    """Give the names of settings in each file for deployment, those in comments and texts included."""
    files = [DOCKERFILE, *(path for path in (ROOT / "deploy").rglob("*") if path.is_file())]
    named = {
        str(path.relative_to(ROOT)): set(re.findall(r"SIGNALPOST_[A-Z_]*[A-Z]", path.read_text()))
        for path in files
    }
    return {name: found for name, found in named.items() if found}
