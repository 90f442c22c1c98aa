"""The runs page; its code is in apps.studio.runs_page."""

from apps.studio.runs_page import show

show()
