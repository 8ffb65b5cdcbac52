"""The emulator's own process: ministack, with AWS's rules restored where it has others.

It runs in an environment of its own (`.venv-cloud`), because ministack pins its own botocore; so nothing in
here imports anything of ours outside this package. Versions are pinned: the patches touch ministack's private
names, each with the rule of AWS that it restores. One module per service in `patches/`.
"""
