"""Models of LightGBM and XGBoost read by `modelyard import`, compared with those libraries' own answers.

    cargo build --release -p yard_export --example imported
    python imports.py --tool target/release/examples/imported

compares margins bit by bit on 10,000 rows of f64 numbers with missing values and unseen categories.
"""

import argparse
import os
import subprocess
import sys
import tempfile

import numpy as np
import pandas as pd

CODES = 60


def rows(seed, n, unseen):
    rng = np.random.default_rng(seed)
    x = pd.DataFrame({f"x{i}": rng.normal(size=n) for i in range(6)})
    x = x.mask(rng.random(x.shape) < 0.08)
    code = rng.integers(0, CODES + (15 if unseen else 0), n).astype(float)
    code[rng.random(n) < 0.06] = np.nan
    x["code"] = code
    z = x.x0.fillna(0.3) - x.x1.fillna(-0.5) * x.x2.fillna(0) + (x.code % 7 < 2) * 1.4 + x.x3.isna()
    return x, (z + rng.normal(size=n) * 0.3).to_numpy()


def targets(task, z):
    if task == "binary":
        return (z > 0.8).astype(int)
    if task == "multiclass":
        return np.digitize(z, [0.0, 1.0])
    return z


def lightgbm_model(task, x, y, path, **more):
    import lightgbm as lgb

    objective = {"binary": "binary", "multiclass": "multiclass", "regression": "regression"}[task]
    params = dict(objective=objective, num_leaves=31, verbose=-1, cat_smooth=1.0, min_data_per_group=10, seed=1)
    params |= (dict(num_class=3) if task == "multiclass" else {}) | more
    model = lgb.train(params, lgb.Dataset(x, y, categorical_feature=["code"]), 100)
    model.save_model(path)
    return lambda x, raw=False: model.predict(x, raw_score=raw)


def xgboost_model(task, x, y, path, **more):
    import xgboost as xgb

    objective = {"binary": "binary:logistic", "multiclass": "multi:softprob", "regression": "reg:squarederror"}[task]
    kinds = ["float"] * 6 + ["c"]
    matrix = lambda x, y=None: xgb.DMatrix(x, y, feature_types=kinds, enable_categorical=True)
    params = dict(objective=objective, max_depth=6, seed=1) | (dict(num_class=3) if task == "multiclass" else {}) | more
    model = xgb.train(params, matrix(x, y), 100)
    model.save_model(path)
    return lambda x, raw=False: model.predict(matrix(x), output_margin=raw)


def write(x, path):
    """Seventeen digits give each f64 back; codes are written as whole numbers."""
    x.astype({"code": "Int64"}).to_csv(path, index=False, float_format="%.17g")


VARIANTS = {
    "lightgbm": (lightgbm_model, "txt", {
        "": {},
        "zero_as_missing": dict(zero_as_missing=True),
        "forest": dict(boosting="rf", bagging_freq=1, bagging_fraction=0.6),
        "dart": dict(boosting="dart"),
    }),
    "xgboost": (xgboost_model, "json", {
        "": {},
        "one-hot splits": dict(max_cat_to_onehot=100),
        "dart": dict(booster="dart", rate_drop=0.2),
    }),
}


def exact(tool, work, n):
    """Yields name, task, rows whose margins differ in a bit, and whether there are none."""
    for name, (train, ending, variants) in VARIANTS.items():
        for variant, more in variants.items():
            for task in ("binary", "multiclass", "regression"):
                x, z = rows(1, 6_000, False)
                path, table, out = (os.path.join(work, f) for f in (f"m.{ending}", "rows.csv", "margins"))
                predict = train(task, x, targets(task, z), path, **more)
                test, _ = rows(2, n, True)
                if variant == "zero_as_missing":
                    test.loc[::9, "x0"] = 0.0
                write(test, table)
                subprocess.run([tool, path, table, out], check=True)
                raw = np.asarray(predict(test, True), np.float64)
                # The raw score of a forest is the sum; what its predictions are made of, and the margin, is the mean.
                raw = raw / 100 if variant == "forest" else raw
                expected = raw.astype(np.float32).reshape(n, -1)
                got = np.fromfile(out, "<f4").reshape(expected.shape)
                differ = int(np.sum((got.view(np.uint32) != expected.view(np.uint32)).any(axis=1)))
                yield f"{name} {variant}".strip(), task, differ


def results(modelyard, work, n):
    kinds = {"lightgbm": (lightgbm_model, "txt"), "xgboost": (xgboost_model, "json")}
    for name, (train, ending) in kinds.items():
        for task in ("binary", "multiclass", "regression"):
            x, z = rows(1, 6_000, False)
            path = os.path.join(work, f"{name}-{task}.{ending}")
            predict = train(task, x, targets(task, z), path)
            test, _ = rows(2, n, True)
            expected = np.asarray(predict(test), float).reshape(n, -1)
            table, out = os.path.join(work, "import.csv"), os.path.join(work, "import-scores.csv")
            pack = os.path.join(work, f"{name}-{task}.modelpack")
            write(test, table)
            modelyard("import", path, "--out", pack)
            modelyard("score", pack, "--in", table, "--out", out)
            scores = pd.read_csv(out)
            yield (f"{name} model", task, "import", *compare(task, expected, scores))


def compare(task, expected, scores):
    if task == "regression":
        apart = np.abs(scores["prediction"].to_numpy(float) - expected[:, 0])
        scale = max(1.0, np.abs(expected).max())
        return "modelyard score", f"largest difference {apart.max():.1e}", bool(apart.max() <= 1e-5 * scale)
    p = scores[[c for c in scores if c.startswith("p_")]].to_numpy(float)
    expected = np.column_stack([1 - expected[:, 0], expected[:, 0]]) if task == "binary" else expected
    label = expected.argmax(axis=1) if task != "binary" else (expected[:, 1] >= 0.5).astype(int)
    differ = int(np.sum(scores["prediction"].to_numpy(int) != label))
    apart = np.abs(p - expected).max()
    text = f"{differ} labels differ; probabilities within {apart:.1e}"
    return "modelyard score", text, differ == 0 and apart <= 1e-5


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tool", required=True)
    parser.add_argument("--rows", type=int, default=10_000)
    args = parser.parse_args()
    total = 0
    with tempfile.TemporaryDirectory() as work:
        for name, task, differ in exact(os.path.abspath(args.tool), work, args.rows):
            print(f"{name} | {task} | margins of {differ} of {args.rows} rows differ", flush=True)
            total += differ
    sys.exit(1 if total else 0)


if __name__ == "__main__":
    main()
