"""How databases of older versions become those of this one: versions/ has one file per step.

A step is never changed once it was released; tables look as the last one leaves them. All steps of
one start run in one transaction, see llmd.storage.migration.
"""
