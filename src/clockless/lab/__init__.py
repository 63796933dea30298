"""The live page: a board that learns while one looks at it, turns its knobs, cuts its edges; on this machine only.

What learns is what `train` makes, stepped in a thread (`board`, `session`); the page draws. Needs the extra `lab`.
"""
