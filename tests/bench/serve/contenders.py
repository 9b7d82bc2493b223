"""How each peer is started, in an environment of its own made from PyPI."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import bodies
from servers import Server, free_port, post

HERE = pathlib.Path(__file__).parent
PEERS = {
    "fastapi": ["fastapi", "uvicorn[standard]", "onnxruntime", "numpy"],
    "mlserver": ["mlserver", "mlserver-lightgbm", "lightgbm"],
    "mlflow": ["mlflow", "onnx", "onnxruntime", "pandas"],
    "bentoml": ["bentoml", "onnxruntime", "numpy"],
}


def environment(name, folder):
    """The Python of a peer; made when it is not there. Raises when it can't be."""
    python = pathlib.Path(folder) / name / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", python.parent.parent], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PEERS[name]], check=True)
    return python


def versions(python, name):
    names = [word.split("[")[0] for word in PEERS[name]]
    code = "import importlib.metadata as m,sys; print(', '.join(f'{n} {m.version(n)}' for n in sys.argv[1:]))"
    return subprocess.run([python, "-c", code, *names], capture_output=True, text=True).stdout.strip()


class Peer:
    """A peer that runs: address, path and bodies for the load generator."""

    def __init__(self, name, python, work, rows):
        self.name, self.work, self.port = name, str(work), free_port()
        self.content_type = "application/json"
        start, write = getattr(self, f"_{name}"), bodies.records
        self.env = {"MODEL": f"{work}/matrix.onnx", "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{HERE}/peers"}
        command, self.path, write = start(python)
        self.bodies = [write(row) for row in rows]
        self.server = Server(name, command, self.env, self.work)
        self.pid = self.server.pid
        self.addr = f"127.0.0.1:{self.port}"
        self.server.wait(lambda: post(f"http://{self.addr}{self.path}", self.bodies[0]))

    def _fastapi(self, python):
        command = [python, "-m", "uvicorn", "fastapi_app:app", "--port", self.port, "--log-level", "warning"]
        return command, "/predict", bodies.records

    def _bentoml(self, python):
        self.env |= {"BENTOML_DO_NOT_TRACK": "true"}
        command = [python, "-m", "bentoml", "serve", "bento_service:Model", "--port", self.port]
        return command, "/predict", bodies.records

    def _mlflow(self, python):
        self.env |= {"PATH": f"{python.parent}:{os.environ['PATH']}"}
        command = [python, "-m", "mlflow", "models", "serve", "-m", f"{self.work}/mlflow", "-p", self.port,
                   "--env-manager", "local", "-w", "1"]
        return command, "/invocations", bodies.split_frame

    def _mlserver(self, python):
        folder = pathlib.Path(self.work) / "mlserver"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        shutil.copy(f"{self.work}/lightgbm/model.txt", folder / "model.bst")
        model = {"name": "m", "implementation": "mlserver_lightgbm.LightGBMModel", "parameters": {"uri": "./model.bst"}}
        ports = {"http_port": self.port, "grpc_port": free_port(), "metrics_port": free_port()}
        (folder / "model-settings.json").write_text(json.dumps(model))
        (folder / "settings.json").write_text(json.dumps({"parallel_workers": 0, "host": "127.0.0.1", **ports}))
        return [python.parent / "mlserver", "start", folder], "/v2/models/m/infer", bodies.tensor

    def stop(self):
        self.server.stop()
