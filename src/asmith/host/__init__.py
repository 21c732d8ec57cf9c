"""The doors to the machine: files, processes and the clock are reached through these alone."""
