"""Classifies sequences with ONNX Runtime and NumPy alone.

python onnx_predict.py digits.onnx '[[[0, 1], [1, 1]], [[0, 0]]]'        sequences: a list of lists of steps
"""

import json
import sys

import numpy as np
import onnxruntime

path, text = sys.argv[1:]
sequences = [np.array(steps, np.float32) for steps in json.loads(text)]
lengths = np.array([len(steps) for steps in sequences])
padded = np.zeros((len(sequences), lengths.max(), sequences[0].shape[1]), np.float32)  # [batch, time, channels]
for row, steps in enumerate(sequences):
    padded[row, : len(steps)] = steps

session = onnxruntime.InferenceSession(path)
classes = json.loads(session.get_modelmeta().custom_metadata_map["classes"])
labels, probabilities = session.run(["labels", "probabilities"], {"sequences": padded, "lengths": lengths})
for label, row in zip(labels, probabilities, strict=True):
    print(label, json.dumps(dict(zip(classes, row.tolist(), strict=True))))
