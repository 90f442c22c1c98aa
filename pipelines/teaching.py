"""Self-training: texts without labels that are learnt from with the answers of a teacher."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice

import numpy as np

from pipelines.batching import EncodedTexts
from pipelines.progress import counted

# Texts to the probabilities of all labels, float [texts, labels]; and what gives that for labels in some order.
Answers = Callable[[list[str]], np.ndarray]
Teacher = Callable[[Sequence[str]], Answers]

_TEXTS_AT_A_TIME = 4096


def taught_texts(
    labelled: EncodedTexts, unlabelled: EncodedTexts, texts: Iterable[str], classes: int, answers: Answers
) -> EncodedTexts:
    """The labelled texts, and after them the others with the teacher's answers as their labels.

    Probabilities say more than the likeliest label does: Xie et al. (2020), "Self-training with Noisy Student improves
    ImageNet classification", where the student, unlike the teacher, learns from inputs with noise.

    Args:
        labelled: Texts with the number of their label.
        unlabelled: The texts of `texts`, encoded.
        texts: What the teacher is asked about.
        classes: How many labels there are.
        answers: Those of the teacher, with the labels in the order of their numbers.

    Returns:
        Texts whose labels are probabilities, float32 [texts, labels].
    """
    known = np.eye(classes, dtype=np.float32)[labelled.labels]
    asked = iter(counted(texts, "asking the teacher", "texts"))
    targets = [known]
    while chunk := list(islice(asked, _TEXTS_AT_A_TIME)):
        targets.append(answers(chunk).astype(np.float32))
    return EncodedTexts(
        np.concatenate([labelled.ids, unlabelled.ids]),
        np.concatenate([labelled.offsets, unlabelled.offsets[1:] + len(labelled.ids)]),
        np.concatenate(targets),
    )
