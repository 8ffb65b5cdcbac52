"""The parts of `verify_books`: what the facts say, what the books say, and how they differ."""
