# What the hostile battery would find on the machine if it got out: an abstract socket, shared memory
# and a message queue, each for everybody. Sourced after integration.sh: host_attractions.
host_attractions()
{
    python3 -c '
import ctypes, os, socket, time
libc = ctypes.CDLL(None, use_errno=True)
s = socket.socket(socket.AF_UNIX); s.bind("\0failcore-hostile-host"); s.listen()
os.umask(0)
assert libc.shmget(0x0fa11c0e, 4096, 0o1666) >= 0
assert libc.mq_open(b"/failcore-hostile", os.O_RDWR | os.O_CREAT, 0o666, None) >= 0
print("there", flush=True)
time.sleep(120)' >"$work/attractions" &
    attractions=$!
    at_exit "kill $attractions; ipcrm -M 0x0fa11c0e; python3 -c 'import ctypes; ctypes.CDLL(None).mq_unlink(b\"/failcore-hostile\")'"
    wait_until 10 grep -q there "$work/attractions"
}
