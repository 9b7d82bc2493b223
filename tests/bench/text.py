"""Text classification: `modelyard train --family linear` (or the family in the variable FAMILY) against scikit-learn's TF-IDF + logistic regression.

    cargo build --release -p modelyard
    python text.py target/release/modelyard FOLDER [NAME ...]

FOLDER holds sms_spam.csv (UCI SMS Spam Collection: label, text) and banking77.csv (PolyAI BANKING77: text,
category), and folds/NAME.csv (row, fold); fold 0 tests. Modelyard takes a quarter of the other rows for
validation (it chooses the penalty on them), scikit-learn trains on all of them with C=10. One thread each;
CPU seconds of the process, reading included. Needs scikit-learn and pandas.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile

import pandas as pd

TARGETS = {"sms_spam": "label", "banking77": "category"}

PEER = """
import sys, json, pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
path, target = sys.argv[1:]
data = pd.read_csv(path)
train, test = data[data.set == "train"], data[data.set == "test"]
terms = TfidfVectorizer(ngram_range=(1, 2))
model = LogisticRegression(C=10, max_iter=1000).fit(terms.fit_transform(train.text), train[target])
p = model.predict_proba(terms.transform(test.text))
auc = roc_auc_score(test[target], p[:, 1]) if p.shape[1] == 2 else roc_auc_score(test[target], p, multi_class="ovr")
print(json.dumps(dict(accuracy=accuracy_score(test[target], model.classes_[p.argmax(1)]),
                      log_loss=log_loss(test[target], p), roc_auc=auc)))
"""


def run(command):
    """Returns standard output and the CPU seconds of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return out.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def ours(modelyard, data, target, folder):
    project = os.path.join(folder, "p.modelyard")
    run([modelyard, "new", project, "--data", data, "--target", target, "--split-column", "set", "--json"])
    text, seconds = run([modelyard, "train", project, "--family", os.environ.get("FAMILY", "linear"), "--threads", "1", "--json"])
    metrics = json.loads(text)["metrics"]["test"]
    value = lambda name: metrics[name]["value"] if isinstance(metrics[name], dict) else metrics[name]
    return {name: value(name) for name in ("accuracy", "log_loss", "roc_auc")}, seconds


def main():
    modelyard, source, *names = sys.argv[1:]
    for name in names or TARGETS:
        with tempfile.TemporaryDirectory() as folder:
            data = pd.read_csv(f"{source}/{name}.csv").drop(columns="part", errors="ignore")
            fold = pd.read_csv(f"{source}/folds/{name}.csv").sort_values("row").fold
            data["set"] = ["test" if own == 0 else "train" for own in fold]
            path = os.path.join(folder, "data.csv")
            data.to_csv(path, index=False)
            own, own_seconds = ours(os.path.abspath(modelyard), path, TARGETS[name], folder)
            text, peer_seconds = run([sys.executable, "-c", PEER, path, TARGETS[name]])
            for who, figures, seconds in (
                ("modelyard", own, own_seconds),
                ("scikit-learn", json.loads(text), peer_seconds),
            ):
                line = " ".join(f"{key} {value:.4f}" for key, value in figures.items())
                print(f"{name:10} {who:13} {line} cpu {seconds:.1f} s", flush=True)


if __name__ == "__main__":
    os.environ.update({"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"})
    main()
