"""Functions run on chosen arguments, twice: with other values in all that nothing defines."""
