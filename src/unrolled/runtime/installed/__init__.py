"""What is installed, and which kernel computes each cell."""

from unrolled.runtime.installed.info import Installation, describe_installation

__all__ = ["Installation", "describe_installation"]
