"""The cells page; its code is in apps.studio.cells_page."""

from apps.studio.cells_page import show

show()
