"""Exported models: writing them, describing them, finding and loading them again."""
