from pathlib import Path

import pytest

from treaty_cli.demo import corpora
from treaty_cli.demo.corpora import Corpus, CorpusError
from treaty_events.networks import Network

PLUGINS = Path(__file__).parents[3] / "plugins"


def test_the_shipped_corpora_are_read_whole(found: dict[str, Corpus]) -> None:
    assert {corpus.network for corpus in found.values()} == {
        Network.CHIRPSTACK,
        Network.LORIOT,
        Network.THINGS_STACK,
    }
    am307 = found["milesight-am307.loriot"]
    assert am307.plugin == PLUGINS / "milesight-am300"
    assert [case.name for case in am307.cases] == ["payload.json", "payload_1.json"]
    assert [t.own_time for t in am307.cases[1].telemetry] == [None, 214578533000]
    assert am307.cases[0].telemetry[0].values["temperature"] == 23.8


def test_the_unknown_device_has_no_plugin(found: dict[str, Corpus]) -> None:
    assert found["netvox-r718n3.thingsstackindustries"].plugin is None


def test_a_missing_corpus_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="decentlab-dl-xyz"):
        corpora.load({"decentlab-dl-xyz.chirpstack"}, tmp_path)


@pytest.mark.parametrize("text", ["{", "{}", '{"device": "d", "network": "Sigfox", "cases": []}'])
def test_a_broken_corpus_is_named(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "acme/vectors/uplinks"
    folder.mkdir(parents=True)
    (folder / "acme.json").write_text(text)
    with pytest.raises(CorpusError, match="acme"):
        corpora.load({"acme"}, tmp_path)
