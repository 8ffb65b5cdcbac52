"""Runs one function the way AWS does: its interface client polls the runtime API and calls the handler.

Started by the package that `expanding.package` makes, in the project's environment, inside the function's
folder.
"""

import os
import sys
import threading
import time
from pathlib import Path


def _end_with(parent: int) -> None:
    """An emulator that was killed cannot stop its workers; so they look after it themselves."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    sys.path.insert(0, str(Path.cwd()))
    from awslambdaric.__main__ import main

    main(sys.argv)
