"""AutoGen: a code executor whose blocks run confined.

    CodeExecutorAgent("runner", code_executor=ConfinedExecutor(policy="safe"))
"""
try:
    from autogen_core.code_executor import CodeExecutor, CodeResult
except ImportError as missing:  # pragma: no cover
    raise SystemExit("autogen_executor needs autogen-core") from missing

import failcore

LANGUAGES = {"python": ["python3", "-"], "sh": ["sh", "-s"], "bash": ["bash", "-s"]}


class ConfinedExecutor(CodeExecutor):
    def __init__(self, **options):
        self.options = options

    async def execute_code_blocks(self, code_blocks, cancellation_token):
        output, code = "", 0
        async with failcore.run(**self.options) as tool:
            for block in code_blocks:
                result = await tool(LANGUAGES[block.language], block.code)
                output, code = output + result.output, result.exit
                if code:
                    break
        return CodeResult(exit_code=code, output=output)

    async def start(self):
        pass

    async def stop(self):
        pass

    async def restart(self):
        pass
