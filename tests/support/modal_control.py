"""A control plane of Modal on this machine: takes a sandbox's requests and prints them as JSON.

Run as a script, since Modal's client reads its address when it is imported. Answers are empty but
where the client insists on more.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import threading
import time
from typing import Any

from google.protobuf.json_format import MessageToDict
from grpclib.server import Server
from modal_proto import api_grpc, api_pb2

ASKED: list[tuple[str, dict[str, Any]]] = []


def token() -> str:
    """A token that is not over yet, as the client looks into it."""
    parts = ({"alg": "none"}, {"exp": int(time.time()) + 3600})
    encoded = [base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=") for p in parts]
    return ".".join([*(part.decode() for part in encoded), "x"])


def control() -> Any:
    """An object with all of the service's calls."""
    base = api_grpc.ModalClientBase
    types: dict[str, Any] = {}
    built = api_pb2.GenericResult(status=api_pb2.GenericResult.GENERIC_STATUS_SUCCESS)
    filled = {
        "AuthTokenGet": {"token": token()},
        "AppGetOrCreate": {"app_id": "ap-1"},
        "EnvironmentGetOrCreate": {"environment_id": "en-1"},
        "ImageGetOrCreate": {"image_id": "im-1", "result": built},
        "SandboxCreateV2": {"sandbox_id": "sb-1"},
    }

    def handler(name: str) -> Any:
        async def answer(self: Any, stream: Any) -> None:
            request = await stream.recv_message()
            ASKED.append((name, MessageToDict(request)))
            await stream.send_message(types[name](**filled.get(name, {})))

        return answer

    calls = {name: handler(name) for name in base.__abstractmethods__}
    found = type("Control", (base,), calls)()
    for path, known in found.__mapping__().items():
        types[path.rpartition("/")[2]] = known.reply_type
    return found


def serve() -> int:
    """Serve from a thread; the port."""
    loop = asyncio.new_event_loop()
    server = Server([control()], loop=loop)
    loop.run_until_complete(server.start("127.0.0.1", 0))
    threading.Thread(target=loop.run_forever, daemon=True).start()
    port: int = server._server.sockets[0].getsockname()[1]
    return port


if __name__ == "__main__":
    os.environ |= {
        "MODAL_SERVER_URL": f"http://127.0.0.1:{serve()}", "MODAL_TOKEN_ID": "ak-x",
        "MODAL_TOKEN_SECRET": "as-x", "MODAL_IMAGE_BUILDER_VERSION": "2025.06",
    }  # fmt: skip
    from runners.executors.on_modal import lend
    from runners.executors.rented import Limits

    with lend(Limits(timeout_s=3600.0, cpus=2.0, memory_bytes=512 << 20)):
        pass
    sys.stdout.write(json.dumps(ASKED))
    sys.stdout.flush()
    os._exit(0)  # the client's own threads would be waited for
