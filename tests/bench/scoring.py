"""Speed of `yard_score` on boosted trees against LightGBM, XGBoost, ONNX Runtime, lleaves, tl2cgen and shap.

    cargo build --release -p yard_score --example scoring
    python scoring.py target/release/examples/scoring [--rows=N] [--trees=N] [--leaves=N] [--seconds=S]

LightGBM grows a model of 100 trees × 31 leaves on 28 features; thresholds are rounded down to f32 and leaf
values to a grid, which all but XGBoost (a model of its own, of the same size) then score. One thread each,
data in memory as f32, rows per CPU second of the process, the best of several runs. Needs numpy, lightgbm;
peers which are not installed are left out: xgboost, onnxruntime with onnxmltools, lleaves, treelite with
tl2cgen (and a C compiler), shap.
"""

import json
import os
import subprocess
import sys
import tempfile
import time

os.environ.update({"OMP_WAIT_POLICY": "passive", "OMP_NUM_THREADS": "1", "TREELITE_BIND_THREADS": "0"})
import lightgbm
import numpy as np

from boosting import synthetic

FEATURES = 28
BACKGROUND = 100


def cpu():
    return time.process_time()


def rate(run, rows, seconds):
    """Rows per CPU second, the best of runs that last about `seconds` together."""
    run()
    best, start = 0.0, time.time()
    while not best or time.time() - start < seconds:
        before = cpu()
        repeats = 0
        while cpu() - before < 0.3:
            run()
            repeats += 1
        best = max(best, rows * repeats / (cpu() - before))
    return best


def latency(run, rows, count=5000):
    """p50 and p99 in nanoseconds of calls with one row."""
    times = []
    for i in range(count):
        row = rows[i : i + 1]
        start = time.perf_counter_ns()
        run(row)
        times.append(time.perf_counter_ns() - start)
    times.sort()
    return times[count // 2], times[count * 99 // 100]


def down(threshold):
    """The largest f32 that is not above: `x <= t` stays the same for every f32."""
    t = np.float32(min(max(threshold, -3e38), 3e38))
    return t if t <= threshold else np.nextafter(t, np.float32(-np.inf))


def on_grid(booster):
    """The same model with f32 thresholds and leaf values on a grid."""
    text, total = [], 0.0
    for line in booster.model_to_string().split("\n"):
        if line.startswith("leaf_value="):
            total += max(abs(float(v)) for v in line[11:].split())
        text.append(line)
    grid = 2.0 ** (int(np.ceil(np.log2(total))) - 24)
    for i, line in enumerate(text):
        if line.startswith("leaf_value="):
            text[i] = "leaf_value=" + " ".join(repr(round(float(v) / grid) * grid) for v in line[11:].split())
        elif line.startswith("threshold="):
            text[i] = "threshold=" + " ".join(repr(float(down(float(v)))) for v in line[10:].split())
    # Sizes of trees are stated in bytes ahead; without them the text is parsed to its end.
    text = [line for line in text if not line.startswith("tree_sizes=")]
    return lightgbm.Booster(model_str="\n".join(text)), grid


def ours(booster, grid):
    trees = []
    for info in booster.dump_model()["tree_info"]:
        tree = {k: [] for k in ("feature", "threshold", "left", "right", "flags", "gain", "node_cover",
                                "leaf_value", "leaf_cover", "category_words")}
        tree["output"] = 0

        def visit(node):
            if "leaf_value" in node:
                tree["leaf_value"].append(node["leaf_value"])
                tree["leaf_cover"].append(node.get("leaf_count", 1))
                return -len(tree["leaf_value"])
            at = len(tree["feature"])
            for key, value in (("feature", node["split_feature"]), ("threshold", node["threshold"]),
                               ("left", 0), ("right", 0), ("flags", int(node["default_left"])),
                               ("gain", node["split_gain"]), ("node_cover", node["internal_count"])):
                tree[key].append(value)
            tree["left"][at] = visit(node["left_child"])
            tree["right"][at] = visit(node["right_child"])
            return at

        visit(info["tree_structure"])
        trees.append(tree)
    return {"n_features": FEATURES, "base": [0.0], "grid": grid, "trees": trees}


def lleaves_(booster, folder):
    import lleaves

    path = f"{folder}/model.txt"
    booster.save_model(path)
    start = time.time()
    model = lleaves.Model(model_file=path)
    model.compile()
    compiled = time.time() - start
    predict = lambda x: model.predict(x, n_jobs=1)
    return predict, f"compiled in {compiled:.1f} s"


def onnx_(booster, folder):
    import onnxruntime
    from onnxmltools import convert_lightgbm
    from onnxmltools.convert.common.data_types import FloatTensorType

    model = convert_lightgbm(booster, initial_types=[("x", FloatTensorType([None, FEATURES]))], zipmap=False,
                             target_opset=15)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    name = session.get_outputs()[-1].name
    return lambda x: session.run([name], {"x": x})[0][:, -1], ""


def tl2cgen_(booster, folder):
    import tl2cgen
    import treelite

    start = time.time()
    model = treelite.frontend.from_lightgbm(booster)
    tl2cgen.export_lib(model, toolchain="gcc", libpath=f"{folder}/model.so", params={"parallel_comp": 4})
    predictor = tl2cgen.Predictor(f"{folder}/model.so", nthread=1)
    compiled = time.time() - start
    return lambda x: predictor.predict(tl2cgen.DMatrix(x))[:, 0, 0], f"compiled in {compiled:.1f} s"


def lightgbm_(booster, folder):
    return lambda x: booster.predict(x, num_threads=1), ""


def xgboost_(data, trees, leaves):
    import xgboost

    x, y = data
    params = {"objective": "binary:logistic", "tree_method": "hist", "grow_policy": "lossguide", "max_depth": 0,
              "max_leaves": leaves, "eta": 0.1, "nthread": 1, "min_child_weight": 20}
    model = xgboost.train(params, xgboost.DMatrix(x, y), trees)
    return model, lambda x: model.inplace_predict(x)


def tell(name, values):
    print(f"{name:14s} " + "  ".join(values), flush=True)


def scoring(booster, data, rows, told, folder, options):
    """Batches and single rows."""
    expected = booster.predict(rows[:5000], num_threads=1)
    rates, best = {}, None
    for name, make in (("lleaves", lleaves_), ("tl2cgen", tl2cgen_), ("ONNX Runtime", onnx_),
                       ("LightGBM", lightgbm_), ("XGBoost", None)):
        try:
            if make:
                predict, note = make(booster, folder)
                apart = f"|difference| {np.abs(predict(rows[:5000]) - expected).max():.1e}"
            else:
                predict, note, apart = xgboost_(data, options["trees"], options["leaves"])[1], "", "own model"
        except ImportError as missing:
            tell(name, [f"left out: {missing}"])
            continue
        some = rows[: min(len(rows), 200_000)] if name in ("LightGBM", "ONNX Runtime") else rows
        rates[name] = rate(lambda: predict(some), len(some), options["seconds"])
        p50, p99 = latency(predict, rows)
        tell(name, [f"{rates[name]:12,.0f} rows/CPU s", f"one row p50 {p50 / 1000:.1f} µs, p99 {p99 / 1000:.1f} µs",
                    apart, note])
    best = max(rates, key=rates.get)
    tell("Modelyard", [f"{told['batch']:12,.0f} rows/CPU s", f"one row p50 {told['p50_ns'] / 1000:.2f} µs, p99 "
                       f"{told['p99_ns'] / 1000:.2f} µs", f"ready in {told['load_ns'] / 1e6:.1f} ms",
                       f"from a table of f64 columns {told['table']:,.0f} rows/CPU s"])
    print(f"batch: {told['batch'] / rates[best]:.2f} × the fastest ({best})", flush=True)


def explaining(booster, data, rows, told, folder, options):
    some = rows[:500]
    peers = {"LightGBM": (lambda: booster.predict(some, pred_contrib=True, num_threads=1))}
    try:
        import shap

        raw = [tree_arrays(tree) for tree in json.load(open(f"{folder}/model.json"))["trees"]]
        path = shap.TreeExplainer({"trees": raw}, feature_perturbation="tree_path_dependent")
        background = np.fromfile(f"{folder}/background.f32", np.float32).reshape(-1, FEATURES).astype(float)
        against = shap.TreeExplainer({"trees": raw}, background, feature_perturbation="interventional")
        wide = some.astype(float)
        peers["shap"] = lambda: path.shap_values(wide, check_additivity=False)
        peers["shap, interventional"] = lambda: against.shap_values(wide[:20], check_additivity=False)
    except ImportError as missing:
        tell("shap", [f"left out: {missing}"])
    try:
        import xgboost

        model, _ = xgboost_(data, options["trees"], options["leaves"])
        matrix = xgboost.DMatrix(some)
        peers["XGBoost"] = lambda: model.predict(matrix, pred_contribs=True)
    except ImportError as missing:
        tell("XGBoost", [f"left out: {missing}"])
    rates = {}
    for name, run in peers.items():
        count = 20 if "interventional" in name else len(some)
        rates[name] = rate(run, count, options["seconds"])
        tell(name, [f"{rates[name]:12,.0f} rows explained/CPU s"])
    values = np.fromfile(f"{folder}/shap.f64").reshape(-1, FEATURES)
    peer = booster.predict(some, pred_contrib=True, num_threads=1)
    tell("Modelyard", [f"{told['shap']:12,.0f} rows explained/CPU s",
                       f"largest |difference| to LightGBM {np.abs(values[: len(some)] - peer[:, :-1]).max():.1e}"])
    tell("", [f"{told['interventional']:12,.0f} rows explained/CPU s, interventional, {BACKGROUND} background rows"])
    against_ = rates.pop("shap, interventional", None)
    best = max(rates, key=rates.get)
    print(f"TreeSHAP: {told['shap'] / rates[best]:.1f} × the fastest ({best})", flush=True)
    if against_:
        other = np.fromfile(f"{folder}/interventional.f64").reshape(-1, FEATURES)
        apart = np.abs(other[:20] - peers["shap, interventional"]()).max()
        print(f"interventional: {told['interventional'] / against_:.1f} × shap, |difference| {apart:.1e}")


def tree_arrays(tree):
    n, m = len(tree["feature"]), len(tree["leaf_value"])
    child = lambda side: np.array([c if c >= 0 else n - c - 1 for c in tree[side]] + [-1] * m)
    return {
        "children_left": child("left"), "children_right": child("right"),
        "children_default": np.where(np.array(tree["flags"] + [0] * m) % 2 == 1, child("left"), child("right")),
        "features": np.array(tree["feature"] + [-1] * m),
        "thresholds": np.array(tree["threshold"] + [-1.0] * m, float),
        "values": np.array([0.0] * n + tree["leaf_value"])[:, None],
        "node_sample_weight": np.array(tree["node_cover"] + tree["leaf_cover"], float),
    }


def main():
    options = {"rows": 1_000_000, "trees": 100, "leaves": 31, "seconds": 3.0}
    for a in sys.argv[2:]:
        key, value = a.lstrip("-").split("=")
        options[key] = type(options[key])(value)
    x, y = synthetic(200_000 + options["rows"], FEATURES)
    x[np.random.default_rng(1).random(x.shape) < 0.01] = np.nan
    data, rows = (x[:200_000], y[:200_000]), np.ascontiguousarray(x[200_000:])
    params = {"objective": "binary", "num_leaves": options["leaves"], "learning_rate": 0.1, "verbose": -1,
              "num_threads": 1, "max_bin": 255}
    booster, grid = on_grid(lightgbm.train(params, lightgbm.Dataset(*data), options["trees"]))
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/model.json", "w") as f:
            json.dump(ours(booster, grid), f)
        rows.tofile(f"{folder}/rows.f32")
        data[0][:BACKGROUND].tofile(f"{folder}/background.f32")
        out = subprocess.run([sys.argv[1], folder, str(options["seconds"])], capture_output=True, text=True, check=True)
        told = json.loads(out.stdout)
        margins = np.fromfile(f"{folder}/margins.f32", np.float32)[:100_000]
        apart = np.abs(margins - booster.predict(rows[:100_000], raw_score=True, num_threads=1)).max()
        print(f"{options['trees']} trees × {options['leaves']} leaves, {len(rows):,} rows × {FEATURES}; largest "
              f"|difference| of a margin to LightGBM {apart:.1e}", flush=True)
        scoring(booster, data, rows, told, folder, options)
        explaining(booster, data, rows, told, folder, options)


if __name__ == "__main__":
    main()
