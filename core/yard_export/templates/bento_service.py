"""The model as a BentoML service; needs onnxruntime only. POST /predict {"instances": [{FIELD: value, ..}, ..]}"""

import pathlib

import bentoml

from scorer import Scorer


@bentoml.service(name="MODEL_NAME", traffic={"timeout": 30})
class Model:
    def __init__(self):
        self.scorer = Scorer(pathlib.Path(__file__).parent)

    @bentoml.api
    def predict(self, instances: list[dict]) -> list[dict]:
        try:
            return self.scorer.predict(instances)
        except ValueError as error:
            raise bentoml.exceptions.InvalidArgument(str(error)) from None
