"""Self-training: texts without labels that are learnt from with the answers of a teacher."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice

import numpy as np

from pipelines.batching import EncodedTexts
from pipelines.progress import counted

# Some texts, and labels in their order, to the probabilities of these labels, float [texts, labels].
Teacher = Callable[[list[str], Sequence[str]], np.ndarray]

_TEXTS_AT_A_TIME = 4096


def taught_texts(
    labelled: EncodedTexts, unlabelled: EncodedTexts, texts: Iterable[str], labels: Sequence[str], teacher: Teacher
) -> EncodedTexts:
    """The labelled texts, and after them the others with the teacher's answers as their labels.

    Probabilities say more than the likeliest label does: Xie et al. (2020), "Self-training with Noisy Student improves
    ImageNet classification", where the student, unlike the teacher, learns from inputs with noise.

    Args:
        labelled: Texts with the number of their label.
        unlabelled: The texts of `texts`, encoded.
        texts: What the teacher is asked about.
        labels: All labels, in the order of their numbers.
        teacher: Knows the same labels.

    Returns:
        Texts whose labels are probabilities, float32 [texts, labels].
    """
    known = np.eye(len(labels), dtype=np.float32)[labelled.labels]
    asked = iter(counted(texts, "asking the teacher", "texts"))
    answers = [known]
    while chunk := list(islice(asked, _TEXTS_AT_A_TIME)):
        answers.append(teacher(chunk, labels).astype(np.float32))
    return EncodedTexts(
        np.concatenate([labelled.ids, unlabelled.ids]),
        np.concatenate([labelled.offsets, unlabelled.offsets[1:] + len(labelled.ids)]),
        np.concatenate(answers),
    )
