"""Searching for good settings: each trial a run in a process of its own, each event in a journal on the disk."""
