"""What is stale and why: pure functions of values, and questions of structure."""
