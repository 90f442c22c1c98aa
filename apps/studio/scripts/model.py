"""The model page; its code is in apps.studio.model_page."""

from apps.studio.model_page import show

show()
