"""What a model will take of memory before it is loaded, and how it is made to fit.

`Shape` says how it is to be run, `Subject` what it is made of; `compute_size` and `layout` turn the
two into bytes by device; `arrange` searches for what fits and, where nothing does, says what would.
`corrected` bends a plan by what earlier loads of the model really took, which `experience` keeps.
All but `experience` is arithmetic on values. Knows nothing of processes, and of devices only what
it is told.
"""

from llmd.models.placement.arranging import Fitting as Fitting
from llmd.models.placement.correcting import Lesson as Lesson
from llmd.models.placement.correcting import corrected as corrected
from llmd.models.placement.correcting import error as error
from llmd.models.placement.correcting import summed as summed
from llmd.models.placement.experience import Experience as Experience
from llmd.models.placement.experience import identity_of as identity_of
from llmd.models.placement.planning import arrange as arrange
from llmd.models.placement.projecting import projector_size as projector_size
from llmd.models.placement.repacking import repacked_types as repacked_types
from llmd.models.placement.shape import Shape as Shape
from llmd.models.placement.subject import Extras as Extras
from llmd.models.placement.subject import Subject as Subject
from llmd.models.placement.wishes import Wishes as Wishes
from llmd.models.placement.wishes import settle as settle
