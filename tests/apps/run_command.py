"""Runs `keras-seq`, its output going to files, and ends the process with its exit code."""

import os
import sys

OPTIONS: dict = globals()["given"]

for stream, name in ((1, "out"), (2, "err")):
    os.dup2(os.open(f"{OPTIONS['output']}.{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w")

from apps.cli import main  # noqa: E402

code = main(OPTIONS["arguments"])
sys.stdout.flush()
sys.stderr.flush()
os._exit(code)
