"""The apps: one file a page; each launches alone (`python -m apps.chat`), the studio holds all."""
