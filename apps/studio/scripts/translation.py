"""The translation page; its code is in apps.studio.translation_page."""

from apps.studio.translation_page import show

show()
