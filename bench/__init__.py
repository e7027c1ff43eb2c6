"""The measurements behind docs/performance.md: `make bench` runs them. No part of the wheel."""
