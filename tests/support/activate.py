"""Socket activation of one service, as failcore-auditd.socket does it.

    activate.py SOCKET NAME FILE CMD...

Listens on SOCKET, starts CMD with it when somebody connects, and writes what CMD says to FILE.
"""

import os
import select
import socket
import sys

place, name, said, command = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listener.bind(place)
listener.listen(8)
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(said + ".notify")
os.chmod(said + ".notify", 0o666)  # the writer is not root
print("listening", flush=True)
select.select([listener], [], [])
child = os.fork()
if child == 0:
    os.dup2(listener.fileno(), 3)
    os.set_inheritable(3, True)
    os.execve(command[0], command, dict(os.environ, LISTEN_PID=str(os.getpid()), LISTEN_FDS="1",
                                        LISTEN_FDNAMES=name, NOTIFY_SOCKET=said + ".notify",
                                        WATCHDOG_USEC="400000"))
manager.settimeout(0.1)
with open(said, "w") as out:
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        try:
            print(manager.recv(4096).decode().replace("\n", " "), file=out, flush=True)
        except TimeoutError:
            pass
