"""A server of a few lines, as a script: it listens, answers 200, and misbehaves as it is told.

Usage: python -I -S tiny_server.py PORT [MODE]…
"""

import os
import signal
import socket
import subprocess
import sys
import time

port, modes = int(sys.argv[1]), sys.argv[2:]
if "refuses" in modes:
    sys.stderr.write("error: no such model\n")
    sys.exit(3)
if "daemonises" in modes and os.fork():
    sys.exit(0)
if "daemonises" in modes:
    os.setsid()
if "helper" in modes:  # a child that is a good one, and one that leaves the tree
    subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"])
if "leaves" in modes:
    if (between := os.fork()) == 0:
        if os.fork() == 0:
            os.setsid()
            time.sleep(600)
        os._exit(0)
    os.waitpid(between, 0)
if "deaf" in modes:
    time.sleep(600)
if "stubborn" in modes:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
listener.bind(("127.0.0.1", port))
listener.listen()
sys.stdout.write("listening\n")
sys.stdout.flush()
while True:
    connection, _ = listener.accept()
    asked = connection.recv(4096)
    if "dies" in modes:
        os.kill(os.getpid(), signal.SIGSEGV)
    status = b"503 Loading" if "loads" in modes else b"200 OK"
    connection.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Length: 2\r\n\r\nok")
    connection.close()
