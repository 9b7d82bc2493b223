"""The model as a runtime of MLServer (Open Inference Protocol v2); needs onnxruntime only."""

import pathlib

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse

from scorer import Scorer


class OnnxModel(MLModel):
    async def load(self) -> bool:
        folder = pathlib.Path(__file__).parent
        self.scorer = Scorer(folder)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        columns = {}
        for tensor in payload.inputs:
            text = tensor.datatype == "BYTES"
            values = StringCodec.decode_input(tensor) if text else NumpyCodec.decode_input(tensor).ravel().tolist()
            columns[tensor.name] = values
        rows = max((len(values) for values in columns.values()), default=0)
        if any(len(values) != rows for values in columns.values()):
            raise ValueError("all inputs need one value for each row")
        records = [{name: values[row] for name, values in columns.items()} for row in range(rows)]
        for record in records:
            for name, value in record.items():
                record[name] = None if isinstance(value, float) and value != value else value
        answers = self.scorer.predict(records)
        classes = self.scorer.facts["classes"]
        if not classes:
            numbers = np.array([[answer["prediction"]] for answer in answers], np.float32)
            outputs = [NumpyCodec.encode_output("prediction", numbers)]
        else:
            p = [[answer["probabilities"][name] for name in classes] for answer in answers]
            outputs = [
                StringCodec.encode_output("label", [answer["prediction"] for answer in answers]),
                NumpyCodec.encode_output("probabilities", np.array(p, np.float32)),
            ]
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=outputs)
