"""FastAPI with ONNX Runtime: what a user writes first. MODEL names an ONNX file with one input [N, 28]."""

import os

import numpy as np
import onnxruntime
from fastapi import FastAPI
from pydantic import BaseModel

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(os.environ["MODEL"], options)
source = session.get_inputs()[0].name
names = [f"f{index}" for index in range(28)]
app = FastAPI()


class Request(BaseModel):
    instances: list[dict[str, float | None]]


@app.get("/ready")
def ready():
    return {}


@app.post("/predict")
async def predict(request: Request):
    rows = [[np.nan if row[name] is None else row[name] for name in names] for row in request.instances]
    probabilities = session.run(["probabilities"], {source: np.array(rows, dtype=np.float32)})[0]
    return {"predictions": [{"no": float(row[0]), "yes": float(row[1])} for row in probabilities]}
