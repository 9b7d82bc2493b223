"""Scores records with model.onnx; needs onnxruntime and numpy. A field that is absent or null is missing."""

import datetime
import json
import pathlib

import numpy as np
import onnxruntime

MISSING_INSTANT = -(2**63)
UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)


def instant(value):
    """Microseconds since 1970-01-01 UTC of ISO text or of a number of them."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return int(value)
    when = datetime.datetime.fromisoformat(value.strip().replace("Z", "+00:00"))
    when = when.replace(tzinfo=UTC) if when.tzinfo is None else when
    return (when - EPOCH) // datetime.timedelta(microseconds=1)


class Scorer:
    """The model of a folder that holds model.onnx and fields.json."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.facts = json.loads((folder / "fields.json").read_text(encoding="utf-8"))
        path = str(folder / "model.onnx")
        self.session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def cell(self, field, value):
        kind = field["type"]
        if isinstance(value, str):
            value = None if value.strip() in ["", *field["null_words"]] else value.strip()
        try:
            if kind in ("category", "text"):
                value = "" if value is None else str(value)
                return value.lower() if field["fold_case"] else value
            if kind == "datetime":
                return MISSING_INSTANT if value is None else instant(value)
            return float("nan") if value is None else float(value)
        except (TypeError, ValueError):
            raise ValueError(f"field {field['name']!r}: {value!r} is not of type {kind}") from None

    def predict(self, records):
        """Returns an answer for each record: prediction, probabilities by class, decision."""
        if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
            raise ValueError("expected a list of records")
        if not records:
            return []
        types = {"category": object, "text": object, "datetime": np.int64}
        feed = {}
        for field in self.facts["fields"]:
            cells = [self.cell(field, record.get(field["name"])) for record in records]
            feed[field["name"]] = np.array(cells, types.get(field["type"], np.float64)).reshape(-1, 1)
        names = [output.name for output in self.session.get_outputs()]
        out = dict(zip(names, self.session.run(None, feed)))
        classes = self.facts["classes"]
        if not classes:
            return [{"prediction": float(value)} for value in out["prediction"][:, 0]]
        answers = []
        for row, label in enumerate(out["label"][:, 0]):
            probabilities = dict(zip(classes, map(float, out["probabilities"][row])))
            answer = {"prediction": str(label), "probabilities": probabilities}
            if "decision" in out:
                answer["decision"] = bool(out["decision"][row, 0])
            answers.append(answer)
        return answers
