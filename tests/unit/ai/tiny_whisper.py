"""A tiny Whisper model that hears the same words in everything, made without training.

Its layers add nothing to their input, so that the last one sees the token before and no more: it is a chain, each token
of CHAIN followed by the next. Its attention to the sound, which tells the times of words, goes on by half a second for
each token.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2.specs.whisper_spec import WhisperConfig, WhisperSpec
from tokenizers import Tokenizer, decoders, models

WIDTH, HEADS, MELS, SOUND_STEPS, TEXT_STEPS = 16, 2, 80, 1500, 448
PLACES = WIDTH // HEADS
"""The upper half of a state says which place it is at, the lower half which token."""
STEPS_PER_PLACE, BEFORE_WORDS = 25, 3
LANGUAGES = ["<|en|>", "<|de|>"]
WORDS = ["<unk>", " Guten", " Morgen", ""]
"""The last one is how CTranslate2 tells a model of many languages."""
SPECIAL = [
    "<|endoftext|>", "<|startoftranscript|>", *LANGUAGES, "<|translate|>", "<|transcribe|>", "<|startoflm|>",
    "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>",
]  # fmt: skip
TIMES = [f"<|{number * 0.02:.2f}|>" for number in range(1501)]
TOKENS = [*WORDS, *SPECIAL, *TIMES]
CHAIN = ["<|startoftranscript|>", "<|de|>", "<|transcribe|>", "<|0.00|>", " Guten", " Morgen", "<|1.50|>",
         "<|endoftext|>"]  # fmt: skip


def make_tiny_whisper(folder: Path) -> Path:
    """Write the model as faster-whisper reads it."""
    folder.mkdir(parents=True, exist_ok=True)
    spec = WhisperSpec(1, HEADS, 1, HEADS)
    encoder, decoder = spec.encoder, spec.decoder
    shape_convolution(encoder.conv1, MELS)
    shape_convolution(encoder.conv2, WIDTH)
    encoder.position_encodings.encodings = places([step // STEPS_PER_PLACE for step in range(SOUND_STEPS)])
    decoder.position_encodings.encodings = places([max(0, step - BEFORE_WORDS) for step in range(TEXT_STEPS)])
    for layer in (encoder.layer[0], decoder.layer[0]):
        shape_layer(layer)
    shape_norm(encoder.layer_norm)
    shape_norm(decoder.layer_norm)
    seen, next_one = zeros(len(TOKENS), WIDTH), zeros(len(TOKENS), WIDTH)
    for number, (token, following) in enumerate(pairwise(CHAIN)):
        seen[TOKENS.index(token), number] = 1
        next_one[TOKENS.index(following), number] = 10
    decoder.embeddings.weight, decoder.projection.weight = seen, next_one
    spec.register_vocabulary(TOKENS)
    configure(spec.config)
    spec.validate()
    spec.optimize()
    spec.save(str(folder))
    tokenizer = Tokenizer(models.WordLevel({token: number for number, token in enumerate(TOKENS)}, unk_token="<unk>"))
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "preprocessor_config.json").write_text(json.dumps({"feature_size": MELS}))
    return folder


def configure(config: WhisperConfig) -> None:
    config.suppress_ids, config.suppress_ids_begin = [], []
    config.lang_ids = [TOKENS.index(language) for language in LANGUAGES]
    config.alignment_heads = [(0, 0), (0, 1)]


def zeros(*shape: int) -> Any:
    return np.zeros(shape, dtype=np.float32)


def places(steps: list[int]) -> Any:
    encodings = zeros(len(steps), WIDTH)
    for step, place in enumerate(steps):
        encodings[step, PLACES + min(place, PLACES - 1)] = 1
    return encodings


def shape_convolution(convolution: Any, channels: int) -> None:
    convolution.weight, convolution.bias = zeros(WIDTH, channels, 3), zeros(WIDTH)


def shape_norm(norm: Any) -> None:
    norm.gamma, norm.beta = zeros(WIDTH) + 1, zeros(WIDTH)


def shape_linear(linear: Any, wide_in: int, wide_out: int) -> None:
    linear.weight, linear.bias = zeros(wide_out, wide_in), zeros(wide_out)


def shape_layer(layer: Any) -> None:
    """Zeros, so that nothing is added to the input; attention to the sound looks at the same place as the text."""
    shape_norm(layer.self_attention.layer_norm)
    shape_linear(layer.self_attention.linear[0], WIDTH, 3 * WIDTH)
    shape_linear(layer.self_attention.linear[1], WIDTH, WIDTH)
    if hasattr(layer, "attention"):
        shape_norm(layer.attention.layer_norm)
        shape_linear(layer.attention.linear[0], WIDTH, WIDTH)
        shape_linear(layer.attention.linear[1], WIDTH, 2 * WIDTH)
        shape_linear(layer.attention.linear[2], WIDTH, WIDTH)
        for row in range(WIDTH):
            layer.attention.linear[0].weight[row, PLACES + row % PLACES] = 2
            layer.attention.linear[1].weight[row, PLACES + row % PLACES] = 2
    shape_norm(layer.ffn.layer_norm)
    shape_linear(layer.ffn.linear_0, WIDTH, WIDTH)
    shape_linear(layer.ffn.linear_1, WIDTH, WIDTH)
