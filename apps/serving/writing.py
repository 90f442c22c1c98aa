"""Text from a served language model, piece by piece while it is written."""

import codecs
from collections.abc import Iterator

import numpy as np

from apps.serving.served import ServedModel


def write(
    served: ServedModel, prompt: str, temperature: float, top_k: int, top_p: float, max_tokens: int, seed: int
) -> Iterator[str]:
    """What a served language model writes after a prompt.

    With the same settings it is what the signature `serving_default` writes at once.

    Args:
        served: A model with the signatures `start` and `step`.
        prompt: The text before.
        temperature: Below 1 is safer, above 1 wilder, 0 always the most probable token.
        top_k: Draw from so many of the most probable tokens; 0 draws from all.
        top_p: Draw from the most probable tokens that have this probability together.
        max_tokens: How many tokens to write at most; a text that ends has fewer.
        seed: The same seed writes the same text.

    Yields:
        The pieces; one may be empty, where a token is a part of a character.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    known = served.ask("start", text=[prompt])
    written = prompt
    for position in range(max_tokens):
        if "room" in known and known["room"][0] <= 0:  # a Transformer begins again from what it keeps in sight
            known = served.ask("start", text=[written])
        known = served.ask(
            "step",
            log_probabilities=known["log_probabilities"],
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            seed=seed,
            position=np.array([position], np.int32),
            **{name: value for name, value in known.items() if name.startswith("state_")},
        )
        if known["ended"][0]:
            break
        piece = decoder.decode(known["text"][0])
        written += piece
        yield piece
    rest = decoder.decode(b"", final=True)
    if rest:
        yield rest
