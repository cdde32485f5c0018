"""Embeds the JSON list of texts on stdin: the usual way to call a sentence model from Python.

usage: python -c … MODEL_DIRECTORY THREADS VECTORS_FILE; prints texts per second
"""

import json
import sys
import time

import numpy
import onnxruntime
import tokenizers

directory, threads, target = sys.argv[1:]
texts = json.load(sys.stdin)
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(threads)
session = onnxruntime.InferenceSession(f"{directory}/model.onnx", options, providers=["CPUExecutionProvider"])
wanted = {entry.name for entry in session.get_inputs()}
tokenizer = tokenizers.Tokenizer.from_file(f"{directory}/tokenizer.json")
tokenizer.no_padding()
tokenizer.enable_truncation(256)


def embed(chosen, batch=32):
    encoded = [encoding.ids for encoding in tokenizer.encode_batch(chosen)]
    order = sorted(range(len(chosen)), key=lambda place: len(encoded[place]))
    found = None
    for start in range(0, len(order), batch):
        places = order[start : start + batch]
        longest = max(len(encoded[place]) for place in places)
        ids = numpy.zeros((len(places), longest), numpy.int64)
        mask = numpy.zeros_like(ids)
        for row, place in enumerate(places):
            ids[row, : len(encoded[place])] = encoded[place]
            mask[row, : len(encoded[place])] = 1
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": numpy.zeros_like(ids)}
        inputs = {name: value for name, value in inputs.items() if name in wanted}
        tokens = session.run(None, inputs)[0]
        mean = (tokens * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
        mean /= numpy.linalg.norm(mean, axis=1, keepdims=True)
        if found is None:
            found = numpy.zeros((len(chosen), mean.shape[1]), numpy.float32)
        found[places] = mean
    return found


embed(texts[:64])
begun = time.perf_counter()
vectors = embed(texts)
seconds = time.perf_counter() - begun
vectors.tofile(target)
print(len(texts) / seconds)
