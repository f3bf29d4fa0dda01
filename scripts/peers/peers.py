"""Measures other scorers on the benchmark's own work: llama.cpp and transformers.

    peers.py llama|transformers|matrix MODEL.gguf WORK.json

Prints one JSON line for each shape of the work and each way of doing it. A way
that fails prints a line with "error", and the others still run.
"""

import copy
import ctypes
import hashlib
import json
import os
import statistics
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

# No hub is asked for anything, and standard output and error stay free of bars.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TQDM_DISABLE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

WARM_UP = 4  # items


def say(**row):
    print(json.dumps(row), flush=True)


@contextmanager
def alone(shape, way):
    """What fails inside says so in its row, and the rest goes on."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 (whatever it is that the peers raise)
        say(shape=shape, way=way, error=f"{type(error).__name__}: {error}")


class Item(NamedTuple):
    """Tokens after the shared beginning; from row `first` on they predict `answer`."""

    tokens: list
    first: int
    answer: list


class Shape:
    """One shape of the work: the beginning that all items share, and what differs."""

    def __init__(self, name, items):
        self.name = name
        befores = [item["before"] for item in items]
        if not items or not all(item["before"] and item["answer"] for item in items):
            raise ValueError(
                "there must be items, each with tokens before its answer and an answer"
            )
        # The last token before an answer predicts its first one, so every item
        # computes at least that token itself.
        shared = min(map(len, befores)) - 1
        self.prefix = list(os.path.commonprefix(befores)[:shared])
        self.items = []
        for item in items:
            tail = item["before"][len(self.prefix) :]
            # The answer's last token predicts nothing that is asked for.
            self.items.append(Item(tail + item["answer"][:-1], len(tail) - 1, item["answer"]))
        self.longest = max(len(item.tokens) for item in self.items)

    def tokens(self, count):
        """How many tokens one round over the first items computes."""
        return len(self.prefix) + sum(len(item.tokens) for item in self.items[:count])


class Option(NamedTuple):
    """One way to batch: so many items at once, with this kind of attention."""

    size: int
    attention: str


def options(sizes, attentions):
    return [Option(size, attention) for size in sizes for attention in attentions]


def measure(way, shape, peer, choices, settings):
    """Prints the best round of the best option.

    `peer.prepare(shape, option)` makes room and is not timed. `peer.score(shape,
    items, option)` does one whole round, from nothing, and returns the sum of the
    answers' nats.
    """

    def timed(items, option):
        start = time.perf_counter()
        nats = peer.score(shape, items, option)
        return time.perf_counter() - start, nats

    def fitting(seconds, pace):
        """How many of the first items a round of so many seconds can do."""
        count = 1
        while count < len(shape.items) and shape.tokens(count + 1) * pace <= seconds:
            count += 1
        return count

    with alone(shape.name, way):
        few = shape.items[:WARM_UP]
        peer.prepare(shape, choices[0])
        pace = min(timed(few, choices[0])[0] for _ in range(3)) / shape.tokens(len(few))
        count = fitting(settings["seconds"], pace)
        items = shape.items[:count]
        choices = sorted({option._replace(size=min(option.size, count)) for option in choices})
        best = choices[0]
        if len(choices) > 1:
            # All trials together take about one round's time, but none may be
            # too small to fill the largest batch.
            trial = max(choices[-1].size, fitting(settings["seconds"] / len(choices), pace))
            taken = {}
            for option in choices:
                peer.prepare(shape, option)
                taken[option] = timed(items[:trial], option)[0]
            best = min(taken, key=taken.get)
        peer.prepare(shape, best)
        taken, nats = min(timed(items, best) for _ in range(settings["rounds"]))
        say(
            shape=shape.name,
            way=way,
            pairs=count,
            pairs_per_second=round(count / taken, 3),
            loss=round(nats / sum(len(item.answer) for item in items), 6),
            note=f"{best.size} at once, {best.attention} attention",
        )


def float32_copy(model):
    """The same weights as float32, made once and kept in the user's cache."""
    import gguf

    with open(model, "rb") as file:
        name = hashlib.file_digest(file, "sha256").hexdigest()[:16]
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = Path(cache, "pmpo-studio", "peers-float32")
    whole = folder / f"{name}.gguf"
    if whole.exists():
        return whole
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f"{name}.{os.getpid()}.unfinished"
    reader = gguf.GGUFReader(model)
    keys = gguf.Keys.General
    try:
        writer = gguf.GGUFWriter(unfinished, reader.get_field(keys.ARCHITECTURE).contents())
        writer.add_file_type(gguf.LlamaFileType.ALL_F32)
        # The first is written by the writer itself, the others hold no longer.
        skipped = (keys.ARCHITECTURE, keys.FILE_TYPE, keys.QUANTIZATION_VERSION)
        for field in reader.fields.values():
            if field.name not in skipped and not field.name.startswith("GGUF."):
                kind = field.types[0]
                inner = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
                writer.add_key_value(field.name, field.contents(), kind, inner)
        for tensor in reader.tensors:
            values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
            writer.add_tensor(tensor.name, values)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        # Seen by others only when it is whole.
        unfinished.rename(whole)
    finally:
        unfinished.unlink(missing_ok=True)
    return whole


class Llama:
    """A model in llama.cpp, through its own functions: the layer above keeps one sequence."""

    def __init__(self, path, threads):
        import llama_cpp
        import numpy

        self.api = llama_cpp
        self.numpy = numpy
        self.threads = threads
        self.context = None
        # Kept as an attribute: the library calls it as long as it lives.
        self.silence = llama_cpp.llama_log_callback(lambda level, text, data: None)
        llama_cpp.llama_log_set(self.silence, ctypes.c_void_p())
        parameters = llama_cpp.llama_model_default_params()
        parameters.n_gpu_layers = 0
        self.model = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
        if not self.model:
            raise RuntimeError("llama.cpp cannot load the model")
        self.words = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(self.model))

    def close(self):
        if self.context:
            self.api.llama_batch_free(self.batch)
            self.api.llama_free(self.context)
        self.context = None

    def prepare(self, shape, option):
        self.close()
        room = max(len(shape.prefix), option.size * shape.longest)
        parameters = self.api.llama_context_default_params()
        # One store for all sequences, in which the shared beginning lies once.
        parameters.kv_unified = True
        parameters.n_seq_max = option.size + 1
        parameters.n_ctx = len(shape.prefix) + option.size * shape.longest
        parameters.n_batch = room
        parameters.n_threads = parameters.n_threads_batch = self.threads
        parameters.type_k = parameters.type_v = self.api.GGML_TYPE_F32
        parameters.flash_attn_type = int(option.attention == "flash")
        self.context = self.api.llama_init_from_model(self.model, parameters)
        if not self.context:
            raise RuntimeError("llama.cpp cannot make a context")
        self.memory = self.api.llama_get_memory(self.context)
        self.batch = self.api.llama_batch_init(room, 0, 1)

    def score(self, shape, items, option):
        self.api.llama_memory_clear(self.memory, False)
        start = len(shape.prefix)
        if start:
            self.decode([(0, 0, shape.prefix, start)])
        nats = 0.0
        for group in groups(items, option.size):
            rows = []
            for sequence, item in enumerate(group, 1):
                self.api.llama_memory_seq_rm(self.memory, sequence, -1, -1)
                self.api.llama_memory_seq_cp(self.memory, 0, sequence, -1, -1)
                rows.append((sequence, start, item.tokens, item.first))
            nats += self.nats(self.decode(rows), [token for item in group for token in item.answer])
        return nats

    def decode(self, sequences):
        """Computes tokens of several sequences; gives the logits of each from a row on."""
        batch, used, asked = self.batch, 0, 0
        for sequence, start, tokens, first in sequences:
            for row, token in enumerate(tokens):
                batch.token[used] = token
                batch.pos[used] = start + row
                batch.n_seq_id[used] = 1
                batch.seq_id[used][0] = sequence
                batch.logits[used] = row >= first
                used += 1
            asked += max(len(tokens) - first, 0)
        batch.n_tokens = used
        if self.api.llama_decode(self.context, batch) != 0:
            raise RuntimeError("llama.cpp cannot decode a batch")
        if asked:
            # The rows that were asked for lie one after another, in the batch's order.
            logits = self.api.llama_get_logits(self.context)
            return self.numpy.ctypeslib.as_array(logits, (asked, self.words))
        return None

    def nats(self, logits, answers):
        numpy = self.numpy
        highest = logits.max(axis=1, keepdims=True)
        sums = numpy.exp(logits - highest).sum(axis=1, dtype=numpy.float64)
        chosen = logits[numpy.arange(len(answers)), answers] - highest[:, 0]
        return float((numpy.log(sums) - chosen).sum())


def groups(items, size):
    return [items[start : start + size] for start in range(0, len(items), size)]


def llama(model, shapes, settings):
    # Flash attention rounds within the sum, which Q4_1 with its rounded
    # activations does anyway; with float32 weights it is a row of its own.
    both = ["plain", "flash"]
    rows = {
        "llama.cpp, prefix kept, one at a time": (Path, options([1], both)),
        "llama.cpp, prefix kept, parallel sequences": (Path, options([4, 8, 16], both)),
        "llama.cpp, float32 weights, prefix kept": (
            float32_copy,
            options([1, 4, 8, 16], ["plain"]),
        ),
        "llama.cpp, float32 weights, flash attention, prefix kept": (
            float32_copy,
            options([1, 4, 8, 16], ["flash"]),
        ),
    }
    peers = {}
    for shape in shapes:
        for way, (weights, choices) in rows.items():
            with alone(shape.name, way):
                if weights not in peers:
                    peers[weights] = Llama(weights(model), settings["threads"])
                measure(way, shape, peers[weights], choices, settings)
                peers[weights].close()


class Transformers:
    """A model in transformers, as float32."""

    def __init__(self, path, threads):
        import torch
        import transformers

        torch.set_num_threads(threads)
        self.torch = torch
        self.cache_type = transformers.DynamicCache
        path = Path(path).resolve()
        self.model = transformers.AutoModelForCausalLM.from_pretrained(
            str(path.parent), gguf_file=path.name, dtype=torch.float32
        ).eval()

    def prepare(self, shape, option):
        self.model.set_attn_implementation(option.attention)

    def score(self, shape, items, option):
        torch, model = self.torch, self.model
        nats = 0.0
        with torch.inference_mode():
            layers = []
            if shape.prefix:
                layers = model.model(
                    torch.tensor([shape.prefix]), use_cache=True
                ).past_key_values.layers
            # Items of one length beside each other need the least padding.
            for group in groups(sorted(items, key=lambda item: len(item.tokens)), option.size):
                nats += self.batch(len(shape.prefix), layers, group)
        return nats

    def batch(self, start, layers, group):
        torch, model = self.torch, self.model
        width = len(group[-1].tokens)
        lengths = torch.tensor([len(item.tokens) for item in group])
        padded = [item.tokens + [0] * (width - len(item.tokens)) for item in group]
        real = torch.arange(width) < lengths[:, None]
        mask = torch.cat([torch.ones(len(group), start, dtype=torch.bool), real], dim=1)
        hidden = model.model(
            torch.tensor(padded),
            attention_mask=mask.long(),
            position_ids=torch.arange(start, start + width).expand(len(group), -1),
            past_key_values=self.widened(layers, len(group)),
            use_cache=True,
        ).last_hidden_state
        # The output layer is large: it gets only the rows that predict an answer.
        rows = [hidden[row, item.first : len(item.tokens)] for row, item in enumerate(group)]
        logits = model.lm_head(torch.cat(rows))
        answers = torch.tensor([token for item in group for token in item.answer])
        chosen = logits.gather(1, answers[:, None])[:, 0]
        return (logits.logsumexp(dim=1) - chosen).sum(dtype=torch.float64).item()

    def widened(self, layers, size):
        """The shared beginning once for each item, without copying it."""
        cache = self.cache_type()
        for layer in layers:
            layer = copy.copy(layer)
            layer.keys = layer.keys.expand(size, -1, -1, -1)
            layer.values = layer.values.expand(size, -1, -1, -1)
            cache.layers.append(layer)
        return cache


def transformers(model, shapes, settings):
    way = "transformers, shared prefix, best batch"
    choices = options([5, 10, 25, 50], ["sdpa", "eager"])
    peer = None
    for shape in shapes:
        with alone(shape.name, way):
            peer = peer or Transformers(model, settings["threads"])
            measure(way, shape, peer, choices, settings)


def matrix(model, shapes, settings):
    """What the processor gives at most: large products, and nothing else."""
    way = "torch float32 matrix product"
    with alone("matrix", way):
        import torch

        torch.set_num_threads(settings["threads"])
        best = 0.0
        with torch.inference_mode():
            for rows, inner, columns in (850, 576, 1536), (1020, 576, 3072), (1024, 1024, 1024):
                left, right = torch.rand(rows, inner), torch.rand(inner, columns)
                out = torch.empty(rows, columns)
                torch.mm(left, right, out=out)
                times, end = [], time.perf_counter() + 2
                while time.perf_counter() < end:
                    start = time.perf_counter()
                    torch.mm(left, right, out=out)
                    times.append(time.perf_counter() - start)
                rate = 2e-9 * rows * inner * columns / statistics.median(times)
                best = max(best, rate)
                say(
                    shape="matrix", way=way, gflops=round(rate, 1), note=f"{rows}x{inner}x{columns}"
                )
        say(shape="matrix", way=way, gflops=round(best, 1), note="best")


WAYS = {"llama": llama, "transformers": transformers, "matrix": matrix}


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in WAYS:
        sys.exit("usage: peers.py llama|transformers|matrix MODEL.gguf WORK.json")
    name, model, work = sys.argv[1:]
    settings = json.loads(Path(work).read_text(encoding="utf-8"))
    shapes = []
    for shape in settings["shapes"]:
        with alone(shape["name"], name):
            shapes.append(Shape(shape["name"], shape["items"]))
    WAYS[name](model, shapes, settings)


if __name__ == "__main__":
    main()
