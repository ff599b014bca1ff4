"""llama.cpp's C API in typed, owning wrappers, with NumPy views on its buffers. The only package
that imports llama_cpp.

Nouns: `Vocab`, `Model` (the weights), `Context` (a KV cache and compute buffers), `Batch` (what one
decode call carries), `SamplerChain`, `Projector` (pictures and sounds). Pointers are freed by
`close()`; nothing is freed behind the caller's back. Every binding used here has a regression test
in tests/unit/engine/bindings, because an upgrade of llama-cpp-python moves the C structs under it.
Knows nothing of requests or plans.
"""

from llmd.engine.bindings.adapters import Adapter as Adapter
from llmd.engine.bindings.batch import Batch as Batch
from llmd.engine.bindings.context import Context as Context
from llmd.engine.bindings.context import ContextShape as ContextShape
from llmd.engine.bindings.context import Pooling as Pooling
from llmd.engine.bindings.devices import Device as Device
from llmd.engine.bindings.devices import list_devices as list_devices
from llmd.engine.bindings.devices import offloads as offloads
from llmd.engine.bindings.devices import only_cpu as only_cpu
from llmd.engine.bindings.library import Bytes as Bytes
from llmd.engine.bindings.library import Floats as Floats
from llmd.engine.bindings.library import start_backend as start_backend
from llmd.engine.bindings.library import system_info as system_info
from llmd.engine.bindings.media import Bitmap as Bitmap
from llmd.engine.bindings.media import Patch as Patch
from llmd.engine.bindings.media import Projector as Projector
from llmd.engine.bindings.media import start_media as start_media
from llmd.engine.bindings.model import Model as Model
from llmd.engine.bindings.model import Place as Place
from llmd.engine.bindings.samplers import CANDIDATE as CANDIDATE
from llmd.engine.bindings.samplers import SamplerChain as SamplerChain
from llmd.engine.bindings.vocab import Vocab as Vocab
