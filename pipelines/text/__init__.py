"""Strings to ids and back, in TensorFlow core ops, so that a served model takes strings."""

from pipelines.text.character import CharacterTokenizer
from pipelines.text.cutting import cut
from pipelines.text.exact import ExactTokenizer
from pipelines.text.spaced_subword import SpacedSubwordTokenizer
from pipelines.text.spaced_word import SpacedWordTokenizer
from pipelines.text.storage import load_tokenizer
from pipelines.text.subword import SubwordTokenizer
from pipelines.text.tokenizer import PADDING_ID, UNKNOWN_ID, Tokenizer
from pipelines.text.word import WordTokenizer

__all__ = [
    "PADDING_ID",
    "UNKNOWN_ID",
    "CharacterTokenizer",
    "ExactTokenizer",
    "SpacedSubwordTokenizer",
    "SpacedWordTokenizer",
    "SubwordTokenizer",
    "Tokenizer",
    "WordTokenizer",
    "cut",
    "load_tokenizer",
]
