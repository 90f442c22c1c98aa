"""Runs a program, its input and output being files, and ends the process with its status; `given` says which."""

import os
import sys

OPTIONS: dict = globals()["given"]

for stream, name, flags in ((0, "in", os.O_RDONLY), (1, "out", os.O_WRONLY), (2, "err", os.O_WRONLY)):
    os.dup2(os.open(f"{OPTIONS['files']}.{name}", flags), stream)
sys.stdin, sys.stdout, sys.stderr = (
    os.fdopen(number, mode, encoding="utf-8") for number, mode in ((0, "r"), (1, "w"), (2, "w"))
)
sys.argv = ["-c", *OPTIONS["arguments"]]
status = 0
try:
    exec(compile(OPTIONS["code"], "program", "exec"), {"__name__": "__main__"})
except SystemExit as end:
    status = end.code
sys.stdout.flush()
sys.stderr.flush()
os._exit(status)
