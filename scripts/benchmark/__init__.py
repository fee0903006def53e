"""What scripts/bench and scripts/bench-images are made of. Python's standard library only."""
