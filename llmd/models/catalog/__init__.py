"""Short names for models worth starting with, and where they are.

`catalog.toml` beside this package holds the entries that come with llmd; a user's own file of the
same form, `catalog.toml` in the configuration directory, adds to them and wins. `entry` is one
model, `reading` takes a file apart and passes over what is damaged, `catalogue` joins both files,
`resolution` turns what was typed into what is to be fetched, `finding` answers `llmd search`.
Knows nothing of downloads or of what is installed, except as arguments.
"""

from llmd.models.catalog.catalogue import Catalogue, builtin
from llmd.models.catalog.entry import Capability, Entry
from llmd.models.catalog.reading import Fault
from llmd.models.catalog.resolution import Wanted, canonical, variant_names, wanted

__all__ = [
    "Capability",
    "Catalogue",
    "Entry",
    "Fault",
    "Wanted",
    "builtin",
    "canonical",
    "variant_names",
    "wanted",
]
