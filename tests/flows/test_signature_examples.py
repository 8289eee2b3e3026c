"""The examples in Go and Java, compiled and run: what is signed, what is not, what is too old."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import shutil
import time
from pathlib import Path

import httpx
import pytest

from signalpost.delivery.sign import signature_headers
from tests.support import until

EXAMPLES = Path(__file__).parents[2] / "examples"
KEY = "a signature key"
OTHER_KEY = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
BODY = '{"message": {"events": [{"objectId": "o-é"}]}}'.encode()

# Reads a call a line: id, timestamp, signature, body in base64, keys; prints what Verify says.
GO_MAIN = """package main

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"os"
	"strings"
	"time"

	"example.com/signature"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		fields := strings.Split(lines.Text(), "\\t")
		body, _ := base64.StdEncoding.DecodeString(fields[3])
		headers := map[string]string{
			"webhook-id": fields[0], "webhook-timestamp": fields[1], "webhook-signature": fields[2],
		}
		header := func(name string) string { return headers[name] }
		fmt.Println(signature.Verify(header, body, fields[4:], time.Now()))
	}
}
"""
# No C compiler, no network, and quickly compiled rather than quick.
GO_ENVIRONMENT = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOPROXY": "off", "GOFLAGS": ""}
GO_QUICKLY = ("-gcflags=all=-N -l", "-ldflags=-s -w")


def find(tool):
    found = shutil.which(tool)
    if found is None:
        pytest.skip(f"NOT TESTED: there is no {tool} here, so the example is not tried")
    return found


async def run(*command, folder, given=b"", **environment):
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={**os.environ, **environment},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate(given)
    assert process.returncode == 0, printed.decode()
    return printed.decode()


def sign(key=KEY, body=BODY, **changed):
    given = {"notification_id": "n-1", "timestamp": int(time.time()), "body": body, **changed}
    headers = signature_headers([key], **given)
    return {name: value for name, value in headers.items() if name.startswith("webhook-")}


def list_good():
    older = sign("the key before")["webhook-signature"]
    rotated = sign()
    return [
        sign(),
        sign(OTHER_KEY),
        sign(timestamp=int(time.time()) - 200),
        {**rotated, "webhook-signature": f"{older} {rotated['webhook-signature']}"},
    ]


def list_bad():
    signed = sign()
    flipped = (
        signed["webhook-signature"][:-3] + ("A" if signed["webhook-signature"][-3] != "A" else "B") + "="
    )
    return [
        sign(body=BODY + b" "),
        sign("another key"),
        sign(timestamp=int(time.time()) - 400),
        sign(timestamp=int(time.time()) + 400),
        {**signed, "webhook-id": "n-2"},
        {**signed, "webhook-timestamp": "soon"},
        {**signed, "webhook-timestamp": "9" * 11},
        {**signed, "webhook-timestamp": "9" * 40},
        {**signed, "webhook-signature": flipped},
        {**signed, "webhook-signature": "v1,"},
        {name: value for name, value in signed.items() if name != "webhook-signature"},
        {name: value for name, value in signed.items() if name != "webhook-id"},
        {name: value for name, value in signed.items() if name != "webhook-timestamp"},
        {},
    ]


async def test_the_example_in_go_takes_what_is_signed_and_nothing_else(tmp_path):
    go = find("go")
    shutil.copytree(EXAMPLES / "go-signature", tmp_path / "example")
    (tmp_path / "example" / "cmd").mkdir()
    (tmp_path / "example" / "cmd" / "main.go").write_text(GO_MAIN)
    program = tmp_path / "program"
    build = (go, "build", *GO_QUICKLY, "-o", str(program), "./cmd")
    await run(*build, folder=tmp_path / "example", **GO_ENVIRONMENT)
    good, bad = list_good(), list_bad()
    cases = [(headers, [OTHER_KEY, KEY]) for headers in [*good, *bad]]
    cases += [(sign(), [""]), (sign(), ["whsec_"]), (sign(), ["whsec_*"])]
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    lines = [
        "\t".join([*[headers.get(name, "") for name in names], base64.b64encode(BODY).decode(), *keys])
        for headers, keys in cases
    ]
    printed = await run(str(program), folder=tmp_path, given="\n".join(lines).encode())
    assert printed.split() == ["true"] * len(good) + ["false"] * (len(bad) + 3)


async def test_the_receiver_in_java_takes_what_is_signed_and_nothing_else(tmp_path):
    compiler, java = find("javac"), find("java")
    sources = sorted(str(path) for path in (EXAMPLES / "java-receiver").glob("*.java"))
    options = ("--release", "17", "-encoding", "UTF-8", "-Xlint:all", "-Werror", "-d", str(tmp_path))
    await run(compiler, *options, *sources, folder=tmp_path)
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(java, "-XX:TieredStopAtLevel=1", "-cp", str(tmp_path), "Receiver"),
            env={**os.environ, "SIGNATURE_KEYS": f"whsec_*,{OTHER_KEY},{KEY}", "PORT": "0"},
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
        )
    try:
        url = (await until(lambda: re.search(r"listening on (http\S+)", log.read_text())))[1]
        async with httpx.AsyncClient(headers={"Content-Type": "application/json"}) as client:
            for expected, cases in ((204, list_good()), (401, list_bad())):
                for headers in cases:
                    answer = await client.post(url, content=BODY, headers=headers)
                    assert answer.status_code == expected, headers
    finally:
        process.terminate()
        await process.wait()
    assert re.findall(r"^notification .*$", log.read_text(), re.MULTILINE) == [
        f"notification n-1, {len(BODY)} bytes"
    ]
