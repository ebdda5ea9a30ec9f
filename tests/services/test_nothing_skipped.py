"""With --services a skipped test is a failed test, however it was skipped."""

from tests.services.test_shared import pytest_runs

_WAYS = {
    "a_call": "def test_it():\n    pytest.skip('no reason')\n",
    "a_mark": "@pytest.mark.skip(reason='no reason')\ndef test_it():\n    pass\n",
    "a_condition": "@pytest.mark.skipif('True', reason='no reason')\ndef test_it():\n    pass\n",
    "a_fixture": "@pytest.fixture\ndef thing():\n    pytest.skip('no reason')\n\ndef test_it(thing):\n    pass\n",
    "a_whole_file": "pytest.skip('no reason', allow_module_level=True)\n",
    "a_thing_of_ours": "from tests.services.demand import leave_out\n\ndef test_it():\n    leave_out('no reason')\n",
    "an_expected_failure": "@pytest.mark.xfail(strict=True)\ndef test_it():\n    assert False\n",
    "nothing": "def test_it():\n    pass\n",
}
_FILES = {f"test_{name}.py": f"import pytest\n\n{content}" for name, content in _WAYS.items()}
_PLUGINS = ["tests.services.nothing_skipped"]


def test_every_kind_of_skip_fails_where_everything_must_run(tmp_path):
    code, said = pytest_runs(tmp_path, _FILES, plugins=_PLUGINS, PEIHU_TEST_SERVICES="1")
    assert code == 2 and "1 error" in said, said  # the whole file, before any test ran
    assert "nothing is skipped with --services" in said and "no reason" in said
    code, said = pytest_runs(
        tmp_path, {}, plugins=_PLUGINS, options=["--continue-on-collection-errors"], PEIHU_TEST_SERVICES="1"
    )
    assert code == 1 and "2 failed, 1 passed, 1 xfailed, 4 errors" in said, said


def test_elsewhere_they_are_skips(tmp_path):
    code, said = pytest_runs(tmp_path, _FILES, plugins=_PLUGINS)
    assert code == 0 and "1 passed, 6 skipped, 1 xfailed" in said, said
