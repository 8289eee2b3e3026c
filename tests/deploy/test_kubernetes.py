"""The Kubernetes manifests: by the schemas of its versions, and by what the strictest policy asks of pods."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
import yaml

from tests.deploy.manifests import KUBERNETES, read_kubernetes, read_last

OLDEST = "1.30"
"""The first in which a pod may sleep before it stops without a switch being turned."""

OBJECTS = read_kubernetes()
DEPLOYMENTS = [each for each in OBJECTS if each["kind"] == "Deployment"]


def name_of(found):
    return f"{found['kind']}-{found['metadata']['name']}"


def test_each_object_is_one_in_the_oldest_version_and_in_the_newest():
    # Not above: what it imports takes three seconds, of each process that looks for tests.
    import kubernetes_validate

    for found in OBJECTS:
        for version in (OLDEST, kubernetes_validate.latest_version()):
            kubernetes_validate.validate(found, version, strict=True)
    wrong = yaml.safe_load(yaml.safe_dump(DEPLOYMENTS[0]))
    wrong["spec"]["template"]["spec"]["containers"][0]["argz"] = ["api"]
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, OLDEST, strict=True)


def test_all_are_applied_but_the_example_of_the_secret():
    kustomization = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())
    files = {path.name for path in KUBERNETES.glob("*.yaml")}
    assert set(kustomization["resources"]) == files - {"kustomization.yaml", "secret.example.yaml"}
    assert {each["metadata"].get("namespace", "signalpost") for each in OBJECTS} == {"signalpost"}


def test_kustomize_puts_them_together():
    program = shutil.which("kubectl")
    if program is None:
        pytest.skip("kustomization.yaml IS NOT BUILT HERE: kubectl is not installed")
    done = subprocess.run([program, "kustomize", KUBERNETES], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    images = re.findall(r"image: (\S+)", done.stdout)
    assert set(images) == {"signalpost:0.1.0"}


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=name_of)
def test_a_pod_keeps_the_restricted_policy(deployment):
    pod = deployment["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}" == read_last(
        "USER"
    )
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    # With links, a Service named signalpost sets SIGNALPOST_PORT to tcp://...
    assert pod["enableServiceLinks"] is False
    for container in [*pod["initContainers"], *pod["containers"]]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert "memory" in container["resources"]["limits"]
        assert set(container["resources"]["requests"]) == {"cpu", "memory"}


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=name_of)
def test_what_selects_a_pod_finds_it(deployment):
    name, labels = deployment["metadata"]["name"], deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == labels
    (budget,) = [
        each for each in OBJECTS if each["kind"] == "PodDisruptionBudget" and each["metadata"]["name"] == name
    ]
    assert budget["spec"]["selector"]["matchLabels"] == labels
    assert budget["spec"]["maxUnavailable"] < deployment["spec"]["replicas"]


def test_the_service_leads_to_the_api():
    (service,) = [each for each in OBJECTS if each["kind"] == "Service"]
    found = [each for each in DEPLOYMENTS if service["spec"]["selector"].items() <= labels_of(each).items()]
    assert [each["metadata"]["name"] for each in found] == ["api"]
    (port,) = service["spec"]["ports"]
    pod = found[0]["spec"]["template"]["spec"]
    assert port["targetPort"] in [each["name"] for each in pod["containers"][0]["ports"]]


def labels_of(deployment):
    return deployment["spec"]["template"]["metadata"]["labels"]


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=name_of)
def test_a_pod_has_time_to_stop_in_order(deployment):
    pod = deployment["spec"]["template"]["spec"]
    waits = pod["containers"][0].get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    assert pod["terminationGracePeriodSeconds"] - waits > 10
