"""The one exception for data that cannot be used as it is."""


class DataError(Exception):
    """Data or data options that the user has to change.

    The message is one line: what is wrong, where (file and line, if there is one), and what to do about it. What it
    quotes may be anything; line breaks become spaces, and characters that no terminal can show become question marks.
    """

    def __init__(self, message: str):
        one_line = " ".join(str(message).split())
        super().__init__(one_line.encode("utf-8", "replace").decode("utf-8"))
