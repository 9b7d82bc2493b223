"""Imports ONNX models that other tools wrote and compares the margins with ONNX Runtime's answers.

    python imports_onnx.py --imported PATH [--rows N]

PATH is the example `imported` of yard_export. Needs scikit-learn, skl2onnx, onnxmltools, xgboost, onnxruntime."""

import argparse
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
import xgboost
from onnx import TensorProto, helper, numpy_helper
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.pipeline import make_pipeline

FEATURES = 6


def data(seed, rows):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, FEATURES)).astype(np.float32)
    z = x[:, 0] + x[:, 1] ** 2 - np.abs(x[:, 2]) + 0.3 * rng.normal(size=rows)
    return x, z


def sklearn_model(model, x, y):
    from skl2onnx import to_onnx

    options = {"zipmap": False} if hasattr(model, "predict_proba") else None
    return to_onnx(model.fit(x, y), x[:1], options=options).SerializeToString()


def xgboost_model(model, x, y):
    from onnxmltools.convert import convert_xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType

    return convert_xgboost(model.fit(x, y), initial_types=[("x", FloatTensorType([None, FEATURES]))]).SerializeToString()


def layers(seed, end, outputs, image):
    """A net of layers as a trainer would export it."""
    rng = np.random.default_rng(seed)
    draw = lambda *sizes: (rng.normal(size=sizes) * 0.4).astype(np.float32)
    nodes, constants = [], []

    def node(operator, data, *arrays, **attributes):
        names = [f"c{len(constants) + at}" for at in range(len(arrays))]
        constants.extend(numpy_helper.from_array(array, name) for name, array in zip(names, arrays))
        nodes.append(helper.make_node(operator, [data, *names], [f"n{len(nodes)}"], **attributes))
        return f"n{len(nodes) - 1}"

    x = "x"
    if image:
        x = node("Reshape", x, np.array([-1, 1, 2, 3], np.int64))
        x = node("Conv", x, draw(4, 1, 3, 3), draw(4), pads=[1, 1, 1, 1])
        x = node("Relu", x)
        x = node("BatchNormalization", x, draw(4), draw(4), draw(4), np.abs(draw(4)) + 1)
        x = node("GlobalAveragePool", x)
        x = node("Flatten", x)
        width = 4
    else:
        x = node("Gemm", x, draw(16, FEATURES), draw(16), transB=1)
        x = node("LayerNormalization", x, draw(16), draw(16), axis=-1)
        x = node("Gelu", x)
        width = 16
    x = node("MatMul", x, draw(width, outputs))
    x = node("Add", x, draw(outputs))
    if end:
        x = node(end, x)
    graph = helper.make_graph(nodes, "net", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, FEATURES])],
                              [helper.make_tensor_value_info(x, TensorProto.FLOAT, [None, outputs])], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def models():
    x, z = data(1, 2_000)
    three = np.digitize(z, [-0.5, 1])
    yield "logistic regression (scikit-learn)", sklearn_model(LogisticRegression(), x, z > 0), "logistic"
    yield "softmax regression (scikit-learn)", sklearn_model(LogisticRegression(), x, three), "softmax"
    yield "linear regression (scikit-learn)", sklearn_model(LinearRegression(), x, z), "identity"
    scaled = make_pipeline(StandardScaler(), LogisticRegression())
    yield "scaler and regression (scikit-learn)", sklearn_model(scaled, x, z > 0), "logistic"
    settings = {"n_estimators": 40, "max_depth": 5}
    yield "trees, binary (XGBoost)", xgboost_model(xgboost.XGBClassifier(**settings), x, (z > 0).astype(int)), "logistic"
    yield "trees, 3 classes (XGBoost)", xgboost_model(xgboost.XGBClassifier(**settings), x, three), "softmax"
    yield "trees, regression (XGBoost)", xgboost_model(xgboost.XGBRegressor(**settings), x, z), "identity"
    yield "layers, regression", layers(1, None, 1, False), "identity"
    yield "layers, binary", layers(2, "Sigmoid", 1, False), "logistic"
    yield "layers, 3 classes", layers(3, "Softmax", 3, False), "softmax"
    yield "convolutions, 3 classes", layers(4, "Softmax", 3, True), "softmax"


def probabilities(margins, link):
    margins = margins.astype(float)
    if link == "logistic":
        p = 1 / (1 + np.exp(-margins))
        return np.hstack([1 - p, p])
    if link == "softmax":
        e = np.exp(margins - margins.max(1, keepdims=True))
        return e / e.sum(1, keepdims=True)
    return margins


def check(imported, folder, model, link, rows):
    x, _ = data(2, rows)
    files = [os.path.join(folder, name) for name in ("model.onnx", "rows.csv", "margins")]
    with open(files[0], "wb") as file:
        file.write(model)
    header = ",".join(f"x{at}" for at in range(FEATURES))
    np.savetxt(files[1], x.astype(float), "%.17g", ",", header=header, comments="")
    subprocess.run([imported, *files], check=True, capture_output=True)
    margins = np.fromfile(files[2], np.float32).reshape(rows, -1)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    out = [value for value in session.run(None, {session.get_inputs()[0].name: x}) if value.dtype == np.float32][-1]
    want, got = out.reshape(rows, -1), probabilities(margins, link)
    got = got[:, -1:] if want.shape[1] == 1 and got.shape[1] == 2 else got
    return float(np.max(np.abs(want - got)) / max(1.0, float(np.max(np.abs(want)))))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--imported", required=True)
    parser.add_argument("--rows", type=int, default=10_000)
    args = parser.parse_args()
    failed = 0
    for name, model, link in models():
        with tempfile.TemporaryDirectory() as folder:
            try:
                apart = check(args.imported, folder, model, link, args.rows)
                text, ok = f"{args.rows} rows within {apart:.1e}", apart <= 2e-6
            except subprocess.CalledProcessError as error:
                text, ok = error.stderr.decode()[:300], False
        failed += not ok
        print(name, text, "green" if ok else "red", sep=" | ", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
