"""The search space of each task, one file a task: `SPACE`, a tuple of `Choice` and `Range`, read as a table."""
