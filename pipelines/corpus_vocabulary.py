"""Learning the vocabulary of running text, with memory that stays small."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import tensorflow as tf

from pipelines.corpus_config import VocabularyConfig
from pipelines.encoding import apply_in_order
from pipelines.errors import DataError
from pipelines.progress import announce, counted
from pipelines.text import CharacterTokenizer, SpacedSubwordTokenizer, SpacedWordTokenizer, Tokenizer

_LEVELS: dict[str, Any] = {
    "character": CharacterTokenizer,
    "word": SpacedWordTokenizer,
    "subword": SpacedSubwordTokenizer,
}
_GROUP_CHARACTERS, _GROUP_TEXTS = 2**16, 512
_MOST_COUNTED = 1_000_000  # different words


def learn_text_tokenizer(texts: Iterable[str], config: VocabularyConfig) -> Tokenizer:
    """Learns a vocabulary.

    Args:
        texts: The training text in pieces, and no other.
        config: Level and size of the vocabulary.

    Raises:
        DataError: Nothing is frequent enough.
    """
    count = _count_characters if config.level == "character" else _count_words
    what = "characters" if config.level == "character" else "words"
    texts = counted(texts, f"counting {what}", "characters", size=len)
    counts = count(texts, config.lowercase)
    announce("learning the vocabulary")
    level = _LEVELS[config.level]
    tokenizer = level.learn(counts, config.vocabulary_size, config.resolved_min_count, config.lowercase)
    if len(tokenizer.vocabulary) < 3:
        raise DataError(
            f"nothing occurs {config.resolved_min_count} times in the training text: lower --text.min_count"
        )
    return tokenizer


def _count_characters(texts: Iterable[str], lowercase: bool) -> dict[str, int]:
    clean = CharacterTokenizer(["", "[UNK]"], lowercase).clean

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    def count(strings):
        counts = tf.math.bincount(tf.strings.unicode_decode(clean(strings), "UTF-8").flat_values)
        there = tf.where(counts > 0)[:, 0]
        return there, tf.gather(counts, there)

    total: Counter[int] = Counter()
    for codes, numbers in apply_in_order(group_texts(texts), count):
        total.update(dict(zip(codes.tolist(), numbers.tolist(), strict=True)))
    return {chr(code): number for code, number in total.items()}


def _count_words(texts: Iterable[str], lowercase: bool) -> dict[str, int]:
    divider = SpacedWordTokenizer(["", "[UNK]"], lowercase)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    def count(strings):
        words, _, counts = tf.unique_with_counts(divider.words(strings).flat_values)
        return words, counts

    total: Counter[bytes] = Counter()
    rare = 1
    for words, numbers in apply_in_order(group_texts(texts), count):
        total.update(dict(zip(words.tolist(), numbers.tolist(), strict=True)))
        while len(total) > _MOST_COUNTED:  # what is rare by now would hardly have got a place
            total = Counter({word: number for word, number in total.items() if number > rare})
            rare += 1
    return {word.decode(): number for word, number in total.items()}


def group_texts(texts: Iterable[str]) -> Iterator[list[str]]:
    """Texts in groups of about as many characters, so that short ones are not encoded one by one."""
    group: list[str] = []
    size = 0
    for text in texts:
        group.append(text)
        size += len(text)
        if size >= _GROUP_CHARACTERS or len(group) == _GROUP_TEXTS:
            yield group
            group, size = [], 0
    if group:
        yield group
