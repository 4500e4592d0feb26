"""What is installed here, what computes, and why."""

from unrolled.runtime.installed.info import Installation, describe_installation

__all__ = ["Installation", "describe_installation"]
