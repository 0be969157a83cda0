"""Stations to run against: AUXIP and CADIP, deterministic endless archives, and faults on demand.

It imports nothing of the rest of the package, so that what is tested against it cannot share its mistakes.
"""

from rs_assets.simulator.app import create_app
from rs_assets.simulator.options import Authentication, SimulatorOptions
from rs_assets.simulator.server import serve

__all__ = ["Authentication", "SimulatorOptions", "create_app", "serve"]
