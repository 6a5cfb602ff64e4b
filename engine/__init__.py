"""The engine of abaco-ops: everything that is done, measured and recorded; it never knows a screen."""

__version__ = "0.1.0"
