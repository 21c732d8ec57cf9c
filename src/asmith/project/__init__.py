"""A project on disk: configuration, specs and interfaces, joined into one workspace."""
