"""Test scores of `modelyard train` on sets with given folds, beside reference scores.

    python train_quality.py MODELYARD DATA_DIR [--sets a,b] [--fold 0] [--out rows.jsonl] -- TRAIN_ARGUMENTS

MODELYARD is the built program. DATA_DIR holds sets.json (per set: file, target, task, drop), folds/NAME.csv
(row, fold) and, if there, reference.json (scores of other tools on fold 0). Rows of the fold are the test
part, all others are marked train: the program takes its validation rows from them. One line per set: test
AUC (positive = rarer class; several classes: mean one-against-rest) or RMSE, the best reference, whether
it is reached, seconds. Needs pandas and scikit-learn.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
import pandas as pd
from sklearn import metrics


def run(exe, folder, *args):
    out = subprocess.run([exe, *args, "--json", "--quiet"], cwd=folder, capture_output=True, text=True)
    if out.returncode:
        raise RuntimeError(f"{args[0]}: {out.stderr.strip()[-400:] or out.stdout.strip()[-400:]}")
    return json.loads(out.stdout)


def references(path):
    if not os.path.exists(path):
        return {}
    found = {}
    for name, models in json.load(open(path)).items():
        for model, row in models.items():
            value = row.get("auc", row.get("rmse"))
            if value is not None and model != "constant":
                found.setdefault(name, []).append((value, model))
    return found


def one(exe, data, name, entry, fold, train):
    path = os.path.join(data, entry["file"])
    frame = pd.read_parquet(path) if path.endswith(".parquet") else pd.read_csv(path)
    folds = pd.read_csv(os.path.join(data, "folds", name + ".csv"))
    part = np.where(folds.sort_values("row").fold.to_numpy() == fold, "test", "train")
    target = entry["target"]
    classes = entry["task"] != "regression"
    with tempfile.TemporaryDirectory() as folder:
        frame = frame.drop(columns=[column for column in entry["drop"] if column in frame])
        frame.insert(0, "_part", part)
        frame.to_csv(os.path.join(folder, "data.csv"), index=False)
        new = ["new", "p.modelyard", "--data", "data.csv", "--target", target, "--split-column", "_part"]
        new += ["--task", "classification" if classes else "regression"]
        if classes and frame[target].nunique() == 2:
            new += ["--positive", str(frame[target].value_counts().index[-1])]
        new += ["--metric", "roc_auc" if classes else "rmse"]
        run(exe, folder, *new)
        began = time.time()
        result = run(exe, folder, "train", "p.modelyard", *train)
        seconds = time.time() - began
    metric = "roc_auc" if classes else "rmse"
    return result, result["metrics"]["test"][metric]["value"], seconds


def main():
    own, train = sys.argv[1:], []
    if "--" in own:
        at = own.index("--")
        own, train = own[:at], own[at + 1 :]
    parser = argparse.ArgumentParser()
    parser.add_argument("exe")
    parser.add_argument("data")
    parser.add_argument("--sets", default="")
    parser.add_argument("--fold", type=int, default=0)
    parser.add_argument("--out", default="")
    args = parser.parse_args(own)
    exe = os.path.abspath(args.exe)
    sets = json.load(open(os.path.join(args.data, "sets.json")))
    known = references(os.path.join(args.data, "reference.json")) if args.fold == 0 else {}
    reached = count = 0
    print("| set | test | best reference | reached | kept | steps | s |\n| --- | --- | --- | --- | --- | --- | --- |")
    for name in args.sets.split(",") if args.sets else sets:
        entry = sets[name]
        if entry["task"] not in ("binary", "multiclass", "regression"):
            continue
        try:
            result, value, seconds = one(exe, args.data, name, entry, args.fold, train)
        except RuntimeError as error:
            print(f"| {name} | failed: {error} | | | | | |", flush=True)
            continue
        higher = entry["task"] != "regression"
        best = (max if higher else min)(known[name]) if name in known else None
        ok = best is not None and (value >= best[0] if higher else value <= best[0])
        reached, count = reached + ok, count + (best is not None)
        shown = f"{best[0]:.4g} ({best[1]})" if best else "-"
        print(
            f"| {name} | {value:.4f} | {shown} | {'yes' if ok else 'no'} | {result['family']} "
            f"| {result['steps']} | {seconds:.1f} |",
            flush=True,
        )
        if args.out:
            with open(args.out, "a") as out:
                row = {"set": name, "value": value, "seconds": seconds, "family": result["family"]}
                out.write(json.dumps({**row, "notes": result["notes"], "args": train}) + "\n")
    if count:
        print(f"\n{reached} of {count} sets at least as good as the best reference")


if __name__ == "__main__":
    main()
