"""Receivers whose encryption is not right, or where there should be some: what is wrong is told plainly."""

from __future__ import annotations

import pytest

from tests.flows.hostile import receive, say
from tests.unit.outbound.servers import Authority, name_hosts

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

CERTIFICATES = {
    "certificate has expired": lambda authority, _: authority.serve_as("localhost", days=-1),
    "Hostname mismatch, certificate is not valid for 'localhost'": lambda authority, _: authority.serve_as(
        "a.example"
    ),
    "its issuer is not trusted here": lambda _, other: other.serve_as("localhost"),
    "self-signed certificate": lambda _, other: other.serve_itself(),
}


@pytest.mark.parametrize("words", CERTIFICATES)
async def test_what_is_wrong_with_a_certificate_is_told(words, tmp_path):
    authority, other = Authority(tmp_path), Authority(tmp_path)
    given = {"tls": authority.trust(), "look_up": name_hosts({"localhost": ["127.0.0.1"]})}
    async with receive(say(OK), server_tls=CERTIFICATES[words](authority, other), **given) as (post, _):
        answered = await post(url="https://localhost:{port}/in?token=SECRET")
    assert answered.error == f"the certificate of localhost is not accepted: {words}"


async def test_encryption_to_a_plain_port_and_plain_words_to_an_encrypted_one(tmp_path):
    async def answer_at_once(receiver, reader, writer):
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with receive(answer_at_once) as (post, _):
        answered = await post(url="https://127.0.0.1:{port}/in?token=SECRET")
        assert answered.error is not None
        assert answered.error.endswith("what answers there does not encrypt")
    async with receive(say(OK), server_tls=Authority(tmp_path).serve_as("localhost")) as (post, _):
        answered = await post()
        assert answered.error in (
            "127.0.0.1 did not answer with valid HTTP",
            "127.0.0.1 hung up without an answer",
        )
