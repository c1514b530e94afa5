"""What each converter does as a program: `MODULE SRC DST TYPE`, in a process of its own.

Reading a GGUF takes several times its memory, which is nobody's measurement.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from runners.worker.crashing import leave_no_core

NOT_INSTALLED = 4
"""Exit code where a package that it needs cannot be imported."""


def run_converter(convert: Callable[[Path, Path, str], None]) -> int:
    """Convert what the command line names.

    Args:
        convert: called with the GGUF, the folder to make, and the type of most of its parameters.

    Returns:
        Exit code 0, or another one after one line on stderr.
    """
    leave_no_core()
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("type", help="of most of the GGUF's parameters")
    arguments = parser.parse_args()
    try:
        convert(arguments.source, arguments.target, arguments.type)
    except ImportError as error:
        sys.stderr.write(f"{' '.join(str(error).split())}\n")
        return NOT_INSTALLED
    except (OSError, ValueError, RuntimeError, LookupError, AttributeError, TypeError) as error:
        sys.stderr.write(f"{' '.join(str(error).split()) or type(error).__name__}\n")
        return 1
    return 0
