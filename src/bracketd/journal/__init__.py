"""What is kept: the journal and its guarantee."""
