"""Run folders: configuration, metrics, checkpoints, atomic writes and resume."""
