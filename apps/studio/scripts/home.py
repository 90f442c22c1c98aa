"""The home page; its code is in apps.studio.home_page."""

from apps.studio.home_page import show

show()
