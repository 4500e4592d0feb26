"""A recurrent layer in C: the fastest way to carry a cell over time on a CPU.

`library` finds and loads what the build made; `carry` is the function that training and prediction call.
docs/kernels.md explains the C.
"""
