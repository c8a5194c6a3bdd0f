"""
KServe's own Python server with the model that train_iris.py wrote: `kserve_iris.py --model_file FILE` and the server's own
options. It speaks KServe v1 and the Open Inference Protocol v2.
"""

import argparse
import uuid

import joblib
import numpy
from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer, model_server


class Iris(Model):
    def __init__(self, name: str, file: str) -> None:
        super().__init__(name)
        self.model = joblib.load(file)
        self.ready = True

    def predict(self, payload, headers=None, response_headers=None):
        if not isinstance(payload, InferRequest):
            return {"predictions": self.model.predict(numpy.asarray(payload["instances"])).tolist()}
        species = self.model.predict(payload.inputs[0].as_numpy())
        output = InferOutput(name="predict", shape=list(species.shape), datatype="INT64", data=species.tolist())
        # The server refuses to write an answer without an id, though a request needs none.
        return InferResponse(
            response_id=payload.id or str(uuid.uuid4()),
            model_name=self.name,
            infer_outputs=[output],
            requested_outputs=payload.request_outputs,
            use_binary_outputs=payload.use_binary_outputs,
        )


parser = argparse.ArgumentParser(parents=[model_server.parser])
parser.add_argument("--model_file", required=True)
arguments, _ = parser.parse_known_args()

if __name__ == "__main__":
    ModelServer().start([Iris(arguments.model_name, arguments.model_file)])
