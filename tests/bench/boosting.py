"""Quality and speed of `yard_boost` against LightGBM, XGBoost and scikit-learn.

    python boosting.py quality FIT DATA_DIR [--sets a,b] [--peers] [NAME=VALUE ...]
    python boosting.py cross FIT DATA_DIR [--sets a,b] [--peers] [NAME=VALUE ...]
    python boosting.py speed FIT [--rows=N] [--features=N] [--threads=1,2] [--shapes=100x31,500x255]
                             [NAME=VALUE ...]
    python boosting.py busy FIT

FIT is the built example: `cargo build --release -p yard_boost --example fit`.
`quality` reads DATA_DIR/sets.json (per set: file, target, task, drop, text) and DATA_DIR/folds/NAME.csv
(row, fold): fold 0 tests, of the others a fifth (seed 0) validates. Categories become ordinal codes,
dates year, month, day and weekday. `--peers` fits scikit-learn's and LightGBM's defaults on all other
folds. `cross` gives the mean over all folds as `modelyard train` would fit: a fifth of the other rows chooses the
rounds, below 3,000 rows five folds of them do, trees grow as the first of them
found better; in sets in the order of time the newest fifth chooses, as with a time column; then all of them train; `--peers` are the defaults of LightGBM and
CatBoost, trained on the same rows. `speed` makes a table of normal and skewed columns with a noisy non-linear target and trains all
libraries with the same settings, each in a process of its own, data in memory as f32: CPU and wall
seconds, binning alone, peak memory on top of the data, AUC on 200,000 other rows, and the ratios.
`busy` trains 100 trees of 31 leaves with two threads, alone and beside a process that keeps core 0 busy, and
prints how much longer it takes in wall time, for us and for the peers with their OpenMP as it comes.
Needs numpy, pandas, scikit-learn, lightgbm, xgboost.
"""

import json
import os
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
import numpy as np
import pandas as pd
from sklearn import metrics


def write(folder, meta, parts):
    lines = [f"{k} {v}" for k, v in meta.items()]
    for name in ("train", "valid", "test"):
        x, y = parts.get(name, (np.zeros((0, 1)), np.zeros(0)))
        lines.append(f"{name} {len(y)}")
        np.asarray(x, np.float32).T.tofile(f"{folder}/{name}_x.f32")
        np.asarray(y, np.float32).tofile(f"{folder}/{name}_y.f32")
    with open(f"{folder}/meta.txt", "w") as f:
        f.write("\n".join(lines) + "\n")


def fit(exe, folder, options):
    out = subprocess.run([exe, folder, *options], capture_output=True, text=True, check=True)
    return json.loads(out.stdout)


def table(data_dir, name, spec):
    path = f"{data_dir}/{spec['file']}"
    df = pd.read_parquet(path) if path.endswith(".parquet") else pd.read_csv(path)
    fold = pd.read_csv(f"{data_dir}/folds/{name}.csv")["fold"].to_numpy()
    y = df[spec["target"]]
    df = df.drop(columns=[spec["target"], *[c for c in spec["drop"] if c in df]])
    columns, categorical = [], []
    for c in df:
        s = df[c]
        if s.dtype == bool:
            s = s.astype(str)
        if s.dtype.kind in "if":
            columns.append(s.to_numpy(np.float64)), categorical.append(0)
            continue
        number = pd.to_numeric(s.replace(r"^\s*$", np.nan, regex=True), errors="coerce")
        if number.notna().sum() >= 0.95 * s.notna().sum():
            columns.append(number.to_numpy(np.float64)), categorical.append(0)
            continue
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            when = pd.to_datetime(s, errors="coerce")
        if when.notna().sum() >= 0.95 * s.notna().sum():
            for part in ("year", "month", "day", "day_of_week"):
                columns.append(getattr(when.dt, part).to_numpy(np.float64)), categorical.append(0)
            continue
        train = s[fold != 0]
        levels = {v: i for i, v in enumerate(sorted(train.dropna().unique()))}
        code = s.map(lambda v: np.nan if pd.isna(v) else levels.get(v, len(levels)))
        columns.append(code.to_numpy(np.float64)), categorical.append(1)
    x = np.stack(columns, 1)
    if spec["task"] == "regression":
        y = y.to_numpy(np.float64)
        classes = 0
    else:
        counts = y.value_counts()
        order = sorted(counts.index, key=lambda v: (-counts[v], str(v)))
        y = y.map({v: i for i, v in enumerate(order)}).to_numpy(np.float64)
        classes = len(order)
    return x, y, fold, classes, categorical, spec.get("order") == "time"


def softmax(m):
    e = np.exp(m - m.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def scores(y, p, classes):
    if classes == 0:
        return {"rmse": float(np.sqrt(np.mean((y - p) ** 2))), "r2": metrics.r2_score(y, p)}
    if classes == 2:
        return {"auc": metrics.roc_auc_score(y, p), "logloss": metrics.log_loss(y, p)}
    auc = np.mean([metrics.roc_auc_score(y == k, p[:, k]) for k in range(classes) if (y == k).any()])
    return {"auc": auc, "logloss": metrics.log_loss(y, p, labels=list(range(classes)))}


def ours(exe, folder, data, options):
    x, y, fold, classes, categorical, _ = data
    test = fold == 0
    rest = np.flatnonzero(~test)
    held = np.random.default_rng(0).permutation(len(rest)) < len(rest) // 5
    forest = "family=forest" in options
    train = rest if forest else rest[~held]
    parts = {"train": (x[train], y[train]), "test": (x[test], y[test])}
    if not forest:
        parts["valid"] = (x[rest[held]], y[rest[held]])
    meta = {"features": x.shape[1], "classes": classes, "categorical": ",".join(map(str, categorical))}
    write(folder, meta, parts)
    told = fit(exe, folder, options)
    margins = np.fromfile(f"{folder}/margins.f32", np.float32).astype(np.float64)
    if classes == 2:
        p = 1 / (1 + np.exp(-margins))
    elif classes:
        p = softmax(margins.reshape(-1, classes))
    else:
        p = margins
    return {**scores(y[test], p, classes), "rounds": told["rounds"], "s": round(told["seconds"], 2)}


def peers(data):
    import lightgbm
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    x, y, fold, classes, categorical, _ = data
    test = fold == 0
    mask = np.array(categorical, bool)
    mask = np.array([m and np.nanmax(x[:, i]) < 254 for i, m in enumerate(mask)])
    out = {}
    hgb = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    lgb = lightgbm.LGBMClassifier if classes else lightgbm.LGBMRegressor
    for name, model, kw in (
        ("hgb", hgb(categorical_features=mask, random_state=0), {}),
        ("lgb", lgb(n_jobs=1, verbose=-1, random_state=0),
         {"categorical_feature": np.flatnonzero(mask).tolist()}),
    ):
        model.fit(x[~test], y[~test], **kw)
        p = model.predict_proba(x[test]) if classes else model.predict(x[test])
        out[name] = scores(y[test], p[:, 1] if classes == 2 else p, classes)
    return out


def show(values):
    return " ".join(f"{k} {v:.5g}" for k, v in values.items())


def quality(exe, data_dir, rest):
    sets = json.load(open(f"{data_dir}/sets.json"))
    names, with_peers, options = None, False, []
    for a in rest:
        if a.startswith("--sets="):
            names = a[7:].split(",")
        elif a == "--peers":
            with_peers = True
        else:
            options.append(a)
    for name, spec in sets.items():
        tabular = spec["task"] in ("binary", "multiclass", "multi-class", "regression") and not spec.get("text")
        if not tabular or "folds" not in spec or (names and name not in names):
            continue
        data = table(data_dir, name, spec)
        with tempfile.TemporaryDirectory() as folder:
            print(f"{name:22s} ours {show(ours(exe, folder, data, options))}", flush=True)
        if with_peers:
            for peer, values in peers(data).items():
                print(f"{name:22s} {peer} {show(values)}", flush=True)


def fitted(exe, folder, data, rows, options):
    x, y, _, classes, categorical, _ = data
    meta = {"features": x.shape[1], "classes": classes, "categorical": ",".join(map(str, categorical))}
    write(folder, meta, {name: (x[part], y[part]) for name, part in rows.items()})
    return fit(exe, folder, options)


def probabilities(folder, classes):
    margins = np.fromfile(f"{folder}/margins.f32", np.float32).astype(np.float64)
    if classes == 2:
        return 1 / (1 + np.exp(-margins))
    return softmax(margins.reshape(-1, classes)) if classes else margins


def cross_ours(exe, folder, data, test, options):
    rest = np.flatnonzero(~test)
    order = np.random.default_rng(0).permutation(len(rest))
    if data[5]:
        order = np.arange(len(rest))[::-1]
    few = len(rest) < 3000 and not data[5]
    part = order % 5 if few else np.where(order < len(rest) // 5, 0, 1)
    held = range(5) if few else [0]
    test = np.flatnonzero(test)
    fits = {}

    def held_out(k, growth):
        rows = {"train": rest[part != k], "valid": rest[part == k], "test": test}
        if (k, growth) not in fits:
            fits[k, growth] = fitted(exe, folder, data, rows, [*options, *growth])
        return fits[k, growth]

    free = not any(option.startswith(("growth=", "leaves=")) for option in options)
    ways = [["growth=leafwise"], ["growth=symmetric"]] if free and len(rest) < 100_000 else [[]]
    way = tuple(min(ways, key=lambda way: held_out(0, tuple(way))["valid_loss"]))
    rounds = [held_out(k, way)["rounds"] for k in held]
    trees = max(1, round(float(np.mean(rounds))))
    kept = [*[option for option in options if not option.startswith("trees=")], *way]
    fitted(exe, folder, data, {"train": rest, "test": test}, [*kept, f"trees={trees}"])
    return probabilities(folder, data[3])


def cross_peers(data, test):
    import lightgbm
    from catboost import CatBoostClassifier, CatBoostRegressor

    x, y, _, classes, categorical, _ = data
    which = np.flatnonzero(categorical)
    lgb = (lightgbm.LGBMClassifier if classes else lightgbm.LGBMRegressor)(n_jobs=1, verbose=-1, random_state=0)
    lgb.fit(x[~test], y[~test], categorical_feature=which.tolist())
    words = pd.DataFrame(x)
    for column in which:
        words[column] = words[column].fillna(-1).astype(int).astype(str)
    cat = (CatBoostClassifier if classes else CatBoostRegressor)(random_seed=0, verbose=0, thread_count=1)
    cat.fit(words[~test], y[~test], cat_features=which.tolist())
    out = {}
    for name, model, table in (("lgb", lgb, x), ("cat", cat, words)):
        p = model.predict_proba(table[test]) if classes else model.predict(table[test])
        out[name] = p[:, 1] if classes == 2 else p
    return out


def cross(exe, data_dir, rest):
    """Mean over all folds."""
    sets = json.load(open(f"{data_dir}/sets.json"))
    chosen = [a[7:].split(",") for a in rest if a.startswith("--sets=")]
    options = [a for a in rest if not a.startswith("--")]
    for name, spec in sets.items():
        tabular = spec["task"] in ("binary", "multiclass", "multi-class", "regression")
        if not tabular or "folds" not in spec or (chosen and name not in chosen[0]):
            continue
        data = table(data_dir, name, spec)
        found = {}
        for k in range(5):
            test = data[2] == k
            with tempfile.TemporaryDirectory() as folder:
                tries = {"ours": cross_ours(exe, folder, data, test, options)}
            tries.update(cross_peers(data, test) if "--peers" in rest else {})
            for who, p in tries.items():
                values = scores(data[1][test], p, data[3])
                found.setdefault(who, []).append(values["auc" if data[3] else "rmse"])
        print(f"{name:22s} " + " ".join(f"{who} {np.mean(v):.5g}" for who, v in found.items()), flush=True)


def synthetic(rows, features, seed=0):
    r = np.random.default_rng(seed)
    x = r.standard_normal((rows, features)).astype(np.float32)
    x[:, ::4] = np.exp(x[:, ::4])
    x[:, 1::7] = np.round(x[:, 1::7] * 4) / 4
    w = r.standard_normal(features)
    z = x @ w * 0.3 + np.sin(2 * x[:, 1]) * x[:, 2] + (x[:, 3] > 0.5) * x[:, 5] - np.abs(x[:, 6])
    y = (z - np.median(z) + 1.5 * r.standard_normal(rows) > 0).astype(np.float32)
    return x, y


def cpu():
    t = os.times()
    return t.user + t.system


def memory(name):
    with open("/proc/self/status") as f:
        return next(float(line.split()[1]) / 1024 for line in f if line.startswith(name))


def lightgbm_run(x, y, leaves, trees, threads):
    import lightgbm

    params = {"objective": "binary", "num_leaves": leaves, "learning_rate": 0.1, "max_bin": 255,
              "num_threads": threads, "verbose": -1, "min_data_in_leaf": 20}
    set_ = lightgbm.Dataset(x, y, params=params)
    set_.construct()
    binned = cpu()
    if trees == 0:
        return binned, None
    model = lightgbm.train(params, set_, trees)
    return binned, lambda x: model.predict(x, num_threads=1)


def xgboost_run(x, y, leaves, trees, threads):
    import xgboost

    set_ = xgboost.QuantileDMatrix(x, y, max_bin=255, nthread=threads)
    binned = cpu()
    if trees == 0:
        return binned, None
    params = {"objective": "binary:logistic", "tree_method": "hist", "grow_policy": "lossguide", "max_depth": 0,
              "max_leaves": leaves, "learning_rate": 0.1, "max_bin": 255, "nthread": threads, "reg_lambda": 0,
              "min_child_weight": 1e-3}
    model = xgboost.train(params, set_, trees)
    return binned, lambda x: model.predict(xgboost.DMatrix(x), output_margin=True)


PEERS = {"lightgbm": lightgbm_run, "xgboost": xgboost_run}


def peer(folder):
    """Trains one peer in this process on the matrix of a folder and prints a JSON line."""
    job = json.load(open(f"{folder}/peer.json"))
    x = np.fromfile(f"{folder}/train_x.f32", np.float32).reshape(job["features"], -1).T
    y = np.fromfile(f"{folder}/train_y.f32", np.float32)
    run = PEERS[job["name"]]
    # A small run first, so that loading the library is not counted.
    run(np.ascontiguousarray(x[:5000]), y[:5000], 7, 2, job["threads"])
    if job["name"] == "xgboost":
        x = np.ascontiguousarray(x)
    with open("/proc/self/clear_refs", "w") as f:
        f.write("5")
    before, start, wall = memory("VmRSS"), cpu(), time.time()
    binned, predict = run(x, y, job["leaves"], job["trees"], job["threads"])
    end, seconds = cpu(), time.time() - wall
    told = {"cpu": end - start, "bins": binned - start, "seconds": seconds, "peak_mib": memory("VmHWM") - before}
    if predict:
        test = np.fromfile(f"{folder}/test_x.f32", np.float32).reshape(job["features"], -1).T
        told["auc"] = metrics.roc_auc_score(np.fromfile(f"{folder}/test_y.f32", np.float32), predict(test))
    print(json.dumps(told))


def measure(exe, folder, job, given):
    """One line per library: CPU seconds, binning alone, wall seconds, peak memory, AUC."""
    trees, leaves, threads = job["trees"], job["leaves"], job["threads"]
    same = {"trees": trees, "leaves": leaves, "learning_rate": 0.1, "l2": 0, "min_leaf": 20,
            "feature_fraction": 1, "bagging_fraction": 1}
    told = fit(exe, folder, [f"{k}={v}" for k, v in {**same, **given}.items()] + [f"threads={threads}"])
    margins = np.fromfile(f"{folder}/margins.f32", np.float32)
    told["auc"] = metrics.roc_auc_score(np.fromfile(f"{folder}/test_y.f32", np.float32), margins)
    # Binning alone: a run of one tree with two leaves, less a second one's tree.
    few = [fit(exe, folder, [f"trees={n}", "leaves=2", "feature_fraction=1", "bagging_fraction=1",
                             f"threads={threads}"])["cpu"] for n in (1, 11)]
    told["bins"] = max(few[0] - (few[1] - few[0]) / 10, 0)
    rows = {"ours": told}
    for name in PEERS:
        json.dump({**job, "name": name}, open(f"{folder}/peer.json", "w"))
        out = subprocess.run([sys.executable, __file__, "peer", folder], capture_output=True, text=True)
        if out.returncode == 0:
            rows[name] = json.loads(out.stdout.splitlines()[-1])
        else:
            print(f"{name}: not measured ({out.stderr.strip().splitlines()[-1]})")
    return rows


def tell(job, rows):
    print(f"\n{job['trees']} trees x {job['leaves']} leaves, {job['threads']} thread(s)")
    for name, r in rows.items():
        print(f"  {name:9s} cpu {r['cpu']:7.2f} s  bins {r['bins']:5.2f} s  wall {r['seconds']:7.2f} s  "
              f"peak {r['peak_mib']:4.0f} MiB  AUC {r['auc']:.5f}")
    peers_ = [r for name, r in rows.items() if name != "ours"]
    if not peers_:
        return
    ours_ = rows["ours"]
    best = min(peers_, key=lambda r: r["cpu"])
    ratio = lambda key, base: f"{ours_[key] / base[key]:.2f}"
    print(f"  ratios: cpu {ratio('cpu', best)} of the faster peer, wall {ratio('seconds', best)}, "
          f"AUC {ours_['auc'] - max(r['auc'] for r in peers_):+.5f} of the better")
    if "lightgbm" in rows:
        print(f"  of LightGBM: bins {ratio('bins', rows['lightgbm'])}, peak memory {ratio('peak_mib', rows['lightgbm'])}",
              flush=True)


def speed(exe, rest):
    rows, features, threads, shapes, given = 1_000_000, 28, [1, 2], [(100, 31), (500, 255)], {}
    for a in rest:
        name, _, value = a.partition("=")
        if name == "--rows":
            rows = int(value)
        elif name == "--features":
            features = int(value)
        elif name == "--threads":
            threads = [int(t) for t in value.split(",")]
        elif name == "--shapes":
            shapes = [tuple(map(int, shape.split("x"))) for shape in value.split(",")]
        else:
            given[name] = value
    x, y = synthetic(rows + 200_000, features)
    with tempfile.TemporaryDirectory() as folder:
        write(folder, {"features": features, "classes": 2, "categorical": ",".join("0" * features)},
              {"train": (x[:rows], y[:rows]), "test": (x[rows:], y[rows:])})
        del x, y
        for trees, leaves in shapes:
            for n in threads:
                job = {"features": features, "trees": trees, "leaves": leaves, "threads": n}
                tell(job, measure(exe, folder, job, given))


def busy(exe):
    os.environ.pop("OMP_WAIT_POLICY", None)
    x, y = synthetic(1_200_000, 28)
    job = {"features": 28, "trees": 100, "leaves": 31, "threads": 2}
    with tempfile.TemporaryDirectory() as folder:
        write(folder, {"features": 28, "classes": 2, "categorical": ",".join("0" * 28)},
              {"train": (x[:1_000_000], y[:1_000_000]), "test": (x[1_000_000:], y[1_000_000:])})
        del x, y
        alone = measure(exe, folder, job, {})
        spin = subprocess.Popen([sys.executable, "-c", "import os\nos.sched_setaffinity(0, [0])\nwhile True: pass"])
        try:
            beside = measure(exe, folder, job, {})
        finally:
            spin.kill()
    for name, row in alone.items():
        print(f"{name:9s} wall {row['seconds']:6.2f} s alone, {beside[name]['seconds']:6.2f} s beside a busy core: "
              f"{beside[name]['seconds'] / row['seconds']:.2f} x")


if __name__ == "__main__":
    if sys.argv[1] == "quality":
        quality(sys.argv[2], sys.argv[3], sys.argv[4:])
    elif sys.argv[1] == "cross":
        cross(sys.argv[2], sys.argv[3], sys.argv[4:])
    elif sys.argv[1] == "peer":
        peer(sys.argv[2])
    elif sys.argv[1] == "busy":
        busy(sys.argv[2])
    else:
        speed(sys.argv[2], sys.argv[3:])
