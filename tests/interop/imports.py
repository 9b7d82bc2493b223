"""Models of LightGBM and XGBoost read by `modelyard import`, compared with those libraries' own answers."""

import os

import numpy as np
import pandas as pd

CODES = 60


def rows(seed, n, unseen):
    rng = np.random.default_rng(seed)
    x = pd.DataFrame({f"x{i}": rng.normal(size=n).astype(np.float32).astype(float) for i in range(6)})
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


def lightgbm_model(task, x, y, path):
    import lightgbm as lgb

    objective = {"binary": "binary", "multiclass": "multiclass", "regression": "regression"}[task]
    params = dict(objective=objective, num_leaves=31, verbose=-1, cat_smooth=1.0, min_data_per_group=10, seed=1)
    params |= dict(num_class=3) if task == "multiclass" else {}
    model = lgb.train(params, lgb.Dataset(x, y, categorical_feature=["code"]), 100)
    model.save_model(path)
    return model.predict


def xgboost_model(task, x, y, path):
    import xgboost as xgb

    objective = {"binary": "binary:logistic", "multiclass": "multi:softprob", "regression": "reg:squarederror"}[task]
    kinds = ["float"] * 6 + ["c"]
    matrix = lambda x, y=None: xgb.DMatrix(x, y, feature_types=kinds, enable_categorical=True)
    params = dict(objective=objective, max_depth=6, seed=1) | (dict(num_class=3) if task == "multiclass" else {})
    model = xgb.train(params, matrix(x, y), 100)
    model.save_model(path)
    return lambda x: model.predict(matrix(x))


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
            # Nine digits give each f32 back; codes are written as whole numbers.
            text = test.astype({"code": "Int64"})
            text.to_csv(table, index=False, float_format="%.9g")
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
