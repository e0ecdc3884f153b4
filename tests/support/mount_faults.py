"""Faults of failcore-mount and its log writer under load; run by scripts/faults.

    python3 tests/support/mount_faults.py ROUNDS SEED [FAULT]...

In each round four threads make and write files through the mount and try to read and to replace one
that the policy denies, while the fault strikes at a random moment. Whatever happens:

  nothing disallowed    the denied file is never read, and is as it was
  nothing unrecorded    every name that was made in the tree is in the log
  fails closed          a call that fails does so with one of the errors that a refusal has, and what
                        was refused was not made
  the log verifies
"""
import errno
import glob
import json
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

BUILT = os.environ["FAILCORE_BUILD_DIR"] + "/bin"
STEPPED = os.environ["FAILCORE_BUILD_DIR"] + "/stepped"  # with a wall clock of their own
PROGRAMS = ("failcore", "failcore-mount", "failcore-auditd")
SECRET = b"the key that stays\n"
# ECANCELED: what the kernel's rings say of requests whose server has died.
REFUSALS = {errno.ECANCELED, errno.EACCES, errno.EIO, errno.ENOTCONN, errno.ECONNABORTED, errno.EMFILE, errno.ENFILE,
            errno.ENOENT, errno.ENOSPC}
POLICY = """version: 1
name: faults
filesystem:
  default: allow
  rules:
    - {id: keys, action: deny, paths: ["**/*.pem"]}
"""
TIGHTER = POLICY + '    - {id: shut, action: deny, operations: [create], paths: ["work/shut*"]}\n'


def send(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


class Fixture:
    """A mount with its log and the disks that they lie on: plain, tmpfs, small (one that fills up) or faulty."""
    def __init__(self, log_disk, workspace_disk, programs):
        self.programs = programs
        self.top = tempfile.mkdtemp(prefix="failcore-faults.")
        self.source, self.mount, self.audit = (f"{self.top}/{n}" for n in ("source", "mount", "audit"))
        self.bin = f"{self.top}/bin"
        os.mkdir(self.bin)
        self.install()
        self.policy = f"{self.top}/policy.yaml"
        os.environ["FAILCORE_STATE"] = f"{self.top}/state"
        for directory in (self.source, self.mount, self.audit):
            os.mkdir(directory)
        self.control = f"{self.top}/disk-control"
        self.disk_servers = []
        self.disks = []
        self.memory_lost_at = None
        self.lay(log_disk, self.audit)
        self.lay(workspace_disk, self.source)
        os.mkdir(f"{self.source}/work")
        with open(f"{self.source}/work/key.pem", "wb") as out:
            out.write(SECRET)
        self.say(POLICY)
        self.server = None

    def install(self):
        """As a package does it: a new file in the place of the old one, which may be running."""
        for name in PROGRAMS:
            shutil.copy(f"{self.programs}/{name}", f"{self.bin}/{name}.new")
            os.rename(f"{self.bin}/{name}.new", f"{self.bin}/{name}")
        self.step_clock(0)

    def step_clock(self, nanoseconds):
        """What the programs of STEPPED add to the time, all of them at once."""
        step = f"{self.bin}/clock-step"
        with open(step, "r+b" if os.path.exists(step) else "wb") as out:
            out.write(struct.pack("q", nanoseconds))

    def lay(self, disk, place):
        if disk == "plain":
            return
        self.disks.append(place)
        if disk == "faulty":
            self.serve_disk(place)
            return
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m" if disk == "small" else "size=256m", "tmpfs", place],
                       check=True)

    def serve_disk(self, place):
        os.mkdir(f"{place}.disk")
        self.disk_servers.append(subprocess.Popen([f"{BUILT}/faulty_fs", self.control, f"{place}.disk",
                                                   "-f", "-o", "allow_other", place],
                                                  stderr=subprocess.DEVNULL))
        for _ in range(100):
            if os.path.ismount(place):
                return
            time.sleep(0.05)
        raise RuntimeError("the faulty disk did not come up")

    def say(self, text):
        with open(f"{self.policy}.new", "w", encoding="ascii") as out:
            out.write(text)
        os.rename(f"{self.policy}.new", self.policy)

    def serve(self):
        reader, writer = os.pipe()
        self.server = subprocess.Popen(
            [f"{self.bin}/failcore-mount", "-f", "--ready-fd", str(writer), "--policy", self.policy,
             "--audit", self.audit, self.source, self.mount], pass_fds=[writer],
            stderr=open(f"{self.top}/errors", "ab"))
        os.close(writer)
        ready = os.read(reader, 1)
        os.close(reader)
        if ready != b"R":
            raise RuntimeError("the mount did not come up: " + open(f"{self.top}/errors").read())

    def writers(self):
        """The log writers of this log: by their argument, and of nobody else's log."""
        found = []
        for path in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                words = open(path, "rb").read().split(b"\0")
            except OSError:
                continue
            if b"failcore-auditd" in words[0] and self.audit.encode() in words[1:]:
                found.append(int(path.split("/")[2]))
        return found

    def reload(self):
        return subprocess.run([f"{self.bin}/failcore-mount", "--reload", self.mount], timeout=20,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)

    def end_server(self):
        if self.server is None:
            return
        self.server.send_signal(signal.SIGCONT)
        self.server.terminate()
        try:
            self.server.wait(10)
        except subprocess.TimeoutExpired:
            self.server.kill()
            self.server.wait()
        self.server = None

    def clear(self):
        self.end_server()
        with open("/proc/self/mountinfo", encoding="ascii") as mounts:
            mounted = mounts.read()
        if f" {self.mount} " in mounted:
            subprocess.run(["umount", "-l", self.mount], check=False)
        for pid in self.writers():
            send(pid, signal.SIGCONT)
            send(pid, signal.SIGTERM)
        for _ in range(200):
            if not self.writers():
                break
            time.sleep(0.1)
        for pid in self.writers():
            send(pid, signal.SIGKILL)
        for place in self.disks:
            subprocess.run(["umount", "-l", place], check=False)
        for server in self.disk_servers:
            server.terminate()  # somebody's mount namespace may still have a copy of its mount
            server.wait(10)
        shutil.rmtree(self.top, ignore_errors=True)


class Load:
    def __init__(self, fixture, tag):
        self.fixture, self.tag = fixture, tag
        self.stop = False
        self.done = self.refused = 0
        self.broken = []
        self.threads = [threading.Thread(target=self.work, args=(n,), daemon=True) for n in range(4)]

    def attempt(self, call, path):
        try:
            call(path)
            self.done += 1
            return True
        except OSError as error:
            self.refused += 1
            if error.errno not in REFUSALS:
                self.broken.append(f"{path}: {errno.errorcode.get(error.errno, error.errno)}")
            return False

    def write(self, path):
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            os.write(fd, b"hello\n")
        finally:
            os.close(fd)

    def work(self, number):
        base = f"{self.fixture.mount}/work"
        count = 0
        while not self.stop:
            count += 1
            self.attempt(self.write, f"{base}/f{self.tag}-{number}-{count}")
            self.attempt(os.mkdir, f"{base}/d{self.tag}-{number}-{count}")
            try:
                with open(f"{base}/key.pem", "rb") as key:
                    self.broken.append(f"the denied file was read: {key.read(9)!r}")
            except OSError:
                pass
            try:
                os.rename(f"{base}/d{self.tag}-{number}-{count}", f"{base}/key.pem")
                self.broken.append("the denied name was taken")
            except OSError:
                pass
            time.sleep(0.002)

    def begin(self):
        for thread in self.threads:
            thread.start()

    def end(self):
        self.stop = True
        for thread in self.threads:
            thread.join(30)
            if thread.is_alive():
                self.broken.append("a call never came back")


def fill(place):
    try:
        with open(f"{place}/filler", "wb") as out:
            while True:
                out.write(b"\0" * 65536)
                out.flush()
    except OSError:
        pass


def signal_writers(fixture, number):
    for pid in fixture.writers():
        send(pid, number)


def set_descriptors(pid, soft, hard):
    """As the user whose process it is: for another's CAP_SYS_RESOURCE is needed, which not every root has."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        ids = {line.split(":")[0]: line.split()[1] for line in status if line.startswith(("Uid:", "Gid:"))}
    subprocess.run(["setpriv", "--reuid", ids["Uid"], "--regid", ids["Gid"], "--clear-groups",
                    "prlimit", "--pid", str(pid), f"--nofile={soft}:{hard}"], check=True)


def descriptor_limits(pid):
    with open(f"/proc/{pid}/limits", encoding="ascii") as limits:
        return re.search(r"^Max open files +(\w+) +(\w+)", limits.read(), re.MULTILINE).groups()


def descriptors(fixture, pid):
    """No more descriptors than it has: the soft limit of the process goes down to what is open."""
    open_now = len(os.listdir(f"/proc/{pid}/fd"))
    before = descriptor_limits(pid)
    set_descriptors(pid, open_now, before[1])
    return lambda: set_descriptors(pid, *before)


def strike_server_kill(fixture, _):
    fixture.server.kill()
    fixture.server.wait()
    time.sleep(0.2)
    fixture.server = None


def strike_server_stop(fixture, chance):
    fixture.server.send_signal(signal.SIGSTOP)
    time.sleep(chance.uniform(0.1, 0.8))
    fixture.server.send_signal(signal.SIGCONT)


def strike_server_descriptors(fixture, chance):
    heal = descriptors(fixture, fixture.server.pid)
    time.sleep(chance.uniform(0.1, 0.6))
    heal()


def strike_writer_kill(fixture, _):
    """The one that writes: another takes its place."""
    for pid in fixture.writers():
        try:
            files = [os.readlink(f"/proc/{pid}/fd/{n}") for n in os.listdir(f"/proc/{pid}/fd")]
        except OSError:
            continue
        if any(file.startswith(f"{fixture.audit}/log/") for file in files):
            os.kill(pid, signal.SIGKILL)
    time.sleep(1)


def strike_writers_kill(fixture, _):
    """All of them: the mount stays closed until it is begun again."""
    signal_writers(fixture, signal.SIGKILL)
    time.sleep(0.5)
    try:
        os.mkdir(f"{fixture.mount}/work/late")
    except OSError:
        pass
    fixture.end_server()


def strike_writer_stop(fixture, chance):
    pids = fixture.writers()
    for pid in pids:
        send(pid, signal.SIGSTOP)
    time.sleep(chance.uniform(0.1, 1.5))
    for pid in pids:
        send(pid, signal.SIGCONT)


def strike_writer_descriptors(fixture, chance):
    heals = [descriptors(fixture, pid) for pid in fixture.writers()]
    time.sleep(chance.uniform(0.1, 0.6))
    for heal in heals:
        try:
            heal()
        except ProcessLookupError:
            pass


def strike_log_full(fixture, chance):
    fill(fixture.audit)
    time.sleep(chance.uniform(0.2, 1.0))
    os.unlink(f"{fixture.audit}/filler")
    time.sleep(0.3)


def strike_workspace_full(fixture, chance):
    fill(fixture.source)
    time.sleep(chance.uniform(0.2, 1.0))
    os.unlink(f"{fixture.source}/filler")


def with_control(fixture, word, seconds):
    with open(fixture.control, "w", encoding="ascii") as control:
        control.write(word)
    time.sleep(seconds)
    os.unlink(fixture.control)


def strike_log_eio(fixture, chance):
    """What could not be made durable is not known to be there: the writer ends, and is begun again."""
    with_control(fixture, "eio", chance.uniform(0.1, 1.5))
    fixture.end_server()


def strike_log_slow(fixture, chance):
    with_control(fixture, str(chance.randint(20, 400)), chance.uniform(0.5, 2.0))


def strike_workspace_eio(fixture, chance):
    with_control(fixture, "eio", chance.uniform(0.1, 1.5))


def strike_workspace_slow(fixture, chance):
    with_control(fixture, str(chance.randint(20, 400)), chance.uniform(0.5, 2.0))


def out_of_memory(pid):
    """The kernel's own kill: the process alone in a group that has no memory left for it."""
    group = f"{MEMORY_GROUPS}/failcore-faults.{os.getpid()}.{pid}"
    os.mkdir(group)
    try:
        with open(f"{group}/memory.limit_in_bytes", "w", encoding="ascii") as limit:
            limit.write("4096")
        with open(f"{group}/cgroup.procs", "w", encoding="ascii") as members:
            members.write(str(pid))
        for _ in range(60):
            if "\noom_kill 0" not in open(f"{group}/memory.oom_control", encoding="ascii").read():
                return True
            time.sleep(0.05)
        send(pid, signal.SIGKILL)
        return False
    finally:
        time.sleep(0.2)
        os.rmdir(group)


def strike_server_oom(fixture, _):
    if not out_of_memory(fixture.server.pid):
        raise AssertionError("the kernel did not kill the server")
    fixture.server.wait()
    fixture.server = None


def strike_writer_oom(fixture, _):
    """The one that writes, which is the younger: its keeper asks for no memory."""
    killed = any(out_of_memory(pid) for pid in sorted(fixture.writers(), reverse=True))
    fixture.end_server()
    if not killed:
        raise AssertionError("the kernel killed no writer")


def strike_upgrade(fixture, _):
    """What runs goes on with what it has; what begins later, with what is there then."""
    fixture.install()
    answer = fixture.reload()
    if answer.returncode != 0:
        raise AssertionError(f"a reload across an upgrade: {answer.stderr.decode()}")
    signal_writers(fixture, signal.SIGKILL)
    time.sleep(0.5)
    fixture.end_server()


def strike_clock_step(fixture, chance):
    """Of our programs' wall clock only: they are those that tests/support/stepped_clock.c is linked into."""
    steps = [30, 3600, 86400, 10 * 365 * 86400]
    for _ in range(3):
        fixture.step_clock(chance.choice(steps) * chance.choice([-1, 1]) * 10**9)
        time.sleep(chance.uniform(0.05, 0.4))
    fixture.step_clock(0)
    for _ in range(100):
        if sum('"kind":"CLOCK_STEP"' in line for line in records_of(fixture)) >= 2:
            return
        time.sleep(0.1)
    raise AssertionError("the steps of the clock are not in the log")


def strike_policy_broken(fixture, _):
    fixture.say("version: 1\nfilesystem: 7\n")
    answer = fixture.reload()
    if answer.returncode != 65 or b"  try: " not in answer.stderr:
        raise AssertionError(f"a broken policy: exit {answer.returncode}: {answer.stderr.decode()}")


def strike_policy_replaced(fixture, chance):
    for _ in range(10):
        fixture.say(TIGHTER)
        fixture.reload()
        time.sleep(chance.uniform(0, 0.05))
        fixture.say(POLICY)
        fixture.reload()


def strike_all_die(fixture, chance):
    """Producer, writer and keeper at once: what was only in the memory that they shared goes with them."""
    fixture.memory_lost_at = time.time()
    strike = [strike_server_kill, lambda f, _: signal_writers(f, signal.SIGKILL)]
    chance.shuffle(strike)
    for kill in strike:
        kill(fixture, chance)


FAULTS = {f"mount-{name[7:].replace('_', '-')}": call
          for name, call in list(globals().items()) if name.startswith("strike_")}


LAST_MOMENT = 0.25  # seconds; the writer looks every few milliseconds
# On a tmpfs what is written is memory that cannot be given back: so its writer can run out of it.
DISKS = {"mount-log-full": "small", "mount-writer-oom": "tmpfs", "mount-log-eio": "faulty",
         "mount-log-slow": "faulty"}
WORKSPACE_DISKS = {"mount-workspace-full": "small", "mount-workspace-eio": "faulty",
                   "mount-workspace-slow": "faulty"}
MEMORY_GROUPS = "/sys/fs/cgroup/memory"


def why_not(name):
    if name.endswith("-oom") and not os.path.exists(f"{MEMORY_GROUPS}/memory.oom_control"):
        return "no memory controller of cgroup v1"
    return ""


def records_of(fixture):
    lines = []
    for path in sorted(glob.glob(f"{fixture.audit}/log/*.jsonl")):
        with open(path, encoding="utf-8", errors="replace") as log:
            lines += log
    return lines


def recorded_names(fixture):
    return {name for line in records_of(fixture) for name in re.findall(r'"path2?":"(work/[^"]*)"', line)}


def out_of_order(fixture):
    """A record behind one that came later, by the number that it has and by the clock that nobody sets."""
    last = {}
    for number, line in enumerate(records_of(fixture)):
        record = json.loads(line)
        if record["seq"] != number or int(record["mono"]) < last.get(record["producer"], 0):
            return [f"record {record['seq']} is out of order"]
        last[record["producer"]] = int(record["mono"])
    return []


def unrecorded(fixture):
    made = {f"work/{name}" for name in os.listdir(f"{fixture.source}/work")} - {"work/key.pem"}
    for _ in range(100):
        missing = made - recorded_names(fixture)
        if not missing:
            return made, []
        time.sleep(0.1)
    return made, sorted(name for name in missing if not died_with_memory(fixture, name))


def died_with_memory(fixture, name):
    """The stated residual (docs/threat-model.md): of the last moment before all of them were killed."""
    since = fixture.memory_lost_at
    return since is not None and os.stat(f"{fixture.source}/{name}").st_ctime >= since - LAST_MOMENT


def one_round(name, chance):
    fixture = Fixture(DISKS.get(name, "plain"), WORKSPACE_DISKS.get(name, "plain"),
                      STEPPED if name == "mount-clock-step" else BUILT)
    broken = []
    done = refused = 0
    load, again = Load(fixture, 0), Load(fixture, 1)
    try:
        fixture.serve()
        load.begin()
        time.sleep(chance.uniform(0.05, 0.8))
        try:
            FAULTS[name](fixture, chance)
        except AssertionError as error:
            broken.append(str(error))
        time.sleep(0.3)
        load.end()
        if fixture.server is None:
            fixture.serve()
        again.begin()
        time.sleep(0.4)
        again.end()
        if again.done == 0:
            broken.append("nothing works after the fault is gone")
        for each in (load, again):
            broken += each.broken
            done += each.done
            refused += each.refused
        fixture.end_server()
        made, missing = unrecorded(fixture)
        if missing:
            broken.append(f"{len(missing)} of {len(made)} names are not in the log: {missing[:3]}")
        broken += out_of_order(fixture)
        with open(f"{fixture.source}/work/key.pem", "rb") as key:
            if key.read() != SECRET:
                broken.append("the denied file has changed")
        verdict = subprocess.run([f"{fixture.bin}/failcore", "audit", "verify", fixture.audit],
                                 capture_output=True, text=True, check=False)
        if verdict.returncode != 0:
            broken.append("the log does not verify: " + verdict.stdout + verdict.stderr)
    except Exception as error:  # pylint: disable=broad-except
        broken.append(f"{type(error).__name__}: {error}")
    finally:
        load.stop = again.stop = True
        fixture.clear()
    return broken, done, refused


def main():
    rounds, seed = int(sys.argv[1]), int(sys.argv[2])
    status = 0
    for name in sys.argv[3:] or FAULTS:
        if name not in FAULTS:
            sys.exit(f"no fault named {name}; there are: {' '.join(FAULTS)}")
        if why_not(name):
            print(f"{name}: not tried: {why_not(name)}")
            continue
        done = refused = 0
        broken = []
        for number in range(rounds):
            found, now_done, now_refused = one_round(name, random.Random(f"{seed} {name} {number}"))
            broken += found
            done += now_done
            refused += now_refused
        print(f"{name}: {rounds} rounds, {done} operations done, {refused} refused, "
              f"{len(broken)} broken", flush=True)
        for line in broken[:10]:
            print(f"  {line}")
        status |= 1 if broken else 0
    sys.exit(status)


if __name__ == "__main__":
    main()
