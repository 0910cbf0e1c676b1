"""The closing report: its figures, and how they look on a terminal and on a page."""
