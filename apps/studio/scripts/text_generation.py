"""The text generation page; its code is in apps.studio.generation_page."""

from apps.studio.generation_page import show

show()
