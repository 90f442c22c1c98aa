"""The one exception for data that cannot be used as it is."""


class DataError(Exception):
    """Data or data options that the user has to change.

    The message is one line: what is wrong, where (file and line, if there is one), and what to do about it. Line breaks
    in it, say of a text that it quotes, become spaces.
    """

    def __init__(self, message: str):
        super().__init__(" ".join(str(message).split()))
