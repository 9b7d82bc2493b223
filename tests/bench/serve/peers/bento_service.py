"""BentoML service over ONNX Runtime. MODEL names an ONNX file with one input [N, 28]."""

import os

import bentoml
import numpy as np
import onnxruntime

names = [f"f{index}" for index in range(28)]


@bentoml.service(workers=1)
class Model:
    def __init__(self):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(os.environ["MODEL"], options)
        self.source = self.session.get_inputs()[0].name

    @bentoml.api
    def predict(self, instances: list[dict[str, float | None]]) -> dict:
        rows = [[np.nan if row[name] is None else row[name] for name in names] for row in instances]
        probabilities = self.session.run(["probabilities"], {self.source: np.array(rows, dtype=np.float32)})[0]
        return {"predictions": [{"no": float(row[0]), "yes": float(row[1])} for row in probabilities]}
