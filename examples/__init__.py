"""Programs that trade, and their tests; docs/tutorial.md walks through them."""
