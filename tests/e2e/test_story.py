"""The main job from end to end, against the program as people start it."""
import io

from rich.console import Console

from server.demo.story import tell


async def test_the_story_that_run_py_tells_holds(served):
    told = io.StringIO()
    assert await tell(served.url, console=Console(file=told, width=120)) == 0, told.getvalue()
