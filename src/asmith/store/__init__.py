"""What is kept: answers and candidates, records, the state of the build, and the lock."""
