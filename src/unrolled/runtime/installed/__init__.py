"""What is installed, and which kernel computes each cell.

info.py  versions, devices, kernels, paths
"""

from unrolled.runtime.installed.info import Installation, describe_installation

__all__ = ["Installation", "describe_installation"]
