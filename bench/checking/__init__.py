"""What `./dev bench check` measures: the corpora, the mutants and their judgement."""
