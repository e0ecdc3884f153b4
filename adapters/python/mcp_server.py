"""MCP: a server whose one tool runs a shell line confined, in the directory it was started in."""
try:
    from mcp.server.fastmcp import FastMCP
except ImportError as missing:  # pragma: no cover
    raise SystemExit("mcp_server needs mcp") from missing

import failcore

server = FastMCP("confined shell")


@server.tool()
async def shell(line: str) -> str:
    """Runs a shell line; what the policy does not allow is refused."""
    async with failcore.run(policy="safe") as tool:
        result = await tool(["sh", "-c", line])
    return f"{result.status} (exit {result.exit})\n{result.output}"


if __name__ == "__main__":
    server.run()
