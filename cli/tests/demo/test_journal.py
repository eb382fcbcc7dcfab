from pathlib import Path

from treaty_cli.demo.journal import Delivery, Journal, delivered, marks


def test_what_was_received_is_read_back_in_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "run/journal.jsonl")
    journal.mark(1, "live")
    journal.readings(2, ({"id": "a"}, {"id": "b", "measurements": []}))
    assert delivered(tmp_path / "run/journal.jsonl") == [
        Delivery(2, {"id": "a"}),
        Delivery(2, {"id": "b", "measurements": []}),
    ]
    journal.mark(3, "stopped")
    assert marks(tmp_path / "run/journal.jsonl") == ["live", "stopped"]
    journal.close()


def test_it_is_gone_on_with_after_a_restart(tmp_path: Path) -> None:
    for number in range(2):
        journal = Journal(tmp_path / "journal.jsonl")
        journal.readings(number, ({"id": str(number)},))
        journal.close()
    assert [d.id for d in delivered(tmp_path / "journal.jsonl")] == ["0", "1"]


def test_a_line_still_being_written_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'{"received_ms":1,"reading":{"id":"a"}}\n{"received_ms":2,"rea')
    assert [d.id for d in delivered(path)] == ["a"]


def test_no_journal_is_an_empty_one(tmp_path: Path) -> None:
    assert delivered(tmp_path / "none") == []
    assert marks(tmp_path / "none") == []
