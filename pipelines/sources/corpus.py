"""Opening a corpus by its options, and reading it: marks before documents, an end after so many characters."""

from functools import partial

from pipelines.corpus_config import CorpusConfig
from pipelines.sources.plain_text import find_text_files, read_documents
from pipelines.sources.samples import samples_folder
from pipelines.sources.standard_library import library_files, library_version
from pipelines.sources.text_files import existing_file, short_name
from pipelines.sources.text_pieces import Corpus, Pieces, TextPiece
from pipelines.sources.tfds_text import open_tfds_text

DOCUMENT_MARK = "\x1c"  # the file separator of ASCII: no text has it for anything else
SAMPLE = "stories.txt"


def open_corpus(config: CorpusConfig) -> Corpus:
    """The corpus that the options name. Reading starts with `pieces()`, not here.

    Raises:
        DataError: There is nothing to read at the path that is given.
    """
    kind = config.resolved_source
    if kind == "tfds":
        return open_tfds_text(config)
    if kind == "stdlib":
        return Corpus(
            name="Python's standard library",
            pieces=partial(read_documents, library_files(), config),
            licence="PSF-2.0",
            details={"version": library_version()},
        )
    if kind == "samples":
        files = [samples_folder() / SAMPLE]
        return Corpus(name=f"samples/{SAMPLE}", pieces=partial(read_documents, files, config), licence="Apache-2.0")
    path = str(getattr(config, kind))
    if kind == "folder":
        files = find_text_files(path, config.pattern, "--data.folder")
    else:
        files = [existing_file(path, "--data.file")]
    return Corpus(name=short_name(path), pieces=partial(read_documents, files, config))


def read_corpus(corpus: Corpus, config: CorpusConfig) -> Pieces:
    """The text of a corpus, with a mark before each document if the options want it, up to the limit.

    Raises:
        DataError: It cannot be read.
    """
    left = config.limit
    for piece in corpus.pieces():
        if not isinstance(piece, TextPiece):
            yield piece
            continue
        parts = [piece]
        if config.document_marks and piece.begins:
            parts = [TextPiece(DOCUMENT_MARK, True, piece.place), piece._replace(begins=False)]
        for part in parts:
            if left is not None:
                part = part._replace(text=part.text[:left])
                left -= len(part.text)
            if part.text:
                yield part
            if left == 0:
                return
