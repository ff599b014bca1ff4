"""Whether what lies on the disk is what it should be, and how much of it there is.

`digests` knows where a file's digest can be learned, `reading` hashes files step by step and finds
damage, `usage` counts bytes once however many names a file has, `litter` decides what can go.
Deletes nothing but what `litter` names in llmd's own folders.
"""
