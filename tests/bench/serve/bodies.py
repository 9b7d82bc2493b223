"""Rows, and how each server wants them. Bodies go to the load generator in one file."""

import csv
import json
import random
import struct

FIELDS = [f"f{index}" for index in range(28)]


def table(path, seed, missing=False, rows=20_000, words=False):
    """A binary target of 28 numbers; with `missing` a fifth of the first field is absent, with `words` it is words."""
    own = random.Random(seed)
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(FIELDS + ["target"])
        for _ in range(rows):
            x = [round(own.gauss(0, 1), 4) for _ in FIELDS]
            z = x[0] + x[1] * x[2] + x[3] / 2 - x[4] ** 2 / 2 + own.gauss(0, 1)
            if missing and own.random() < 0.2:
                x[0] = ""
            if words:
                x[0] = f"w{own.randrange(5)}"
            writer.writerow(x + ["yes" if z > 0 else "no"])


def rows(count, seed=7, words=0.0):
    own = random.Random(seed)
    out = [{name: round(own.gauss(0, 1), 4) for name in FIELDS} for _ in range(count)]
    for row in out:
        if own.random() < words:
            row["f0"] = "w1"
    return out


def compact(value):
    return json.dumps(value, separators=(",", ":")).encode()


def records(row, request_id=None):
    body = {"instances": row if isinstance(row, list) else [row]}
    return compact({"request_id": request_id, **body} if request_id else body)


def split_frame(row):
    return compact({"dataframe_split": {"columns": FIELDS, "data": [[row[name] for name in FIELDS]]}})


def tensor(row):
    data = [row[name] for name in FIELDS]
    return compact({"inputs": [{"name": "x", "shape": [1, 28], "datatype": "FP32", "data": data}]})


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def grpc(model, row):
    """`ModelInferRequest` with raw contents, one FP64 input for each field."""
    out = field(1, model.encode())
    for name in FIELDS:
        shape = field(3, varint(1) + varint(1))
        out += field(5, field(1, name.encode()) + field(2, b"FP64") + shape)
    for name in FIELDS:
        out += field(7, struct.pack("<d", row[name]))
    return out


def write(path, bodies):
    with open(path, "wb") as file:
        for body in bodies:
            file.write(struct.pack(">I", len(body)) + body)
    return path
