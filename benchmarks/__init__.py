"""`make bench`: speed as ratios to a baseline of the same run, write units by AWS's rules, import times.

Every figure comes from the product's own code paths. `docs/benchmarks.md` says what each one means and how far to trust
it; `build/bench.json` has the last run.
"""
