"""Checks: facts and contracts in, findings out. Nothing here touches a disk or starts a process."""
