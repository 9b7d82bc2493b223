"""Cuts the join of columns off an exported ONNX file, so that peers get one input [N, 28] as they would.

    matrix.py IN.onnx OUT.onnx
"""

import sys

import onnx
from onnx import TensorProto, helper

model = onnx.load(sys.argv[1])
graph = model.graph
tree = next(node for node in graph.node if node.op_type.startswith("TreeEnsemble"))
door = tree.input[0]
kept = [node for node in graph.node if door not in node.output and not any(name.startswith("f") for name in node.input)]
columns = len(graph.input)
del graph.node[:], graph.input[:]
graph.node.extend(kept)
graph.input.append(helper.make_tensor_value_info(door, TensorProto.FLOAT, ["N", columns]))
onnx.checker.check_model(model)
onnx.save(model, sys.argv[2])
