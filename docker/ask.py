"""Asks a studio that runs for its first pages, as a browser would: `python docker/ask.py PORT`."""

import sys

from studio_session import Visitor

port = int(sys.argv[1])
for page in ("", "sentiment", "text_generation"):
    visitor = Visitor(port, page)
    problems = visitor.drawn.problems + visitor.drawn.alerts
    if problems:
        sys.exit(f"the page {page or 'home'!r} fails: {problems[0]}")
    if page == "sentiment" and not any("verdict-label" in piece for piece in visitor.drawn.html):
        sys.exit("the page 'sentiment' shows no verdict")
    visitor.close()
print("the studio is healthy and its pages are drawn")
