"""One check for each export format. A check returns (what ran, result, ok)."""

import ctypes
import json
import os
import pathlib
import pickle
import signal
import subprocess

import numpy as np
import pandas as pd

MISSING_INSTANT = -(2**63)


def micros(text):
    when = pd.to_datetime(pd.Series(text), utc=True)
    out = when.astype("datetime64[us, UTC]").astype("int64").to_numpy().copy()
    out[when.isna().to_numpy()] = MISSING_INSTANT
    return out


def columns(fields, x):
    """Returns each field as the graphs take it, by the types of the contract."""
    out = {}
    for field in fields:
        name, kind = field["name"], field["type"]
        if kind in ("category", "text"):
            out[name] = np.array(["" if v is None or v != v else v for v in x[name]], dtype=object)
        elif kind == "datetime":
            out[name] = micros(x[name])
        elif kind == "image":
            out[name] = None
        else:
            out[name] = x[name].to_numpy(float)
    return out


def pixels(cells, width):
    """Returns images as the graphs take them: by channel, row and column, NaN where there is none."""
    from PIL import Image

    out = np.full((len(cells), width), np.nan, np.float32)
    for row, cell in enumerate(cells):
        if isinstance(cell, str):
            image = np.array(Image.open(cell)).astype(float)
            if image.size != width:
                image = ((image @ [299, 587, 114] + 500) // 1000)[..., None]
            out[row] = image.transpose(2, 0, 1).ravel()
    return out


def largest(a, b):
    return float(np.max(np.abs(a.astype(float) - b.astype(float)))) if a.size else 0.0


def same_bits(a, b):
    return np.array_equal(a.astype(np.float32).view(np.uint32), b.astype(np.float32).view(np.uint32))


class Case:
    """A package with the scorer's own answers to the rows."""

    def __init__(self, family, task, package, contract, x, scores):
        self.family, self.task, self.package = family, task, package
        self.fields, self.classes, self.name = contract["fields"], contract["classes"], contract["name"]
        self.x, self.columns = x, columns(contract["fields"], x)
        self.labels = scores["prediction"].astype(str).to_numpy(object)
        if task == "regression":
            self.prediction = scores["prediction"].to_numpy(np.float32)
        else:
            self.p = scores[[f"p_{c}" for c in self.classes]].to_numpy(np.float32)
        self.trees = family in ("boosting", "forest")
        self.margins = None
        self.decisions = None
        self.pythons = {}


def c_source(case, folder):
    """Compiles the source, runs its golden examples, then all rows through a shared library."""
    flags = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror"]
    cc = lambda *more: subprocess.run(["cc", *flags, *more], cwd=folder, check=True)
    cc("-o", "golden", "model.c", "golden.c", "-lm")
    golden = subprocess.run(["./golden"], cwd=folder, capture_output=True, text=True)
    cc("-shared", "-fPIC", "-o", "model.so", "model.c", "-lm")
    kinds = {"category": ctypes.c_char_p, "text": ctypes.c_char_p, "datetime": ctypes.c_int64}
    row = type("Row", (ctypes.Structure,), {
        "_fields_": [(f"f{i}", kinds.get(f["type"], ctypes.c_double)) for i, f in enumerate(case.fields)]
    })
    outputs = 1 if case.task != "multiclass" else len(case.classes)
    answer_fields = [("margin", ctypes.c_float * outputs)]
    if case.classes:
        answer_fields += [("probability", ctypes.c_float * len(case.classes)), ("label", ctypes.c_int)]
    if case.task == "binary":
        answer_fields.append(("decision", ctypes.c_int))
    answer = type("Answer", (ctypes.Structure,), {"_fields_": answer_fields})()
    library = ctypes.CDLL(os.path.join(folder, "model.so"))
    score = getattr(library, case.name.replace("-", "_") + "_score")
    encoded = [[v.encode() for v in c] if c.dtype == object else c.tolist() for c in case.columns.values()]
    margins, p, labels, decisions = [], [], [], []
    for values in zip(*encoded):
        one = row(*values)
        score(ctypes.byref(one), ctypes.byref(answer))
        margins.append(list(answer.margin))
        if case.classes:
            p.append(list(answer.probability))
            labels.append(case.classes[answer.label])
        if case.task == "binary":
            decisions.append(answer.decision)
    case.margins, case.decisions = np.array(margins, np.float32), np.array(decisions)
    if case.classes:
        equal = same_bits(np.array(p, np.float32), case.p) and list(labels) == list(case.labels)
        what = "labels and probabilities"
    else:
        equal, what = same_bits(case.margins[:, 0], case.prediction), "predictions"
    ok = golden.returncode == 0 and equal
    text = f"{golden.stdout.strip()}; {what} {'bit-equal' if equal else 'DIFFER'}; {latency(case, folder)}"
    return "cc, no warning", text, ok


BENCH = """
#include <time.h>
#define main golden_main
#include "golden.c"
#undef main
static int later(const void *a, const void *b) { double x = *(const double *)a, y = *(const double *)b; return (x > y) - (x < y); }
static double took[200000];
int main(void) {
    int i, n = (int)(sizeof rows / sizeof rows[0]);
    for (i = 0; i < 200000; i++) {
        NAME_answer answer;
        struct timespec a, b;
        clock_gettime(CLOCK_MONOTONIC, &a);
        NAME_score(&rows[i % n], &answer);
        clock_gettime(CLOCK_MONOTONIC, &b);
        took[i] = (b.tv_sec - a.tv_sec) * 1e6 + (b.tv_nsec - a.tv_nsec) * 1e-3;
    }
    qsort(took, 200000, sizeof took[0], later);
    printf("p50 %.2f us, p99 %.2f us a row", took[100000], took[198000]);
    return 0;
}
"""


def latency(case, folder):
    """Times 200,000 calls of one row each, the clock's own time included."""
    source = "#include <stdlib.h>\n" + BENCH.replace("NAME", case.name.replace("-", "_"))
    pathlib.Path(folder, "bench.c").write_text(source)
    flags = ["-std=c99", "-D_POSIX_C_SOURCE=199309L", "-O2"]
    subprocess.run(["cc", *flags, "-o", "bench", "model.c", "bench.c", "-lm"], cwd=folder, check=True)
    return subprocess.run(["./bench"], cwd=folder, check=True, capture_output=True, text=True).stdout


def compare(case, label, p, margin, decision):
    """Compares another runtime's answers with the scorer's."""
    text, ok = [], True
    if case.task == "regression":
        apart = largest(margin[:, 0], case.prediction)
        scale = max(1.0, float(np.max(np.abs(case.prediction))))
        bits = same_bits(margin[:, 0], case.prediction)
        text.append("predictions bit-equal" if bits else f"largest difference {apart:.1e} of {scale:.0f}")
        return "; ".join(text), bits or (not case.trees or margin.dtype == float) and apart <= 1e-6 * scale
    equal = np.mean(label.ravel() == case.labels)
    text.append("labels identical" if equal == 1 else f"labels {equal:.5f} equal")
    apart = largest(p, case.p)
    text.append(f"probabilities within {apart:.1e}")
    ok = equal == 1 and apart <= 1e-6
    bits = same_bits(p, case.p)
    if case.margins is not None and margin is not None:
        bits = same_bits(margin, case.margins)
        apart = largest(margin, case.margins)
        text.append("margins bit-equal" if bits else f"margins within {apart:.1e}")
    elif bits:
        text.append("bit-equal")
    ok = ok and (bits or not case.trees or margin is None)
    if decision is not None and case.decisions is not None:
        same = np.array_equal(decision.ravel().astype(int), case.decisions)
        text.append("decisions identical" if same else "decisions DIFFER")
        ok = ok and same
    return "; ".join(text), ok


def onnx(case, folder):
    import onnx as library
    import onnxruntime as ort

    path = os.path.join(folder, "model.onnx")
    library.checker.check_model(library.load(path), full_check=True)
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    feed = {name: values.reshape(-1, 1) for name, values in case.columns.items() if values is not None}
    for port in session.get_inputs():
        if port.name not in feed:
            field = next(f["name"] for f in case.fields if port.name.startswith(f["name"]) and f["type"] == "image")
            feed[port.name] = pixels(case.x[field], port.shape[1])
    names = [output.name for output in session.get_outputs()]
    out = dict(zip(names, session.run(None, feed)))
    for size in (1, 7):  # batches give the same bits
        part = session.run(None, {name: values[:size] for name, values in feed.items()})
        which = names.index("prediction" if "prediction" in names else "margin")
        if case.trees and not same_bits(part[which], out[names[which]][:size]):
            return "onnx.checker, onnxruntime", f"a batch of {size} differs", False
    margin = out.get("prediction", out.get("margin"))
    text, ok = compare(case, out.get("label"), out.get("probabilities"), margin, out.get("decision"))
    return "onnx.checker, onnxruntime", text, ok


def lightgbm(case, folder):
    import lightgbm as library

    with open(os.path.join(folder, "features.json")) as file:
        features = json.load(file)["features"]
    booster = library.Booster(model_file=os.path.join(folder, "model.txt"))
    x = np.column_stack([feature_values(feature, case) for feature in features])
    raw = booster.predict(x, raw_score=True).reshape(len(x), -1)
    if case.task == "regression":
        raw = booster.predict(x).reshape(len(x), -1)  # through the link, where there is one
        relative = np.max(np.abs(raw[:, 0] - case.prediction) / np.maximum(np.abs(case.prediction), 1e-3))
        return "lightgbm", f"raw scores within {relative:.1e} relative", relative <= (1e-12 if case.trees else 1e-6)
    with open(os.path.join(folder, "calibration.json")) as file:
        calibration = json.load(file)
    expected = case.margins.astype(float) * calibration["slope"] + calibration["intercept"]
    relative = np.max(np.abs(raw - expected) / np.maximum(np.abs(expected), 1e-3))
    p = booster.predict(x).reshape(len(x), -1)
    p = np.column_stack([1 - p[:, 0], p[:, 0]]) if case.task == "binary" else p
    apart = largest(p, case.p)
    text = f"raw scores within {relative:.1e} relative; probabilities within {apart:.1e}"
    return "lightgbm", text, relative <= 1e-12 and apart <= 1e-6


def feature_values(feature, case):
    """Computes a feature of `features.json` from the fields, in f64 and rounded to f32."""
    values, op = case.columns[feature["field"]], feature["feature"]["op"]
    if op == "code":
        codes = {word: code for code, word in enumerate(feature["categories"])}
        other = len(codes)
        return np.array([np.nan if v == "" else codes.get(v, other) for v in values], float)
    if op == "missing_flag":
        return np.array([v == "" or v != v or v == MISSING_INSTANT for v in values], float)
    if op == "date":
        missing = values == MISSING_INSTANT
        when = pd.Series(pd.to_datetime(np.where(missing, 0, values), unit="us"))
        part = feature["feature"]["part"]
        parts = {"weekday": "dayofweek", "day_of_year": "dayofyear"}
        return np.where(missing, np.nan, getattr(when.dt, parts.get(part, part)).to_numpy(float))
    return values.astype(np.float32).astype(float)


def mlflow(case, folder):
    import mlflow as library

    model = library.pyfunc.load_model(folder)
    frame = pd.DataFrame({name: values for name, values in case.columns.items()})
    out = model.predict(frame)
    example = model.predict(library.models.Model.load(folder).load_input_example(folder))
    if len(example) == 0:
        return "mlflow.pyfunc", "the input example gives nothing", False
    p = out[[f"p_{c}" for c in case.classes]].to_numpy(np.float32) if case.classes else None
    if case.task == "multiclass":
        margin = out[[f"margin_{c}" for c in case.classes]].to_numpy(np.float32)
    else:
        margin = out[["margin" if case.classes else "prediction"]].to_numpy(np.float32)
    label = out["label"].to_numpy(object) if case.classes else None
    decision = out["decision"].to_numpy() if "decision" in out else None
    text, ok = compare(case, label, p, margin, decision)
    return "mlflow.pyfunc with signature", text, ok


def triton(case, folder):
    from google.protobuf import text_format
    from tritonclient.grpc import model_config_pb2

    with open(os.path.join(folder, case.name, "config.pbtxt")) as file:
        config = text_format.Parse(file.read(), model_config_pb2.ModelConfig())
    version = os.path.join(folder, case.name, "1", config.default_model_filename)
    inputs = [port.name for port in config.input]
    ok = config.name == case.name and os.path.exists(version) and len(inputs) >= len(case.columns)
    for warm_up in config.model_warmup:
        for port in warm_up.inputs.values():
            ok = ok and os.path.exists(os.path.join(folder, case.name, "warmup", port.input_data_file))
    return "tritonclient's ModelConfig", f"configuration parsed, {len(inputs)} inputs, files in place", ok


def manifests(case, folder):
    import yaml

    kinds = []
    for name in sorted(os.listdir(folder)):
        if name.endswith(".yaml"):
            with open(os.path.join(folder, name)) as file:
                kinds += [document["kind"] for document in yaml.safe_load_all(file)]
    return "YAML parsed only", ", ".join(dict.fromkeys(kinds)), len(kinds) >= 3


def group_lives(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def elsewhere(kind):
    """Runs an export in the interpreter that is given for its kind."""

    def check(case, folder):
        python = case.pythons.get(kind)
        if not python:
            size = sum(file.stat().st_size for file in pathlib.Path(folder).rglob("*"))
            return "written only", f"{size} bytes", True
        source, out = os.path.join(folder, "columns.pickle"), os.path.join(folder, "out.pickle")
        columns = dict(case.columns)
        for name in [name for name, values in columns.items() if values is None]:
            columns[name] = pixels(case.x[name], 360)
        with open(source, "wb") as file:
            pickle.dump({"columns": columns, "classes": case.classes}, file)
        script = str(pathlib.Path(__file__).with_name("elsewhere.py"))
        command = [python, "-W", "ignore", script, kind, folder, source, out]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
        try:
            process.wait(600)
        finally:  # an evaluator leaves its Java behind
            os.killpg(process.pid, signal.SIGKILL) if group_lives(process.pid) else None
        if process.returncode != 0:
            return kind, " ".join(process.stderr.read().split())[-160:], False
        with open(out, "rb") as file:
            own = pickle.load(file)
        margin = own.get("prediction", own.get("margin"))
        text, ok = compare(case, own.get("label"), own.get("probabilities"), margin, own.get("decision"))
        return own["version"], text, ok

    return check


ROWS = """
import { readFileSync, writeFileSync } from "node:fs";
import { load } from "./model.mjs";
const model = await load(readFileSync("model.wasm"), JSON.parse(readFileSync("model.json", "utf8")));
const rows = JSON.parse(readFileSync("rows.json", "utf8"));
writeFileSync("answers.json", JSON.stringify(rows.map((row) => model.score(row))));
"""


def wasm(case, folder):
    """Runs the module under node: the golden examples, then all rows."""
    golden = subprocess.run(["node", "golden.mjs"], cwd=folder, capture_output=True, text=True)
    x = case.x.astype(object).where(case.x.notna(), None)
    pathlib.Path(folder, "rows.json").write_text(json.dumps(x.to_dict("records")))
    pathlib.Path(folder, "rows.mjs").write_text(ROWS)
    subprocess.run(["node", "rows.mjs"], cwd=folder, check=True, capture_output=True)
    answers = json.loads(pathlib.Path(folder, "answers.json").read_text())
    if case.classes:
        p = np.array([answer["probabilities"] for answer in answers], np.float32)
        equal = same_bits(p, case.p) and [answer["prediction"] for answer in answers] == list(case.labels)
        what = "labels and probabilities"
    else:
        equal = same_bits(np.array([answer["prediction"] for answer in answers], np.float32), case.prediction)
        what = "predictions"
    version = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout.strip()
    text = f"{golden.stdout.strip()}; {what} {'bit-equal' if equal else 'DIFFER'}"
    return f"node {version}", text, golden.returncode == 0 and equal


def reader(case, folder):
    """The reader of docs/ on the package itself."""
    import modelpack

    ok, text = modelpack.check(case.package)
    return "docs/modelpack_reader.py", text, ok


def files(*names):
    """Files that a service of others runs: `servers.py` runs them here."""

    def check(case, folder):
        there = [name for name in names if os.path.exists(os.path.join(folder, name))]
        bill = json.loads(pathlib.Path(folder, "sbom.cdx.json").read_text())
        ok = len(there) == len(names) and bill["bomFormat"] == "CycloneDX"
        return "files only (`servers.py` runs them)", ", ".join(there), ok

    return check


CHECKS = {
    "c": c_source,
    "onnx": onnx,
    "lightgbm": lightgbm,
    "savedmodel": elsewhere("savedmodel"),
    "torchscript": elsewhere("torchscript"),
    "pmml": elsewhere("pmml"),
    "wasm": wasm,
    "mlflow": mlflow,
    "triton": triton,
    "kserve": manifests,
    "kubernetes": manifests,
    "bentoml": files("bento.yaml", "src/service.py", "src/model.onnx"),
    "mlserver": files("model-settings.json", "runtime.py", "model.onnx"),
    "sagemaker": files("model.tar.gz", "container/Dockerfile", "container/server.py"),
    "vertex": files("model.json", "container/Dockerfile", "container/server.py"),
}
