"""A station to run against: the AUXIP interface, a deterministic endless archive, and faults on demand.

It imports nothing of the rest of the package, so that what is tested against it cannot share its mistakes.
"""

from .app import create_app
from .options import Authentication, SimulatorOptions
from .server import serve

__all__ = ["Authentication", "SimulatorOptions", "create_app", "serve"]
