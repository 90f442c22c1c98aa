"""What people run: the command line, run folders, export and the studio."""
