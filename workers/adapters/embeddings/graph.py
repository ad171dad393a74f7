"""The graph of all-MiniLM-L6-v2, built of its weights: BERT, the mean of its words, unit length.

Six layers of twelve heads, 384 wide, in fp32. Inputs are `ids` and `mask`, int64 of shape (texts,
word pieces); the output `vectors` is float32 of shape (texts, 384).
"""

from typing import Any, Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from workers.adapters.embeddings.weights import Tensors

LAYERS: Final = 6
HEADS: Final = 12
WIDTH: Final = 384
VERSION: Final = 1
"""Part of the kept graph's name: raise it when what is built here changes."""

_OPERATORS: Final = 17
_IR: Final = 8
_EPSILON: Final = 1e-12
_HIDDEN: Final = -1e9


def graph_of(tensors: Tensors) -> onnx.ModelProto:
    """Return the whole model."""
    return _Build(tensors).model()


class _Build:
    """Nodes and constants, in the order they are added."""

    def __init__(self, tensors: Tensors) -> None:
        self._tensors = tensors
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}
        self._count = 0

    def model(self) -> onnx.ModelProto:
        """Build everything from the words to the vectors."""
        vectors = self._pooled(self._encoded())
        self._nodes.append(helper.make_node("Identity", [vectors], ["vectors"]))
        shape = ["texts", "pieces"]
        graph = helper.make_graph(
            self._nodes,
            "all-MiniLM-L6-v2",
            [helper.make_tensor_value_info(n, TensorProto.INT64, shape) for n in ("ids", "mask")],
            [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["texts", WIDTH])],
            list(self._constants.values()),
        )
        operators = [helper.make_opsetid("", _OPERATORS)]
        return helper.make_model(graph, opset_imports=operators, ir_version=_IR)

    def _encoded(self) -> str:
        """Return the words after every layer."""
        words = self._embedded()
        mask = self._do("Cast", "mask", to=TensorProto.FLOAT)
        apart = self._do("Unsqueeze", mask, self._whole("one_two", [1, 2]))
        missing = self._do("Sub", self._number("one", 1.0), apart)
        bias = self._do("Mul", missing, self._number("hidden", _HIDDEN))
        for number in range(LAYERS):
            words = self._layer(f"encoder.layer.{number}", words, bias)
        return words

    def _embedded(self) -> str:
        name = "embeddings"
        words = self._do("Gather", self._weight(f"{name}.word_embeddings.weight"), "ids")
        length = self._do("Shape", "ids", start=1, end=2)
        places = self._do(
            "Slice",
            self._weight(f"{name}.position_embeddings.weight"),
            self._whole("zero", [0]),
            length,
        )
        kinds = self._do(
            "Gather", self._weight(f"{name}.token_type_embeddings.weight"), self._whole("kind", 0)
        )
        placed = self._do("Add", words, self._do("Add", places, kinds))
        return self._normal(f"{name}.LayerNorm", placed)

    def _layer(self, name: str, words: str, bias: str) -> str:
        """Attend, then think over each word; both are added to what came in."""
        attended = self._dense(
            f"{name}.attention.output.dense", self._attention(f"{name}.attention.self", words, bias)
        )
        words = self._normal(f"{name}.attention.output.LayerNorm", self._do("Add", attended, words))
        wide = self._gelu(self._dense(f"{name}.intermediate.dense", words))
        thought = self._dense(f"{name}.output.dense", wide)
        return self._normal(f"{name}.output.LayerNorm", self._do("Add", thought, words))

    def _attention(self, name: str, words: str, bias: str) -> str:
        query = self._heads(self._dense(f"{name}.query", words), (0, 2, 1, 3))
        key = self._heads(self._dense(f"{name}.key", words), (0, 2, 3, 1))
        value = self._heads(self._dense(f"{name}.value", words), (0, 2, 1, 3))
        scale = self._number("scale", (WIDTH // HEADS) ** -0.5)
        scores = self._do("Mul", self._do("MatMul", query, key), scale)
        shares = self._do("Softmax", self._do("Add", scores, bias), axis=-1)
        mixed = self._do("Transpose", self._do("MatMul", shares, value), perm=(0, 2, 1, 3))
        return self._do("Reshape", mixed, self._whole("joined", [0, 0, WIDTH]))

    def _heads(self, words: str, order: tuple[int, ...]) -> str:
        split = self._do("Reshape", words, self._whole("split", [0, 0, HEADS, WIDTH // HEADS]))
        return self._do("Transpose", split, perm=order)

    def _pooled(self, words: str) -> str:
        """Return the mean of the words that are there, at unit length."""
        mask = self._do("Cast", "mask", to=TensorProto.FLOAT)
        there = self._do("Unsqueeze", mask, self._whole("last", [-1]))
        kept = self._do("Mul", words, there)
        middle = self._whole("middle", [1])
        total = self._do("ReduceSum", kept, middle, keepdims=0)
        mean = self._do("Div", total, self._do("ReduceSum", there, middle, keepdims=0))
        return self._do("LpNormalization", mean, axis=-1, p=2)

    def _dense(self, name: str, words: str) -> str:
        turned = self._constant(f"{name}.turned", self._tensors[f"{name}.weight"].T)
        return self._do("Add", self._do("MatMul", words, turned), self._weight(f"{name}.bias"))

    def _normal(self, name: str, words: str) -> str:
        scale, shift = self._weight(f"{name}.weight"), self._weight(f"{name}.bias")
        return self._do("LayerNormalization", words, scale, shift, axis=-1, epsilon=_EPSILON)

    def _gelu(self, words: str) -> str:
        """Return x · (1 + erf(x / √2)) / 2."""
        part = self._do("Erf", self._do("Mul", words, self._number("root", 0.5**0.5)))
        half = self._do("Mul", words, self._number("half", 0.5))
        return self._do("Mul", half, self._do("Add", part, self._number("one", 1.0)))

    def _weight(self, name: str) -> str:
        return self._constant(name, self._tensors[name])

    def _number(self, name: str, value: float) -> str:
        return self._constant(name, np.array(value, np.float32))

    def _whole(self, name: str, value: int | list[int]) -> str:
        return self._constant(name, np.array(value, np.int64))

    def _constant(self, name: str, value: Any) -> str:
        if name not in self._constants:
            self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def _do(self, operator: str, *inputs: str, **attributes: Any) -> str:
        self._count += 1
        name = f"{operator.lower()}_{self._count}"
        self._nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name
