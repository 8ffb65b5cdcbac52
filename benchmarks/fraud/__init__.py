"""What the detectors find, and what they miss: a world of partners with labelled attacks, judged day by day."""
