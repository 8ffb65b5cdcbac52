"""Documents to print: what stands on them as plain data, and their pages as PDF. What they say is decided elsewhere."""
