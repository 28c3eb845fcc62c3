"""What a job tells while it runs comes through its log, line by line."""

from harness.engines.local import LocalEngine
from harness.engines.telling import MARK, ToldLines, log_of_host, tell


def test_whole_lines_that_are_told_come_once(tmp_path):
    log = tmp_path / "log.txt"
    log.write_text(f"{MARK}before\n")
    told = ToldLines(log)
    with log.open("a") as file:
        file.write(f"something else\n{MARK}first\n{MARK}sec")
        file.flush()
        assert [*told.new()] == ["first"]
        file.write("ond\n")
    assert [*told.new()] == ["second"]
    assert [*told.new()] == []


def test_hosts_of_a_cluster_are_heard_too(tmp_path):
    log = tmp_path / "log.txt"
    log_of_host(log, "early").write_text(f"{MARK}before\n")
    told = ToldLines(log)
    log_of_host(log, "late").write_text(f"{MARK}from a host that joined\n")
    assert [*told.new()] == ["from a host that joined"]
    assert [*told.new()] == []


def test_a_job_of_the_engine_is_heard(tmp_path):
    notes = []
    engine = LocalEngine(workers=1, time_limit=60, log=tmp_path / "log.txt", note=notes.append)
    [(_, outcome)] = engine.run(tell, {"job": "search step 1"}, watching=lambda _: None)
    assert outcome.failure == ""
    assert notes == ["search step 1"]
