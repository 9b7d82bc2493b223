"""Starts and stops servers, and reads from /proc what their processes used."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.request

TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        return own.getsockname()[1]


def family(pid):
    """The process and all that it started."""
    children = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, rest = [], [pid]
    while rest:
        own = rest.pop()
        found.append(own)
        rest.extend(children.get(own, []))
    return found


def cpu_seconds(pid):
    """User and system time of the family."""
    total = 0
    for own in family(pid):
        try:
            fields = pathlib.Path(f"/proc/{own}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def resident_mb(pid):
    """Memory of the family that no other process shares, plus each process's part of the shared (PSS)."""
    total = 0
    for own in family(pid):
        try:
            text = pathlib.Path(f"/proc/{own}/smaps_rollup").read_text()
        except OSError:
            continue
        total += next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return total / 1000


class Server:
    """A process that answers at a port; `probe(server)` returns once it answered a prediction."""

    def __init__(self, name, command, env=None, cwd=None):
        self.name, self.began = name, time.perf_counter()
        self.log = open(os.path.join(cwd or ".", f"{name}.log"), "w")
        self.process = subprocess.Popen(
            [str(word) for word in command], env={**os.environ, **(env or {})}, cwd=cwd, stdout=self.log,
            stderr=subprocess.STDOUT, start_new_session=True)
        self.pid = self.process.pid
        self.cold = None

    def wait(self, ask, limit=120):
        """Asks until the first answer; the time since the process began is its cold start."""
        while True:
            try:
                ask()
                self.cold = time.perf_counter() - self.began
                return
            except Exception as error:
                if self.process.poll() is not None or time.perf_counter() - self.began > limit:
                    self.stop()
                    raise RuntimeError(f"{self.name} does not answer: {error}") from error
                time.sleep(0.001)

    def stop(self):
        if self.process.poll() is None:
            os.killpg(self.pid, signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.pid, signal.SIGKILL)
                self.process.wait()
        self.log.close()


def post(url, body, content_type="application/json", token=None):
    request = urllib.request.Request(url, data=body, headers={"content-type": content_type})
    if token:
        request.add_header("authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read()


class Yard:
    """Our server with a store of its own."""

    def __init__(self, binary, store, packages, *more, grpc=True):
        self.store, self.tokens = pathlib.Path(store), {}
        words = [binary, *packages, "--store", store, "--log-level", "error", *more]
        self.server = Server("yard", words + (["--grpc", "127.0.0.1:0"] if grpc else []), cwd=os.path.dirname(store))
        self.pid = self.server.pid

    def open(self, model, body):
        def ask():
            file = json.loads((self.store / "server.json").read_text())
            if file["pid"] != self.pid:
                raise RuntimeError("not yet")
            self.url, self.grpc = file["url"], file["grpc"]
            if not self.tokens:
                for scope, path in file["tokens"].items():
                    self.tokens[scope] = pathlib.Path(path).read_text().strip()
            post(f"{self.url}/v1/models/{model}:predict", body, token=self.tokens["infer"])
        self.server.wait(ask)
        return self

    @property
    def addr(self):
        return self.url.removeprefix("http://")

    def manage(self, path, body=None, content_type="application/json"):
        body = json.dumps(body or {}).encode() if not isinstance(body, bytes) else body
        return json.loads(post(self.url + path, body, content_type, self.tokens["manage"]))

    def manage_get(self, path):
        return json.loads(self.get(path))

    def get(self, path):
        request = urllib.request.Request(self.url + path, headers={"authorization": f"Bearer {self.tokens['manage']}"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def stop(self):
        self.server.stop()
