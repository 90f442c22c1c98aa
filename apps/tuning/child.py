"""Runs `keras-seq` for a search, and ends when the search does: `python -m apps.tuning.child ARGUMENTS`."""

import os
import sys
import threading


def end_with_parent() -> None:
    """End this process when its standard input does, which its parent, however it dies, cannot keep open."""

    def watch() -> None:
        # Below Python's buffer, whose lock would be taken when the interpreter ends.
        while os.read(0, 1024):
            pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    end_with_parent()
    from apps.cli import main

    sys.exit(main(sys.argv[1:]))
