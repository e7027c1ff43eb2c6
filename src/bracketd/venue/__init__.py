"""Where orders work: the Venue protocol and the paper exchange."""
