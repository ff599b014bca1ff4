"""The steps, in the order of the numbers that their names begin with; `revision` is that number.

alembic runs them. Each imports nothing of llmd but column types: what tables look like later must
not change what a step did.
"""
