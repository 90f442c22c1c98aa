"""What the tests of the pipelines share."""

import gzip

import pytest

from tests.pipelines.parallel_text import ENGLISH, GERMAN


@pytest.fixture
def files(tmp_path):
    """Writes two parallel files, and gives their paths as options."""

    def write(english=ENGLISH, german=GERMAN, prefix="", ending=""):
        options = {}
        for side, language, lines in (("source", "en", english), ("target", "de", german)):
            path = tmp_path / f"{prefix or 'train'}.{language}{ending}"
            content = "".join(f"{line}\n" for line in lines).encode()
            path.write_bytes(gzip.compress(content) if ending else content)
            options[f"{prefix}{'_' if prefix else ''}{side}_file"] = str(path)
        return options

    return write
