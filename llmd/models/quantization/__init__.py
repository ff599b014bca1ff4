"""Types of quantisation: what there is, what each is for, and what may be made from what.

Nouns: `FileType` (a mix of tensor types with a name such as Q4_K_M), the refusals of `rules`, the
names of variants (`name:TYPE`). Pure; the weights themselves are changed by llama.cpp in a process
of its own, see runtime/worker/quantize.py.
"""

from llmd.models.quantization.naming import SOURCE as SOURCE
from llmd.models.quantization.naming import stem_of as stem_of
from llmd.models.quantization.naming import variant_name as variant_name
from llmd.models.quantization.rules import check as check
from llmd.models.quantization.rules import refusal as refusal
from llmd.models.quantization.types import TYPES as TYPES
from llmd.models.quantization.types import FileType as FileType
from llmd.models.quantization.types import bits_of as bits_of
from llmd.models.quantization.types import find as find
from llmd.models.quantization.types import known as known
