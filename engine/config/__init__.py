"""The deployment's YAML, typed and checked; everything of the trade stands there and not in code."""

from engine.config.deployment import Deployment, find_root, load_deployment
from engine.config.paths import Paths
from engine.config.problems import ConfigError, Problem

__all__ = ["ConfigError", "Deployment", "Paths", "Problem", "find_root", "load_deployment"]
