"""CrewAI: a tool that runs confined.

    Agent(tools=[ConfinedTool(name="shell", description="runs a shell line", argv=["sh", "-c"], options={"policy": "safe"})])
"""
try:
    from crewai.tools import BaseTool
except ImportError as missing:  # pragma: no cover
    raise SystemExit("crewai_tools needs crewai") from missing

import failcore


class ConfinedTool(BaseTool):
    argv: list = []
    options: dict = {}

    def _run(self, text: str) -> str:
        with failcore.run(**self.options) as tool:
            result = tool([*self.argv, text])
        return f"{result.status} (exit {result.exit})\n{result.output}"
