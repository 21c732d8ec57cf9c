"""What the iteration log says, for people: tables on a terminal, JSON, and one page with plots."""
