"""A corpus much larger than what is in memory at a time."""

import subprocess
import sys

import pytest

MEGABYTES = 20
CODE = """
import sys, threading, time
from pipelines.corpus_config import CorpusConfig, VocabularyConfig, WindowConfig
from pipelines.text_generation import load_text_generation

def memory():  # without what is mapped from files, which the system takes back when it needs it
    fields = dict(line.split(":") for line in open("/proc/self/status"))
    return int(fields["RssAnon"].split()[0]) / 1024

def use(path, cutting, folder):
    batch = WindowConfig(cutting=cutting, batch_size=32, window=128)
    data = load_text_generation(CorpusConfig(file=path, cache=folder), VocabularyConfig(), batch, 1)
    for _ in data.train(0).take(100):
        pass
    return data

def watch():
    while True:
        seen.append(memory())
        time.sleep(0.01)

small, large, folder = sys.argv[1:]
use(small, "windows", folder)  # what TensorFlow needs for itself
before, seen = memory(), []
threading.Thread(target=watch, daemon=True).start()
use(large, "streams", folder)
data = use(large, "windows", folder)
print(data.report["characters"]["train"], max(seen) - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_large_file_needs_little_memory(tmp_path):
    paragraph = "".join(f"line {number} of a text that goes on, é 电\n" for number in range(25_000))
    (tmp_path / "small.txt").write_text(paragraph, encoding="utf-8")
    with open(tmp_path / "large.txt", "w", encoding="utf-8") as file:
        for _ in range(MEGABYTES * 2**20 // len(paragraph.encode())):
            file.write(paragraph)
    paths = [str(tmp_path / name) for name in ("small.txt", "large.txt", "cache")]
    done = subprocess.run([sys.executable, "-c", CODE, *paths], capture_output=True, text=True, check=True)
    characters, megabytes = done.stdout.split()
    assert int(characters) > 0.8 * MEGABYTES * 2**20
    assert float(megabytes) < MEGABYTES / 2  # less than the ids alone would need at one byte each
