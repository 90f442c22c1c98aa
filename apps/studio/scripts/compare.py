"""The compare page; its code is in apps.studio.compare_page."""

from apps.studio.compare_page import show

show()
