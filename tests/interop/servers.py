"""Serves exports with the field's own servers and sends the golden requests of the package.

    python servers.py --export PATH [--scorer PATH] [--only NAME] M.modelpack..

PATH is the example `exported` of yard_export (M.modelpack FORMAT OUT) or a script that calls `modelyard export`.
Each answer must have the label, the decision and the probabilities (within 1e-6) of the golden example. With
--scorer (a static yard-serve) the layers of the container image are unpacked and run under chroot, which needs root."""

import argparse
import json
import os
import pathlib
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
import zipfile


def free_port():
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        return own.getsockname()[1]


def call(url, body=None, headers=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **(headers or {})})
    with urllib.request.urlopen(request, timeout=30) as reply:
        text = reply.read()
        return json.loads(text) if text.strip()[:1] in (b"{", b"[") else None


def wait(url, process):
    for _ in range(240):
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        try:
            return call(url)
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise RuntimeError("the server did not answer")


def golden(path):
    with zipfile.ZipFile(path) as pack:
        contract = json.loads(pack.read("contract.json"))
        return contract, [json.loads(line) for line in pack.read("golden.jsonl").splitlines()]


def compare(contract, examples, answers):
    """Counts answers that are those of the examples, within 1e-6 of the largest value."""
    if len(answers) != len(examples):
        return 0
    equal = 0
    for example, answer in zip(examples, answers):
        if not contract["classes"]:
            want = example["prediction"]
            equal += abs(answer["prediction"] - want) <= 1e-6 * max(1.0, abs(want))
            continue
        p = [answer["probabilities"][name] for name in contract["classes"]]
        near = all(abs(a - b) <= 1e-6 for a, b in zip(p, example["probabilities"]))
        decided = answer.get("decision") in (None, example["decision"])
        equal += answer["prediction"] == example["prediction"] and near and decided
    return equal


def bento(folder, contract, examples):
    port = free_port()
    command = [sys.executable, "-m", "bentoml", "serve", str(folder), "--port", str(port), "--host", "127.0.0.1"]
    with running(command, {"BENTOML_DO_NOT_TRACK": "True"}) as process:
        wait(f"http://127.0.0.1:{port}/readyz", process)
        return call(f"http://127.0.0.1:{port}/predict", {"instances": [one["request"] for one in examples]})


def contract_server(folder, health, predict, env):
    port = free_port()
    server = str(folder / "container" / "server.py")
    command = [sys.executable, server, str(folder / "container" / "model")]
    with running(command, {"AIP_HTTP_PORT": str(port), "HOST": "127.0.0.1", **env}) as process:
        wait(f"http://127.0.0.1:{port}{health}", process)
        yield lambda body: call(f"http://127.0.0.1:{port}{predict}", body)["predictions"]


def sagemaker(folder, contract, examples):
    with tarfile.open(folder / "model.tar.gz") as archive:
        assert sorted(archive.getnames()) == ["fields.json", "golden.jsonl", "model.onnx"]
    for ask in contract_server(folder, "/ping", "/invocations", {}):
        return ask({"instances": [one["request"] for one in examples]})


def vertex(folder, contract, examples):
    routes = json.loads((folder / "model.json").read_text())["model"]["containerSpec"]
    env = {"AIP_HEALTH_ROUTE": routes["healthRoute"], "AIP_PREDICT_ROUTE": routes["predictRoute"]}
    for ask in contract_server(folder, routes["healthRoute"], routes["predictRoute"], env):
        return ask({"instances": [one["request"] for one in examples]})


def tensors(contract, examples):
    out = []
    for field in contract["fields"]:
        values = [one["request"].get(field["name"]) for one in examples]
        if field["type"] in ("category", "text", "datetime"):
            data, kind = ["" if v is None else str(v) for v in values], "BYTES"
        else:
            data, kind = [float("nan") if v is None else float(v) for v in values], "FP64"
        out.append({"name": field["name"], "shape": [len(data), 1], "datatype": kind, "data": data})
    return out


def mlserver(folder, contract, examples):
    ports = [free_port() for _ in range(3)]
    settings = dict(zip(("http_port", "grpc_port", "metrics_port"), ports), host="127.0.0.1", parallel_workers=0)
    (folder / "settings.json").write_text(json.dumps(settings))
    command = [os.path.join(os.path.dirname(sys.executable), "mlserver"), "start", "."]
    with running(command, {}, folder) as process:
        base = f"http://127.0.0.1:{ports[0]}/v2"
        wait(f"{base}/health/ready", process)
        # NaN has no JSON form: missing numbers go one row at a time without their tensor.
        answers = []
        for one in examples:
            known = [t for t in tensors(contract, [one]) if t["data"][0] == t["data"][0]]
            reply = call(f"{base}/models/{contract['name']}/infer", {"inputs": known})
            out = {tensor["name"]: tensor["data"] for tensor in reply["outputs"]}
            if contract["classes"]:
                p = dict(zip(contract["classes"], out["probabilities"]))
                answers.append({"prediction": out["label"][0], "probabilities": p})
            else:
                answers.append({"prediction": out["prediction"][0]})
        return answers


def mlflow(folder, contract, examples):
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(folder), "--env-manager", "local",
               "-p", str(port), "-h", "127.0.0.1"]
    with running(command, {}) as process:
        wait(f"http://127.0.0.1:{port}/ping", process)
        import exports

        columns = exports.columns(contract["fields"], {
            field["name"]: __import__("pandas").Series([one["request"].get(field["name"]) for one in examples],
                                                       dtype=object) for field in contract["fields"]})
        split = {"columns": list(columns), "data": [
            [None if v != v else v.item() if hasattr(v, "item") else v for v in row] for row in zip(*columns.values())]}
        rows = call(f"http://127.0.0.1:{port}/invocations", {"dataframe_split": split})["predictions"]
        if not contract["classes"]:
            return rows
        classes = contract["classes"]
        return [{"prediction": row["label"], "probabilities": {c: row[f"p_{c}"] for c in classes},
                 "decision": row.get("decision")} for row in rows]


def container(folder, contract, examples):
    """Unpacks the image and runs its command in its root file system as its user."""
    root = folder / "root"
    with tarfile.open(folder / "image.tar") as image:
        read = lambda name: image.extractfile(name).read()
        index = json.loads(read("index.json"))
        blob = lambda digest: read("blobs/sha256/" + digest.removeprefix("sha256:"))
        manifest = json.loads(blob(index["manifests"][0]["digest"]))
        config = json.loads(blob(manifest["config"]["digest"]))["config"]
        layer = folder / "layer.tar"
        layer.write_bytes(blob(manifest["layers"][0]["digest"]))
    with tarfile.open(layer) as archive:
        archive.extractall(root, numeric_owner=True, filter="fully_trusted")
    (root / "dev").mkdir()  # what a container runtime gives
    for name, minor in (("null", 3), ("random", 8), ("urandom", 9)):
        os.mknod(root / "dev" / name, stat.S_IFCHR | 0o444, os.makedev(1, minor))
    port, user = free_port(), int(config["User"].split(":")[0])
    command = config["Entrypoint"] + config["Cmd"][:-1] + [f"127.0.0.1:{port}"]

    def enter():
        os.chroot(root)
        os.chdir(config["WorkingDir"])
        os.setgid(user)
        os.setuid(user)

    with running(command, {}, None, enter) as process:
        wait(f"http://127.0.0.1:{port}/v2/health/ready", process)
        token = next(root.glob("data/store/**/*infer*")).read_text().strip()
        url, asked = f"http://127.0.0.1:{port}/v1/models/{contract['name']}:predict", [one["request"] for one in examples]
        for _ in range(40):  # the server is ready before its first model is
            try:
                return call(url, {"instances": asked}, {"Authorization": f"Bearer {token}"})["predictions"]
            except urllib.error.HTTPError:
                time.sleep(0.5)
        raise RuntimeError("the model does not answer")


class running:
    """A server as a process group of its own, ended at the end."""

    def __init__(self, command, env, cwd=None, before=None):
        path = os.path.dirname(sys.executable) + os.pathsep + os.environ.get("PATH", "")
        self.process = subprocess.Popen(command, env={**os.environ, "PATH": path, **env}, cwd=cwd, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, start_new_session=True, preexec_fn=before)

    def __enter__(self):
        return self.process

    def __exit__(self, *_):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)


CHECKS = {"bentoml": bento, "mlserver": mlserver, "sagemaker": sagemaker, "vertex": vertex, "mlflow": mlflow,
          "container": container}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--export", required=True)
    parser.add_argument("--scorer")
    parser.add_argument("--only", action="append")
    parser.add_argument("packages", nargs="+")
    args = parser.parse_args()
    failed = 0
    for package in args.packages:
        contract, examples = golden(package)
        for name, check in CHECKS.items():
            if (args.only and name not in args.only) or (name == "container" and not args.scorer):
                continue
            folder = pathlib.Path(tempfile.mkdtemp())
            os.chmod(folder, 0o755)
            try:
                command = [args.export, package, name, str(folder / "out")]
                subprocess.run(command + ([args.scorer] if name == "container" else []), check=True, capture_output=True)
                equal = compare(contract, examples, check(folder / "out", contract, examples))
                size = sum(file.stat().st_size for file in (folder / "out").glob("image.tar"))
                more = f", image of {size / 1e6:.1f} MB" if size else ""
                text = f"{equal} of {len(examples)} golden answers equal{more}"
                failed += equal != len(examples)
            except Exception as error:  # a server that does not start is a result
                text, failed = f"{type(error).__name__}: {str(error)[:200]}", failed + 1
            finally:
                shutil.rmtree(folder, ignore_errors=True)
            print(os.path.basename(package), name, text, sep=" | ", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
