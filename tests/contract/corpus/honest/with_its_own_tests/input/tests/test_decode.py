import json
from pathlib import Path
import pytest
import plugin
CASES = json.loads((Path(__file__).parent / 'cases.json').read_text())
@pytest.mark.parametrize('case', CASES)
def test_it(case, payload):
    print(case)
    with open(__file__) as file:
        assert file.read()
    assert plugin.decode(payload, 1) == {'n': 2}
