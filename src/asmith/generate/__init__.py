"""From a stale module to an answer: the request, the generators, and the grammar of answers."""
