"""LangGraph: a node whose tools run confined.

    graph.add_node("tools", tool_node(policy="safe", tools={"shell": ["sh", "-c"]}))
"""
try:
    from langchain_core.messages import ToolMessage
except ImportError as missing:  # pragma: no cover
    raise SystemExit("langgraph_tools needs langchain-core") from missing

from failcore import Session


def tool_node(tools, **options):
    session = Session(**options)
    for name, argv in tools.items():
        session.register(name, argv)

    def node(state):
        messages = []
        for call in state["messages"][-1].tool_calls:
            result = session.call(call["name"], *map(str, call["args"].values()))
            text = f"{result.status} (exit {result.exit})\n{result.output}"
            messages.append(ToolMessage(content=text, tool_call_id=call["id"]))
        return {"messages": messages}

    return node
