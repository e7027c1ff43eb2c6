"""What makes parts of this repository out of other parts; no part of the product, never in the wheel."""
