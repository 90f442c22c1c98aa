"""Errors that are the user's to mend: one line that names the fix, and an exit code."""

FAILURE = 1
USAGE = 2
INTERRUPTED = 130


class UserError(Exception):
    """Something the user can put right.

    The message is one line: what is wrong and what to do about it. The command prints it to standard error without a
    traceback and exits with `exit_code`.
    """

    exit_code = FAILURE


class UsageError(UserError):
    """The command line or a configuration file is wrong: an unknown option, a value of the wrong type."""

    exit_code = USAGE


class Interrupted(UserError):
    """The user stopped the work; the message says how to go on."""

    exit_code = INTERRUPTED
