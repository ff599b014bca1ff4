"""How a model is deployed: terms.py turns an order into what is asked of other services, course.py
keeps how far a deployment is, carrying.py does the work, stage by stage.

Nouns: `Terms`, `Course`, `Carrier`. Which deployments there are, and what becomes of them when the
daemon stops, is for `llmd.services.deployments`.
"""

from llmd.services.deploying.carrying import Carrier
from llmd.services.deploying.course import Course
from llmd.services.deploying.terms import Terms, agreed

__all__ = ["Carrier", "Course", "Terms", "agreed"]
