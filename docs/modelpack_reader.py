"""Scores tree models from a .modelpack with the standard library: python modelpack_reader.py M.modelpack
    (docs/modelpack.md: the format)"""
import hashlib, json, math, struct, sys, zipfile
from datetime import datetime, timezone

def f32(x): return x if x != x or math.isinf(x) else struct.unpack("<f", struct.pack("<f", x))[0]

def load(path):
    pack = zipfile.ZipFile(path)
    for entry in json.loads(pack.read("manifest.json"))["entries"]:
        assert hashlib.sha256(pack.read(entry["name"])).hexdigest() == entry["sha256"], entry["name"]
    model, recipe = (json.loads(pack.read(name)) for name in ("model.json", "recipe.json"))
    assert model["model"]["family"] == "trees" and not model["model"].get("sum"), "trees on a grid only"
    raw = pack.read("weights.safetensors")
    end = 8 + struct.unpack("<Q", raw[:8])[0]
    code = {"F32": "f4", "U32": "I4", "I32": "i4", "U8": "B1"}
    arrays = {name: struct.unpack("<%d%s" % ((b - a) // int(code[t["dtype"]][1]), code[t["dtype"]][0]), raw[end + a:end + b])
              for name, t in json.loads(raw[8:end]).items() for a, b in [t["data_offsets"]]}
    return model, recipe, arrays, map(json.loads, pack.read("golden.jsonl").splitlines())

def feature(op, field, value):  # NaN is a missing value
    if isinstance(value, str) and value.strip() in [""] + field["rules"]["null_words"]: value = None
    if op["op"] == "missing_flag": return float(value is None)
    if op["op"] == "code" and value is not None:
        return float({word: code for code, word in enumerate(field["categories"])}.get(str(value).strip(), len(field["categories"])))
    if value is None: return math.nan if op.get("fill") is None else f32(op["fill"])
    if op["op"] == "number": return f32(float(value))
    assert op["op"] == "date", "this reader knows no " + op["op"]
    when = datetime.fromisoformat(value.replace("Z", "+00:00")).astimezone(timezone.utc)
    return float(when.timetuple()[{"year": 0, "month": 1, "day": 2, "hour": 3, "weekday": 6, "day_of_year": 7}[op["part"]]])

def margins(model, recipe, a, request):
    x = [feature(op, recipe["inputs"][op["input"]], request.get(recipe["inputs"][op["input"]]["name"])) for op in recipe["features"]]
    out, node, leaf, word = list(a["base"]), 0, 0, 0
    for output, nodes, words in zip(a["tree.output"], a["tree.nodes"], a["tree.words"]):
        at, sets = 0 if nodes else -1, a["category.words"][word:word + words]
        while at >= 0:
            value, split, flags = x[a["node.feature"][node + at]], a["node.threshold"][node + at], a["node.flags"][node + at]
            if value != value: left = flags & 1
            elif flags & 2: left = value < 32 * sets[int(split)] and sets[int(split) + 1 + int(value) // 32] >> int(value) % 32 & 1
            else: left = value <= split
            at = a["node.left" if left else "node.right"][node + at]
        out[output] += a["leaf.value"][leaf - at - 1]  # exact: all leaves lie on one grid
        node, leaf, word = node + nodes, leaf + nodes + 1, word + words
    return [f32(math.exp(margin) if model["link"] == "log" else margin) for margin in out]

if __name__ == "__main__":
    model, recipe, arrays, golden = load(sys.argv[1])
    equal = [margins(model, recipe, arrays, example["request"]) == example["margins"] for example in golden]
    sys.exit(print(f"{sum(equal)} of {len(equal)} golden examples have equal margins") or not all(equal))
