"""Talks to a running server with Triton's own Python client, over HTTP and over gRPC.

Usage: serving.py STORE MODEL   (STORE is the folder of a server started with --grpc; it serves MODEL)
Needs: pip install "tritonclient[grpc,http]"

Checks: live, ready, metadata, tensors as JSON, as bytes and as gRPC raw contents, outputs as JSON and as
bytes, that all of them give the same bits, repository index, statistics, unload and load, and refusals.
"""

import json
import pathlib
import sys

import numpy as np
import tritonclient.grpc as tg
import tritonclient.http as th
from tritonclient.utils import InferenceServerException, triton_to_np_dtype

ROWS = 64


def column(kind, index):
    """Values for an input; NaN and the empty text are missing values."""
    if kind == "BYTES":
        words = ["basic", "pro", "never seen", ""]
        return np.array([[words[(row + index) % 4].encode()] for row in range(ROWS)], dtype=object)
    values = [[(row * 7 + index * 3) % 41 - 20] for row in range(ROWS)]
    if kind == "BOOL":
        return np.array([[row % 2 == 0] for row in range(ROWS)])
    array = np.array(values, dtype=triton_to_np_dtype(kind))
    if kind.startswith("FP"):
        array[3, 0] = np.nan
    return array


def inputs_of(module, metadata, finite, **binary):
    inputs = []
    for index, meta in enumerate(metadata["inputs"]):
        kind = meta["datatype"]
        array = column(kind, index)
        if finite and kind.startswith("FP"):
            array = np.nan_to_num(array)
        if kind == "BYTES" and index == len(metadata["inputs"]) - 1:
            array = np.array([[b"2024-01-31"]] * ROWS, dtype=object)
        own = module.InferInput(meta["name"], list(array.shape), kind)
        own.set_data_from_numpy(array, **binary)
        inputs.append(own)
    return inputs


def main():
    store, model = pathlib.Path(sys.argv[1]), sys.argv[2]
    server = json.loads((store / "server.json").read_text())
    token = pathlib.Path(server["tokens"]["manage"]).read_text().strip()

    def headers():
        # The HTTP client writes into the mapping it is given, so that each call needs its own.
        return {"authorization": f"Bearer {token}"}

    http = th.InferenceServerClient(server["url"].removeprefix("http://"))
    grpc = tg.InferenceServerClient(server["grpc"])

    for client in (http, grpc):
        assert client.is_server_live(headers=headers())
        assert client.is_server_ready(headers=headers())
        assert client.is_model_ready(model, headers=headers())
    assert grpc.is_server_live() and http.is_server_live()
    metadata = http.get_model_metadata(model, headers=headers())
    same = grpc.get_model_metadata(model, headers=headers(), as_json=True)
    assert [own["name"] for own in metadata["inputs"]] == [own["name"] for own in same["inputs"]]
    assert [own["datatype"] for own in metadata["outputs"]] == [own["datatype"] for own in same["outputs"]]
    about = http.get_server_metadata(headers=headers())
    assert about["extensions"] == grpc.get_server_metadata(headers=headers(), as_json=True)["extensions"]

    names = [own["name"] for own in metadata["outputs"]]
    seen = {}
    for finite in (True, False):
        answers = {}
        answers["gRPC"] = grpc.infer(model, inputs_of(tg, metadata, finite), headers=headers())
        answers["HTTP bytes"] = http.infer(
            model, inputs_of(th, metadata, finite, binary_data=True), headers=headers())
        some = [th.InferRequestedOutput(name, binary_data=at % 2 == 0) for at, name in enumerate(names)]
        answers["HTTP bytes, outputs mixed"] = http.infer(
            model, inputs_of(th, metadata, finite, binary_data=True), outputs=some, headers=headers())
        if finite:  # JSON has no NaN
            plain = [th.InferRequestedOutput(name, binary_data=False) for name in names]
            answers["HTTP JSON"] = http.infer(
                model, inputs_of(th, metadata, finite, binary_data=False), outputs=plain, headers=headers())
        for name in names:
            reference = answers["gRPC"].as_numpy(name)
            assert reference.shape[0] == ROWS
            for way, answer in answers.items():
                own = answer.as_numpy(name)
                text = own.dtype == object
                left = [str(x) if isinstance(x, str) else x.decode() for x in own.ravel()] if text else own.tobytes()
                right = [x.decode() for x in reference.ravel()] if text else reference.tobytes()
                assert left == right, (way, name)
                seen[way] = seen.get(way, 0) + 1

    one = grpc.infer(model, inputs_of(tg, metadata, True), request_id="r-7", headers=headers(),
                     outputs=[tg.InferRequestedOutput(names[0])], client_timeout=30)
    assert one.get_response().id == "r-7" and len(one.get_response().outputs) == 1

    for client in (http, grpc):
        for call, word in [
            (lambda: client.infer("nobody", inputs_of(th if client is http else tg, metadata, True), headers=headers()), "unknown"),
            (lambda: client.infer(model, inputs_of(th if client is http else tg, metadata, True)[1:], headers=headers()), "missing"),
            (lambda: client.get_model_metadata(model), "token"),
        ]:
            try:
                call()
            except InferenceServerException as error:
                assert word in str(error), error
            else:
                raise AssertionError(word)

    stats = grpc.get_inference_statistics(model, headers=headers(), as_json=True)["model_stats"]
    same = http.get_inference_statistics(model, headers=headers())["model_stats"]
    assert int(stats[0]["inference_count"]) == same[0]["inference_count"] > 0
    assert http.get_model_repository_index(headers=headers())[0]["state"] == "READY"
    for client in (http, grpc):
        client.unload_model(model, headers=headers())
        assert not client.is_model_ready(model, headers=headers())
        client.load_model(model, headers=headers())
        assert client.is_model_ready(model, headers=headers())
    index = grpc.get_model_repository_index(headers=headers(), as_json=True)["models"]
    assert index[0]["name"] == model and index[0]["state"] == "READY"
    print("tritonclient: outputs with the same bits:", ", ".join(f"{way} {count}" for way, count in seen.items()))


if __name__ == "__main__":
    main()
