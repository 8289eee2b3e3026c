"""The page docs/how-to/test-your-handler.md: its test, run as a user runs it, passes a good handler and no other."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "test-your-handler.md"

# A fixture that swaps the handler under the page's own test: as it stands, and with one duty left out each.
VARIANTS = """
from pathlib import Path

import pytest
import my_app

CODE = Path(my_app.__file__).read_text()
BAD = {
    "good": ("", ""),
    "keeps what comes twice": ("if event[\\"id\\"] not in seen:", "if True:"),
    "trusts everybody": ("if not verify(headers, body, KEY):", "if False:"),
}


@pytest.fixture(autouse=True, params=BAD)
def variant(request):
    old, new = BAD[request.param]
    assert old in CODE
    exec(compile(CODE.replace(old, new) if old else CODE, my_app.__file__, "exec"), vars(my_app))
"""

MORE = """
import pytest


def test_what_differs_is_configured(egnyte_sandbox, signalpost_server, callback_receiver):
    given = {"event.notification.format": "cloudevents"}
    instance = signalpost_server.connect(egnyte_sandbox, callback_receiver.url, callback_receiver.key, **given)
    callback_receiver.hang_up_next()
    egnyte_sandbox.change(2)
    assert len(callback_receiver.wait_for_events(2)) == 2
    assert [each.is_accepted for each in callback_receiver.received] == [False, True]
    assert all(each.is_valid and each.body.startswith(b"[") for each in callback_receiver.received)
    egnyte_sandbox.fault("status", status=503, times=1)
    assert [each["resource"] for each in instance.polling()["resources"]] == ["events"]


def test_a_test_may_remove_its_instance(egnyte_sandbox, signalpost_server, callback_receiver):
    signalpost_server.connect(egnyte_sandbox, callback_receiver.url)
    signalpost_server.connect(egnyte_sandbox, callback_receiver.url).delete()


def test_what_a_test_connected_is_gone_and_the_settings_were_ours(signalpost_server, signalpost_settings):
    assert signalpost_server.call("GET", "/instances") == []
    assert signalpost_settings == {"retention_days": 1}
"""

SETTINGS = """

@pytest.fixture(scope="session")
def signalpost_settings():
    return {"retention_days": 1}
"""


def write_pages_code(folder):
    """Write the page's programs into files of the names that their first lines say; give these."""
    blocks = re.findall(r"```python\n# (\w+\.py)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    for name, code in blocks:
        (folder / name).write_text(code)
    return [name for name, _ in blocks]


@pytest.mark.slow
def test_the_pages_test_passes_a_good_handler_and_no_other(tmp_path):
    handlers = tmp_path / "handlers"
    handlers.mkdir()
    assert write_pages_code(handlers) == ["my_app.py", "test_my_app.py"]
    (handlers / "conftest.py").write_text(VARIANTS)
    (tmp_path / "conftest.py").write_text("import pytest\n" + SETTINGS)
    (tmp_path / "test_more.py").write_text(MORE)
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    report = tmp_path / "report.xml"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:asyncio",
            "-p",
            "no:cacheprovider",
            f"--junitxml={report}",
        ],
        check=False,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    failures = {
        case.attrib["name"]: "".join(f"{each.attrib['message']}\n{each.text}" for each in case)
        for case in ET.parse(report).iter("testcase")
    }
    assert failures.pop("test_what_differs_is_configured") == "", done.stdout
    assert failures.pop("test_a_test_may_remove_its_instance") == "", done.stdout
    assert failures.pop("test_what_a_test_connected_is_gone_and_the_settings_were_ours") == "", done.stdout
    assert failures.pop("test_my_handler[good]") == "", done.stdout
    assert "assert my_app.stored == callback_receiver.events" in failures.pop(
        "test_my_handler[keeps what comes twice]"
    )
    assert "with no signature was answered 204" in failures.pop("test_my_handler[trusts everybody]")
    assert failures == {}
