"""From raw texts to words, in TensorFlow core ops.

What is done, in this order:

1. Invalid UTF-8 becomes U+FFFD.
2. Characters that only format (soft hyphens, zero-width joiners, byte order marks, variation selectors) and those
   of the private use areas go.
3. Tags of HTML text such as `<br />`, control characters, and all Unicode spaces become a space.
4. Typographic apostrophes become `'`.
5. Upper case becomes lower case, if wanted (Unicode, not only ASCII).
6. Each punctuation mark, symbol, emoji, Chinese and Japanese character becomes a word of its own. An apostrophe between
   two letters stays: "don't" is one word.

What cannot be done with core ops: compatibility forms (NFKC) and composing accents (NFC). Full-width letters and "e"
followed by a combining accent stay what they are; all that follows treats them consistently.
"""

import tensorflow as tf

# \x{E000} stands for an apostrophe inside a word while punctuation is set apart; step 2 has removed it from the texts.
_FORMAT = r"[\p{Cf}\p{Co}\x{FE00}-\x{FE0F}]+"
_SPACES = (
    r"(?i:</?(?:br|p|hr|i|b|u|em|strong|div|span)\s*/?>)"
    r"|[\p{Cc}\p{Zl}\p{Zp}\x{A0}\x{1680}\x{2000}-\x{200A}\x{202F}\x{205F}\x{3000}]+"
)
_APOSTROPHE = r"[\x{2019}\x{02BC}\x{FF07}]"
_INNER_APOSTROPHE = r"(\p{L}\p{M}*)'(\p{L})"
_ALONE = r"[\p{P}\p{S}\p{Han}\p{Hiragana}\p{Katakana}]"
_PLACEHOLDER = "\ue000"


def normalize(strings: tf.Tensor, lowercase: bool) -> tf.Tensor:
    """Steps 1 to 5. string [batch] -> string [batch], valid UTF-8."""
    strings = tf.strings.unicode_transcode(strings, "UTF-8", "UTF-8", errors="replace")
    strings = tf.strings.regex_replace(strings, _FORMAT, "")
    strings = tf.strings.regex_replace(strings, _SPACES, " ")
    strings = tf.strings.regex_replace(strings, _APOSTROPHE, "'")
    return tf.strings.lower(strings, encoding="utf-8") if lowercase else strings


def split_words(strings: tf.Tensor) -> tf.RaggedTensor:
    """Step 6. Normalised strings [batch] -> ragged strings [batch, words]; no text, no words."""
    # Twice, for a letter between two apostrophes belongs to both matches: "rock'n'roll".
    for _ in range(2):
        strings = tf.strings.regex_replace(strings, _INNER_APOSTROPHE, r"\1" + _PLACEHOLDER + r"\2")
    strings = tf.strings.regex_replace(strings, _ALONE, r" \0 ")
    strings = tf.strings.regex_replace(strings, _PLACEHOLDER, "'")
    return tf.strings.split(strings)
