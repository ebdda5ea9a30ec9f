"""The main job from end to end, against the program as people start it."""
import io
import re
import shlex

from rich.console import Console

from server.demo.story import tell
from tests.e2e.server import run


async def test_the_story_that_run_py_tells_holds(served):
    told = io.StringIO()
    assert await tell(served.url, console=Console(file=told, width=120)) == 0, told.getvalue()


def test_the_command_that_the_greeting_names_tells_it_of_this_server(served):
    """Also on another port than the usual one."""
    [command] = re.findall(r"python3 run\.py (story.*)", served.printed())
    done = run(*shlex.split(command), data_dir=served.data_dir)
    assert done.returncode == 0, done.stdout[-2_000:]
    assert served.url in command
