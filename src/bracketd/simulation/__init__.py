"""The simulator: the real application under a simulated clock, disk and network, and somebody who catches it lying."""
