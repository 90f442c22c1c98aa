"""The sentiment page; its code is in apps.studio.sentiment_page."""

from apps.studio.sentiment_page import show

show()
