"""The runner of Taskify: the program itself is in specs/, interfaces/ and modules/."""
