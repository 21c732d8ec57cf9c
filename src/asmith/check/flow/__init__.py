"""The flow of instructions: what every path through a function does to registers and stack."""
