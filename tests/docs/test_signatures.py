"""The code that a page gives for Node verifies what we sign, and nothing else; Python's is tried in tests/house."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import shutil
import time

import pytest

from signalpost.delivery.sign import signature_headers
from tests.docs.blocks import ROOT, read_blocks

PAGE = ROOT / "docs" / "how-to" / "verify-signatures.md"
KEYS = ("a key, é", "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
BODY = '{"id": "9000001", "name": "é"}'
# Reads cases from standard input; prints what either function says of each.
MAIN = """
const cases = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const ask = (verify, ...given) => { try { return verify(...given); } catch (error) { return error.message; } };
console.log(JSON.stringify(cases.map(([headers, body, key]) => {
  const bytes = Buffer.from(body);
  return [ask(verifyStandard, headers, bytes, key), ask(verifyOpenConnectors, headers, bytes, key)];
})));
"""


def sign(key, sent_at):
    signed = signature_headers([key], notification_id="9000001", timestamp=sent_at, body=BODY.encode())
    return {name.lower(): value for name, value in signed.items()}


def signed_with_nothing(sent_at):
    def digest(content):
        return base64.b64encode(hmac.digest(b"", content, "sha256")).decode()

    return {
        "webhook-id": "9",
        "webhook-timestamp": str(sent_at),
        "webhook-signature": f"v1,{digest(f'9.{sent_at}.{BODY}'.encode())}",
        "elements-webhook-signature": f"sha256={digest(BODY.encode())}",
    }


async def test_the_page_s_code_for_node_takes_what_is_signed_and_nothing_else():
    node = shutil.which("node")
    if node is None:
        pytest.skip("NOT TESTED: there is no node here, so the page's code for it is not tried")
    now = int(time.time())
    cases, expected = [], []
    for key, other in (KEYS, KEYS[::-1]):
        fresh, old = sign(key, now), sign(key, now - 400)
        rotated = {**fresh, "webhook-signature": f"v1,AAAA {fresh['webhook-signature']}"}
        unsigned = {name: value for name, value in fresh.items() if "signature" not in name}
        cases += [
            [fresh, BODY, key],
            [rotated, BODY, key],
            [old, BODY, key],
            [{**fresh, "webhook-id": "9000002"}, BODY, key],
            [fresh, BODY + " ", key],
            [fresh, BODY, other],
            [unsigned, BODY, key],
            [{}, BODY, key],
        ]
        expected += [[True, True], [True, True], [False, True], [False, True]] + [[False, False]] * 4
    # A key that was never set: whoever knows that could sign with it.
    empty = "the key is empty: anybody could sign with it"
    cases += [[signed_with_nothing(now), BODY, key] for key in ("", "whsec_")]
    expected += [[empty, empty], [empty, False]]
    code = next(block.text for block in read_blocks(PAGE) if block.language == "js")
    process = await asyncio.create_subprocess_exec(
        *(node, "-e", code + MAIN), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate(json.dumps(cases).encode())
    assert json.loads(said) == expected
