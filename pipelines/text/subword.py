"""WordPiece: words spelt from pieces, learnt by the `tokenizers` package, applied in TensorFlow core ops."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import tensorflow as tf

from pipelines.text.tokenizer import PADDING, UNKNOWN, UNKNOWN_ID, Tokenizer

CONTINUATION = "##"
LONGEST_WORD = 100  # characters; a longer "word" is noise, and unknown


class SubwordTokenizer(Tokenizer):
    """Each word is spelt from the longest pieces that fit, from left to right.

    A piece that does not begin a word is written with "##" in front. A word that cannot be spelt so, or that is longer
    than 100 characters, is unknown as a whole.

    Args:
        vocabulary: The token of each id. The first is "" (padding), the second "[UNK]" (unknown).
        lowercase: Lower-case the texts.

    Example:
        >>> tokenizer = SubwordTokenizer(["", "[UNK]", "film", "##s", "un", "##seen"])
        >>> tokenizer.tokenize(tf.constant(["Unseen films"]))
        <tf.RaggedTensor [[b'un', b'##seen', b'film', b'##s']]>
    """

    kind = "subword"

    def __init__(self, vocabulary: Sequence[str], lowercase: bool = True):
        super().__init__(vocabulary, lowercase)
        lengths = [len(token.removeprefix(CONTINUATION)) for token in self._tokens]
        self._longest_piece = max(lengths[2:], default=1)
        with tf.device("CPU"), tf.init_scope():
            self._length_of_id = tf.constant(lengths, tf.int32)

    @classmethod
    def learn(
        cls, counts: Mapping[str, int], vocabulary_size: int, min_count: int, lowercase: bool
    ) -> "SubwordTokenizer":
        """A tokenizer of pieces learnt from counted words; the same words give the same pieces.

        Args:
            counts: How often each word was seen, as `words` splits them.
            vocabulary_size: Size of the vocabulary at most, padding and unknown included.
            min_count: Pairs of pieces seen less often are not joined, and characters seen less often stay unknown.
            lowercase: Whether the counted texts were lower-cased.
        """
        from tokenizers import Tokenizer as Learner
        from tokenizers import models, pre_tokenizers, trainers

        kept = _spellable(counts, vocabulary_size, min_count)
        # The order of these ids decides between pairs of equal count. The trainer would number the continuing
        # characters as a hash table happens to list them; given as special tokens they have a fixed order.
        continuing = sorted({CONTINUATION + character for word in kept for character in word[1:]})
        learner = Learner(models.WordPiece(unk_token=UNKNOWN))
        learner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        trainer = trainers.WordPieceTrainer(
            vocab_size=vocabulary_size,
            min_frequency=min_count,
            special_tokens=["[PAD]", UNKNOWN, *continuing],
            continuing_subword_prefix=CONTINUATION,
            show_progress=False,
        )
        learner.train_from_iterator(_repeated(kept), trainer)
        ids = learner.get_vocab()
        tokens = sorted((token for token in ids if token not in ("[PAD]", UNKNOWN)), key=ids.__getitem__)
        return cls([PADDING, UNKNOWN, *tokens[: vocabulary_size - 2]], lowercase)

    def _pieces_of_words(self, words: tf.RaggedTensor) -> tf.RaggedTensor:
        """Unknown words come as they stand."""
        unique, places = tf.unique(words.flat_values)
        ids = self._spell(unique)
        surface = tf.gather(unique, ids.value_rowids())
        pieces = tf.where(ids.values == UNKNOWN_ID, surface, tf.gather(self._token_of_id, ids.values))
        return _spread(ids.with_values(pieces), places, words)

    def _ids_of_words(self, words: tf.RaggedTensor) -> tf.RaggedTensor:
        unique, places = tf.unique(words.flat_values)
        return _spread(self._spell(unique), places, words)

    def _spell(self, words: tf.Tensor) -> tf.RaggedTensor:
        """string [words] -> ragged int32 [words, pieces].

        All words take a piece at a time; those that are through, or stuck, leave the loop.
        """
        whole = self._id_of_token.lookup(words)
        lengths = tf.strings.length(words, unit="UTF8_CHAR")
        short = lengths <= LONGEST_WORD
        found = short & (whole != UNKNOWN_ID)
        todo = tf.where(short & ~found)[:, 0]  # numbers of the words under way

        def take_a_piece(todo, starts, rows, ids):
            candidates = tf.minimum(tf.gather(lengths, todo) - starts, self._longest_piece)
            owner = tf.repeat(tf.range(tf.size(todo)), candidates)
            sizes = tf.ragged.range(1, candidates + 1).values
            pieces = tf.strings.substr(
                tf.gather(words, tf.gather(todo, owner)), tf.gather(starts, owner), sizes, unit="UTF8_CHAR"
            )
            # All are at their n-th piece, so either all begin their words or none does.
            pieces = tf.strings.join([tf.where(tf.size(rows) == before, "", CONTINUATION), pieces])
            piece_ids = self._id_of_token.lookup(pieces)
            sizes = tf.where(piece_ids == UNKNOWN_ID, 0, sizes)
            longest = tf.math.segment_max(sizes, owner)
            chosen = (sizes > 0) & (sizes == tf.gather(longest, owner))
            fits = longest > 0
            starts = tf.boolean_mask(starts + longest, fits)
            todo = tf.boolean_mask(todo, fits)
            rows = tf.concat([rows, todo], 0)
            ids = tf.concat([ids, tf.boolean_mask(piece_ids, chosen)], 0)
            unfinished = starts < tf.gather(lengths, todo)
            return tf.boolean_mask(todo, unfinished), tf.boolean_mask(starts, unfinished), rows, ids

        rows, ids = tf.where(found)[:, 0], tf.boolean_mask(whole, found)
        before = tf.size(rows)
        _, _, rows, ids = tf.while_loop(
            lambda todo, *_: tf.size(todo) > 0,
            take_a_piece,
            (todo, tf.zeros_like(todo, tf.int32), rows, ids),
            shape_invariants=tuple(tf.TensorShape([None]) for _ in range(4)),
        )
        # A word is spelt if its pieces are as long as it is; otherwise it got stuck on the way.
        spelt = tf.math.unsorted_segment_sum(tf.gather(self._length_of_id, ids), rows, tf.size(words)) == lengths
        complete = tf.gather(spelt, rows)
        unknown = tf.where(~spelt)[:, 0]
        rows = tf.concat([tf.boolean_mask(rows, complete), unknown], 0)
        ids = tf.concat(
            [tf.boolean_mask(ids, complete), tf.fill([tf.size(unknown)], tf.constant(UNKNOWN_ID, ids.dtype))], 0
        )
        order = tf.argsort(rows, stable=True)
        return tf.RaggedTensor.from_value_rowids(
            tf.cast(tf.gather(ids, order), tf.int32),
            tf.gather(rows, order),
            nrows=tf.size(words, tf.int64),
            validate=False,
        )

    def _join(self, tokens: tf.RaggedTensor) -> tf.Tensor:
        return tf.strings.regex_replace(super()._join(tokens), f" {CONTINUATION}", "")


def _spread(pieces: tf.RaggedTensor, places: tf.Tensor, words: tf.RaggedTensor) -> tf.RaggedTensor:
    """Puts the pieces of the unique words where the words stand. -> ragged [batch, pieces]."""
    return words.with_values(tf.gather(pieces, places)).merge_dims(1, 2)


def _spellable(counts: Mapping[str, int], vocabulary_size: int, min_count: int) -> dict[str, int]:
    """The words whose characters are frequent enough to get a place in the vocabulary."""
    characters: Counter[str] = Counter()
    for word, count in counts.items():
        for character in word:
            characters[character] += count
    # A character may need two places, at the beginning of words and inside them; leave as much for longer pieces.
    ranked = sorted(characters.items(), key=lambda item: (-item[1], item[0]))[: max(1, vocabulary_size // 3)]
    alphabet = {character for character, count in ranked if count >= min_count}
    return {word: count for word, count in counts.items() if len(word) <= LONGEST_WORD and alphabet.issuperset(word)}


def _repeated(counts: Mapping[str, int]) -> Iterator[str]:
    """Lines in which each word stands as often as it was counted."""
    for word, count in counts.items():
        for start in range(0, count, 10_000):
            yield " ".join([word] * min(10_000, count - start))
