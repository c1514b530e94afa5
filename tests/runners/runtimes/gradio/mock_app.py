"""A Gradio app without Gradio: the shipped mock, on the port that Gradio would be told.

Its manners come from the environment: APP_FAULTS, APP_ENDS (at once), APP_ELSEWHERE (another port).
"""

import os
import sys

from runners.endpoint.mock.options import MockOptions
from runners.endpoint.mock.server import MockServer

if os.environ.get("APP_ENDS"):
    sys.exit("ModuleNotFoundError: No module named 'llama_cpp'")
faults = tuple(filter(None, os.environ.get("APP_FAULTS", "").split(",")))
options = MockOptions(speaks=("gradio",), faults=faults)
port = 0 if os.environ.get("APP_ELSEWHERE") else int(os.environ["GRADIO_SERVER_PORT"])
MockServer(options, port=port).serve_forever()
