"""Uses each adapter, with stubs of the libraries that are not installed. Run in a workspace."""
import asyncio
import pathlib
import sys
import types

sys.path.insert(0, sys.argv[1])
audit = sys.argv[2]
import failcore  # noqa: E402

OPTIONS = {"policy": "fs_sandbox", "options": ["--no-net", "--audit", audit]}
passed = 0


def expect(name, condition, value):
    global passed
    if not condition:
        raise SystemExit(f"{name}: {value!r}")
    passed += 1


def module(name, **members):
    made = types.ModuleType(name)
    made.__dict__.update(members)
    sys.modules[name] = made
    parent, _, child = name.rpartition(".")
    if parent:
        module(parent) if parent not in sys.modules else None
        setattr(sys.modules[parent], child, made)


# The functions of the adapter itself.
with failcore.run(**OPTIONS) as tool:
    result = tool(["sh", "-c", "echo made >made && cat notes"])
    expect("allowed", result.status == "OK" and result.output == "text\n" and not result.blocked, result)
    expect("written", pathlib.Path("made").read_text() == "made\n", None)
    result = tool(["cat", ".env"])
    expect("denied", result.status == "BLOCKED" and result.exit == 1, result)
    expect("the record", result.blocked[0]["code"] == "PATH_DENIED", result.blocked)
    result = tool(["sh", "-c", "exit 7"])
    expect("failed by itself", (result.status, result.exit) == ("FAIL", 7), result)
    result = tool(["no-such-program"])
    expect("not found", (result.status, result.exit) == ("FAIL", 127), result)
    result = tool(["cat"], "through\n")
    expect("input", result.output == "through\n", result)
result = failcore.run(policy="no_such_policy")(["true"])
expect("a bad policy runs nothing", result.status == "BLOCKED" and result.exit and result.run is None, result)


async def asynchronous():
    async with failcore.run(**OPTIONS) as tool:
        results = await asyncio.gather(tool(["cat", "notes"]), tool(["cat", ".env"]))
    return [result.status for result in results]


expect("async", asyncio.run(asynchronous()) == ["OK", "BLOCKED"], None)

tools = pathlib.Path("tools.py")
tools.write_text(
    f"import sys\nsys.path.insert(0, {sys.argv[1]!r})\nimport failcore\n"
    f"@failcore.guard(policy='fs_sandbox', options=['--no-net', '--audit', {audit!r}])\n"
    "def read(name, times=1):\n    return open(name).read() * times\n"
)
sys.path.insert(0, ".")
import tools as guarded  # noqa: E402

expect("decorated", guarded.read("notes", times=2) == "text\ntext\n", None)
try:
    guarded.read(".env")
    expect("decorated and denied", False, "no exception")
except PermissionError as error:
    expect("decorated and denied", error.args[0].status == "BLOCKED", error)

session = failcore.Session(**OPTIONS)
session.register("show", ["cat"])
expect("session", session.call("show", "notes").status == "OK", None)
expect("session, denied", session.call("show", ".env").status == "BLOCKED", None)

# The libraries' adapters, with just enough of the libraries.
Message = types.SimpleNamespace
module("langchain_core.messages", ToolMessage=Message)
import langgraph_tools  # noqa: E402

node = langgraph_tools.tool_node({"shell": ["sh", "-c"]}, **OPTIONS)
call = Message(tool_calls=[{"name": "shell", "args": {"line": "cat .env"}, "id": "1"}])
answer = node({"messages": [call]})["messages"][0]
expect("langgraph", answer.tool_call_id == "1" and answer.content.startswith("BLOCKED"), answer)


class BaseTool:
    def __init__(self, **members):
        self.__dict__.update(members)


module("crewai.tools", BaseTool=BaseTool)
import crewai_tools  # noqa: E402

tool = crewai_tools.ConfinedTool(name="shell", argv=["sh", "-c"], options=OPTIONS)
expect("crewai", tool._run("cat notes") == "OK (exit 0)\ntext\n", None)

module("autogen_core.code_executor", CodeExecutor=object, CodeResult=Message)
import autogen_executor  # noqa: E402

executor = autogen_executor.ConfinedExecutor(**OPTIONS)
blocks = [Message(language="python", code="print(6 * 7)"), Message(language="sh", code="cat .env")]
answer = asyncio.run(executor.execute_code_blocks(blocks, None))
expect("autogen", answer.output == "42\n" and answer.exit_code == 1, answer)


class FastMCP:
    def __init__(self, name):
        self.tools = {}

    def tool(self):
        return lambda function: self.tools.setdefault(function.__name__, function)


module("mcp.server.fastmcp", FastMCP=FastMCP)
import mcp_server  # noqa: E402

mcp_server.failcore.run = lambda policy, original=failcore.run: original(**OPTIONS)
expect("mcp", asyncio.run(mcp_server.server.tools["shell"]("cat notes")) == "OK (exit 0)\ntext\n", None)
print(f"{passed} expectations held")
