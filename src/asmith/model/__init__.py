"""Values only: names, digests, types, contracts, specs, records, steps and findings. No I/O."""
