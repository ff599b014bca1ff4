"""Makes the tests of this folder distinct from those of the same name elsewhere."""
