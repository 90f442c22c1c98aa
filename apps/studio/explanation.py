"""A model's answer to one text."""

from dataclasses import dataclass

from apps.serving.served import ServedModel, decode_text


@dataclass(frozen=True)
class Explanation:
    """What a model says about a text, and which words made it say so.

    Attributes:
        label: The name of the most probable class.
        probabilities: The probability of each class by name, in the model's order.
        tokens: The pieces the model read, in their order; None for a model that does not explain itself.
        saliency: For each token how much it speaks for `label`, negative when it speaks against.
    """

    label: str
    probabilities: dict[str, float]
    tokens: list[str] | None
    saliency: list[float]

    @property
    def confidence(self) -> float:
        """The probability of the label."""
        return self.probabilities[self.label]


def explain(model: ServedModel, text: str) -> Explanation:
    """Asks a model about one text, with saliency where the model has the signature for it."""
    explains = "explain" in model.signatures
    outputs = model.call("explain" if explains else "serving_default", [text])
    values = [float(value) for value in outputs["probabilities"][0]]
    label = decode_text(outputs["label"][0])
    names = model.entry.labels if len(model.entry.labels) == len(values) else [f"class {i}" for i in range(len(values))]
    probabilities = dict(zip(names, values, strict=True))
    if label not in probabilities:
        label = max(probabilities, key=lambda name: probabilities[name])
    if not explains:
        return Explanation(label, probabilities, None, [])
    pairs = [
        (decode_text(token), float(weight))
        for token, weight in zip(outputs["tokens"][0], outputs["saliency"][0], strict=True)
        if token  # "" is padding
    ]
    return Explanation(label, probabilities, [token for token, _ in pairs], [weight for _, weight in pairs])
