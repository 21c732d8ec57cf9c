"""Running: the view of modules, the steps, their execution through doit, and adoption."""
