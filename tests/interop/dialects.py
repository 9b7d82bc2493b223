"""Sends the same rows to one server in every dialect, with the field's own clients, and compares the bits.

Usage: dialects.py YARD_SERVE PACKAGE ROWS.csv [N]

PACKAGE is a binary model whose fields are numbers; ROWS.csv holds rows for it. Clients that are installed are used:
mlflow (its ScoringServerClient), kserve (its InferenceRESTClient), tritonclient (HTTP and gRPC); the contracts of
SageMaker and Vertex are spoken as their documents say. Ends with 1 when an answer differs or a client fails.
"""

import asyncio
import csv
import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import numpy as np


def post(url, body, kind="application/json", headers=None):
    request = urllib.request.Request(url, data=body, headers={"content-type": kind, **(headers or {})})
    with urllib.request.urlopen(request, timeout=120) as answer:
        return answer.status, answer.read()


class Case:
    def __init__(self, folder, url, grpc, token, rows):
        self.folder, self.url, self.grpc, self.token, self.rows = folder, url, grpc, token, rows
        self.names = list(rows[0])
        self.model = json.loads(self.get("/manage/models"))["models"][0]["name"]
        answer = json.loads(post(f"{url}/v1/models/{self.model}:predict", json.dumps({"instances": rows}).encode(),
                                 headers=self.auth)[1])
        self.reference = self.positive(answer["predictions"])

    @property
    def auth(self):
        return {"authorization": f"Bearer {self.token}"}

    def get(self, path):
        with urllib.request.urlopen(urllib.request.Request(self.url + path, headers=self.auth), timeout=60) as answer:
            return answer.read()

    @staticmethod
    def positive(predictions):
        return np.array([list(own["probabilities"].values())[1] for own in predictions], dtype=np.float32)

    def matrix(self):
        return [[row[name] for name in self.names] for row in self.rows]

    def equal(self, got):
        return int((np.asarray(got, dtype=np.float32).view(np.uint32) == self.reference.view(np.uint32)).sum())


def own_forms(case):
    columns = {name: [row[name] for row in case.rows] for name in case.names}
    forms = {
        "dataframe_split": {"dataframe_split": {"columns": case.names, "data": case.matrix()}},
        "dataframe_records": {"dataframe_records": case.rows},
        "instances (Vertex)": {"instances": case.rows, "parameters": {}},
        "inputs": {"inputs": columns},
    }
    for name, body in forms.items():
        yield name, Case.positive(json.loads(post(f"{case.url}/invocations", json.dumps(body).encode())[1])["predictions"])
    text = ",".join(case.names) + "\n"
    text += "".join(",".join("" if v is None else repr(v) for v in row) + "\n" for row in case.matrix())
    yield "CSV (SageMaker)", Case.positive(json.loads(post(f"{case.url}/invocations", text.encode(), "text/csv")[1])["predictions"])


def sagemaker(case):
    began = time.perf_counter()
    with urllib.request.urlopen(f"{case.url}/ping", timeout=2) as answer:
        assert answer.status == 200 and time.perf_counter() - began < 2


def mlflow(case):
    import pandas
    from mlflow.pyfunc.scoring_server.client import ScoringServerClient

    host, port = case.url.removeprefix("http://").split(":")
    client = ScoringServerClient(host, int(port))
    client.ping()
    assert client.get_version()
    answer = client.invoke(pandas.DataFrame(case.rows)).get_predictions(predictions_format="dataframe")
    yield "mlflow client", [list(own.values())[1] for own in answer["probabilities"]]


def kserve(case):
    from kserve import InferInput, InferRequest, InferenceRESTClient, RESTConfig

    client = InferenceRESTClient(config=RESTConfig(protocol="v2", retries=1, timeout=120))
    inputs = []
    for name in case.names:
        own = InferInput(name=name, shape=[len(case.rows), 1], datatype="FP64")
        own.set_data_from_numpy(np.array([[row[name]] for row in case.rows], dtype=np.float64), binary_data=False)
        inputs.append(own)
    request = InferRequest(model_name=case.model, infer_inputs=inputs)

    async def ask():
        assert await client.is_server_ready(case.url)
        return await client.infer(case.url, request, headers=dict(case.auth), model_name=case.model)

    answer = asyncio.run(ask())
    output = next(own for own in answer.outputs if own.name == "probability")
    yield "kserve client", output.as_numpy().reshape(len(case.rows), -1)[:, 1]


def triton(case):
    import tritonclient.grpc as tg
    import tritonclient.http as th

    for name, module, address in [("HTTP", th, case.url.removeprefix("http://")), ("gRPC", tg, case.grpc)]:
        client = module.InferenceServerClient(address)
        inputs = []
        for field in case.names:
            own = module.InferInput(field, [len(case.rows), 1], "FP64")
            own.set_data_from_numpy(np.array([[np.nan if r[field] is None else r[field]] for r in case.rows], dtype=np.float64))
            inputs.append(own)
        answer = client.infer(case.model, inputs, headers=dict(case.auth)).as_numpy("probability")
        yield f"tritonclient {name}", answer.reshape(len(case.rows), -1)[:, 1]


def tampered(case):
    """Without a token what is not a prediction stays shut; the wrong forms are refused with a reason."""
    for path, body, kind, status in [
        ("/invocations", b"[]", "application/json", 400),
        ("/invocations", b'{"inputs": [[1]], "instances": [[1]]}', "application/json", 400),
        ("/invocations", b"{}", "application/json; charset=latin1", 415),
        (f"/manage/models/{case.model}/stop", b"{}", "application/json", 401),
    ]:
        try:
            post(case.url + path, body, kind)
        except urllib.error.HTTPError as error:
            assert error.code == status, (path, error.code)
            assert "error" in json.loads(error.read())
        else:
            raise AssertionError(path)


def main():
    program, package, table = sys.argv[1:4]
    count = int(sys.argv[4]) if len(sys.argv) > 4 else 10_000
    with open(table) as file:
        rows = [{name: float(cell) if cell else None for name, cell in row.items() if name != "target"}
                for row in csv.DictReader(file)][:count]
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        store = pathlib.Path(folder) / "store"
        server = subprocess.Popen([program, package, "--store", store, "--grpc", "127.0.0.1:0", "--no-token",
                                   "--log-level", "error"])
        try:
            while not (store / "server.json").exists():
                time.sleep(0.01)
            time.sleep(0.3)
            file = json.loads((store / "server.json").read_text())
            token = pathlib.Path(file["tokens"]["manage"]).read_text().strip()
            case = Case(folder, file["url"], file["grpc"], token, rows)
            sagemaker(case)
            tampered(case)
            # JSON tensors of the KServe client have no missing values.
            clients = {"mlflow": mlflow, "kserve": kserve, "tritonclient": triton}
            ways = [own_forms]
            for name, way in clients.items():
                if importlib.util.find_spec(name):
                    ways.append(way)
                else:
                    print(f"left out: {name} is not installed")
            for way in ways:
                for name, got in way(case):
                    equal = case.equal(got)
                    failed |= equal != len(rows)
                    print(f"{name}: {equal} of {len(rows)} rows have the same bits", flush=True)
        finally:
            server.terminate()
            server.wait()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
