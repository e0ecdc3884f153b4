"""Runs tools confined by failcore: a context manager, an asynchronous one, a decorator, a Session."""
import asyncio, functools, json, os, runpy, subprocess, sys, tempfile
from collections import namedtuple

Result = namedtuple("Result", "status exit output run blocked")  # OK FAIL BLOCKED TIMEOUT LIMIT

class run:  # noqa: N801 - reads as a word: with failcore.run(policy="safe") as tool: tool(["make"])
    def __init__(self, policy=("safe",), workspace=".", options=()):
        policies = [policy] if isinstance(policy, str) else policy
        self.options = [f"--policy={name}" for name in policies] + ["--workspace", str(workspace), *options]
    __enter__ = lambda self: self
    __exit__ = lambda self, *_: False
    async def __aenter__(self): return lambda argv, input=None: asyncio.to_thread(self, argv, input)
    async def __aexit__(self, *_): return False
    def __call__(self, argv, input=None):
        with tempfile.TemporaryFile("w+") as status:
            done = subprocess.run(["failcore", "run", *self.options, "--status-fd", str(status.fileno()), "--",
                                   *argv], input=input, stdout=subprocess.PIPE, text=True, pass_fds=[status.fileno()])
            status.seek(0)
            lines = {line["event"]: line for line in map(json.loads, status)}
        return self._result(done, lines.get("started", {}), lines.get("exit", {"cause": "failed"}))
    def _result(self, done, start, end):
        shown = subprocess.run(["failcore", "show", "--json", "--blocked", "--audit", start["audit"], start["run"]],
                               stdout=subprocess.PIPE, text=True).stdout if start else ""
        blocked = [json.loads(line) for line in shown.splitlines()]
        status = ("TIMEOUT" if done.returncode == 124 else "LIMIT" if end["cause"] == "limit" else
                  "BLOCKED" if blocked or end["cause"] == "failed" else "FAIL" if done.returncode else "OK")
        return Result(status, done.returncode, done.stdout, start.get("run"), blocked)

def guard(**options):  # The function runs in a Python of its own; arguments and result are JSON.
    def wrap(function):
        @functools.wraps(function)
        def confined(*args, **kwargs):
            result = run(**options)([sys.executable, os.path.abspath(__file__), os.path.abspath(
                function.__code__.co_filename), function.__name__], json.dumps([args, kwargs]))
            if result.exit:
                raise PermissionError(result) if result.blocked else RuntimeError(result)
            return json.loads(result.output.splitlines()[-1])
        return confined
    return wrap

class Session:
    def __init__(self, **options): self.run, self.tools = run(**options), {}
    def register(self, name, argv): self.tools[name] = list(argv)
    def call(self, name, *words, input=None): return self.run([*self.tools[name], *words], input)

if __name__ == "__main__":
    given = json.load(sys.stdin)
    print(json.dumps(runpy.run_path(sys.argv[1])[sys.argv[2]].__wrapped__(*given[0], **given[1])))
