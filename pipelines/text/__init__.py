"""Strings to ids and back, in TensorFlow core ops, so that a served model takes strings."""

from pipelines.text.cutting import cut
from pipelines.text.storage import load_tokenizer
from pipelines.text.subword import SubwordTokenizer
from pipelines.text.tokenizer import PADDING_ID, UNKNOWN_ID, Tokenizer
from pipelines.text.word import WordTokenizer

__all__ = ["PADDING_ID", "UNKNOWN_ID", "SubwordTokenizer", "Tokenizer", "WordTokenizer", "cut", "load_tokenizer"]
