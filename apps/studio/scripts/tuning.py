"""The tuning page; its code is in apps.studio.tuning_page."""

from apps.studio.tuning_page import show

show()
