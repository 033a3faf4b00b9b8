"""A key goes into the header of a request and nowhere else, whatever goes wrong."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest

from criterial.model.endpoint import Endpoint
from tests.helpers_files import page_data
from tests.helpers_runs import planted_cases

KEY = "sk-canary/8f2b+41c7=90aa"
SHAPES = (KEY.encode(), quote(KEY, safe="").encode(), base64.b64encode(KEY.encode()), json.dumps(KEY)[1:-1].encode())


class Echo(BaseHTTPRequestHandler):
    """A provider that quotes the key in whatever it answers: in the reasons of verdicts, and in its errors."""

    answers = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        said = self.headers.get("Authorization", "")
        type(self).answers += 1
        status = (200, 401, 500, 400)[type(self).answers % 4]
        answer = json.dumps({"answers": [{"id": "a", "reason": said, "verdict": "yes"}]})
        body = {"choices": [{"message": {"content": answer}}]} if status == 200 else {"error": {"message": f"wrong key: {said}"}}
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def echo() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://user:{quote(KEY, safe='')}@127.0.0.1:{server.server_port}/v1?key={quote(KEY, safe='')}"
    server.shutdown()
    server.server_close()


TRACED = """
import sys
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
from criterial.cli.main import main
provider = TracerProvider()
with open("spans.json", "a") as spans:
    provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(out=spans)))
    trace.set_tracer_provider(provider)
    main(["--log", "log.jsonl", "--log-level", "debug", *sys.argv[1:]])
"""
"""The command line with everything that tells what happens turned on."""


def written(folder: Path) -> Iterator[tuple[Path, bytes]]:
    for path in folder.rglob("*"):
        yield path, str(path).encode() + (path.read_bytes() if path.is_file() else b"")
        if path.suffix == ".html":
            yield path, page_data(path.read_text()).encode()


def test_a_key_is_found_nowhere_after_runs_with_faults(tmp_path: Path, echo: str) -> None:
    (tmp_path / "cases.jsonl").write_text("\n".join(json.dumps(c) for c in planted_cases()))
    environment = {
        **os.environ,
        "CRITERIAL_API_KEY": KEY,
        "CRITERIAL_STORE": f"sqlite:///{tmp_path}/store.sqlite",
        "PYTHONASYNCIODEBUG": "1",
    }
    command = [sys.executable, "-X", "dev"]
    said = b""
    for arguments in (
        ["grade", "cases.jsonl", "--judge", f"chat:m@{echo}", "--attempts", "2", "--html", "r.html", "--criteria-per-call", "1"],
        ["grade", "cases.jsonl", "--judge", f"decisions:m@{echo}", "--attempts", "1", "--json"],
        ["report", "last", "--markdown", "r.md"],
        ["runs", "show", "last"],
        ["export", "last", "--to", "v.jsonl"],
        ["export", "last", "--to", "v.csv"],
    ):
        start = ["-c", TRACED] if arguments[0] == "grade" else ["-m", "criterial.cli"]
        done = subprocess.run([*command, *start, *arguments], cwd=tmp_path, env=environment, capture_output=True, timeout=120)
        said += done.stdout + done.stderr
        assert b"Traceback" not in done.stderr, done.stderr.decode()
    assert Echo.answers > 5, said.decode()
    assert (tmp_path / "r.html").is_file()
    assert '"chat m"' in (tmp_path / "spans.json").read_text() and '"error.type"' in (tmp_path / "spans.json").read_text()
    events = {json.loads(line)["event"] for line in (tmp_path / "log.jsonl").read_text().splitlines()}
    assert {"run begun", "attempt failed", "call failed", "run ended"} <= events
    for shape in SHAPES:
        assert shape not in said
        for path, content in written(tmp_path):
            assert shape not in content, path


def test_a_crash_does_not_show_the_key() -> None:
    code = (
        "import os\nfrom criterial.model.endpoint import Endpoint\ne = Endpoint('http://h', os.environ['K'])\nraise RuntimeError(repr(e))"
    )
    shown = subprocess.run([sys.executable, "-c", code], env={**os.environ, "K": KEY}, capture_output=True)
    assert b"RuntimeError: Endpoint('http://h/v1')" in shown.stderr
    assert KEY.encode() not in shown.stderr


@pytest.mark.parametrize("key", ["", "EMPTY", "x"])
def test_a_placeholder_of_a_key_changes_no_reply(key: str) -> None:
    assert Endpoint("http://h", key)._without_key(b'{"reason": "EMPTY x"}') == b'{"reason": "EMPTY x"}'
