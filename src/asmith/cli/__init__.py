"""The command line: arguments in, one message or one JSON object out, and an exit code."""
