"""`lookout record`: what is written, what is refused and with which words, and that a scrape never sees half of it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from generator.cli import main as lookout
from generator.clients.textfile import MOST_METRICS, TextfileMetric, exposition, recorded, remove_metric, write_metric
from generator.diagnostics import Problems
from generator.verbs.record import known_services, main, read_metric

ROOT = Path(__file__).resolve().parents[2]
SERVICES = frozenset({"api", "db"})
# What cron has to wait for, and with it every measured job: a machine with work to do is given twice as long.
BUDGET = 0.3


@pytest.fixture
def textfiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOOKOUT_FACTS", str(tmp_path / "textfiles"))
    monkeypatch.setattr("generator.verbs.record.known_services", lambda: SERVICES)
    return tmp_path / "textfiles"


def series(folder: Path) -> dict[str, float]:
    """Every sample in the folder, as node exporter would read it, by name and labels."""
    return {
        f"{sample.name}{dict(sorted(sample.labels.items()))}": sample.value
        for path in folder.glob("*.prom")
        for family in text_string_to_metric_families(path.read_text())
        for sample in family.samples
    }


def test_a_metric_is_a_file_of_its_own_with_when_it_was_recorded_and_how_often(textfiles: Path) -> None:
    before = time.time()
    assert main(["import_duration_seconds", "12.5", "service=api", "table=orders", "--every", "1h"]) == 0
    (path,) = textfiles.iterdir()
    assert path.name.startswith("import_duration_seconds-") and path.suffix == ".prom"
    assert path.stat().st_mode & 0o777 == 0o644
    found = series(textfiles)
    assert found.pop("import_duration_seconds{'service': 'api', 'table': 'orders'}") == 12.5
    labels = "{'fact': 'import_duration_seconds', 'service': 'api', 'table': 'orders'}"
    assert before <= found.pop(f"lookout_record_timestamp_seconds{labels}") <= time.time()
    assert found == {f"lookout_record_every_seconds{labels}": 3600}


def test_recording_again_replaces_and_other_labels_are_another_metric(textfiles: Path) -> None:
    for value, table in (("1", "orders"), ("2", "orders"), ("3", "users")):
        assert main(["import_rows", value, f"table={table}"]) == 0
    rows = {key: value for key, value in series(textfiles).items() if key.startswith("import_rows")}
    assert rows == {"import_rows{'table': 'orders'}": 2, "import_rows{'table': 'users'}": 3}


def test_the_order_of_labels_makes_no_difference(textfiles: Path) -> None:
    assert main(["import_rows", "1", "a=x", "b=y"]) == main(["import_rows", "2", "b=y", "a=x"]) == 0
    assert len(list(textfiles.iterdir())) == 1


@pytest.mark.parametrize(
    ("words", "value"),
    [
        (["debt_euros", "-3"], -3),
        (["rows_total", "1e6"], 1_000_000),
        (["used_ratio", "0.125"], 0.125),
        (["imports_total", "--every", "never", "7"], 7),
        (["import_rows", "5", "--service", "db"], 5),
    ],
    ids=["negative", "an exponent", "a fraction", "options in between", "the service as an option"],
)
def test_values_and_words_as_people_write_them(textfiles: Path, words: list[str], value: float) -> None:
    assert main(words) == 0
    (found,) = [each for key, each in series(textfiles).items() if key.startswith(words[0])]
    assert found == value


def test_values_of_labels_survive_quotes_and_backslashes() -> None:
    metric = TextfileMetric("job_runs", 1, {"path": 'C:\\x "y"'})
    (family, *_) = text_string_to_metric_families(exposition(metric, 0))
    assert family.samples[0].labels == {"path": 'C:\\x "y"'}


def test_counters_say_that_they_are_counters() -> None:
    assert "# TYPE runs_total counter" in exposition(TextfileMetric("runs_total", 1), 0)
    assert "# TYPE run_seconds gauge" in exposition(TextfileMetric("run_seconds", 1), 0)


def test_what_is_removed_is_gone_and_removing_it_twice_is_reported(
    textfiles: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import_rows", "1", "service=api", "table=orders"]) == 0
    assert main(["import_rows", "--remove", "service=api"]) == 1
    assert "nothing is recorded as import_rows" in capsys.readouterr().err
    assert main(["import_rows", "--remove", "service=api", "table=orders"]) == 0
    assert list(textfiles.iterdir()) == []


def test_a_metric_of_a_service_that_is_no_longer_declared_can_still_be_removed(textfiles: Path) -> None:
    write_metric(TextfileMetric("import_rows", 1, {"service": "gone"}), textfiles, 0)
    assert main(["import_rows", "--remove", "service=gone"]) == 0


MALFORMED = {
    "a name in capitals": (["importRows", "1"], "record/bad-name", "write 'import_rows'"),
    "a name of one word": (["rows", "1"], "record/bad-name", "such as import_duration_seconds"),
    "dashes": (["import-rows", "1"], "record/bad-name", "write 'import_rows'"),
    "not a base unit": (["import_ms", "1500"], "record/bad-name", "write 'import_seconds 1.5'"),
    "percent": (["disk_used_percent", "93"], "record/bad-name", "write 'disk_used_ratio 0.93'"),
    "a name of others": (["node_rows", "1"], "record/bad-name", "write 'job_rows'"),
    "a name of Lookout's": (["lookout_rows", "1"], "record/bad-name", "are of others"),
    "a unit in the value": (["import_seconds", "5s"], "record/bad-value", "write 5; the unit belongs into the name"),
    "no number": (["import_rows", "many"], "record/bad-value", "'many' is not a number"),
    "not a number": (["import_rows", "nan"], "record/bad-value", "'nan' is not a number"),
    "without end": (["import_rows", "inf"], "record/bad-value", "'inf' is not a number"),
    "a rhythm without a unit": (["import_rows", "1", "--every", "5"], "record/bad-value", "write for example 1h"),
    "no rhythm at all": (["import_rows", "1", "--every", "0h"], "record/bad-value", "write for example 1h"),
    "no label": (["import_rows", "1", "orders"], "record/bad-label", "write name=value"),
    "a label with a dash": (["import_rows", "1", "my-table=x"], "record/bad-label", "write 'my_table=x'"),
    "a label that is taken": (["import_rows", "1", "job=x"], "record/bad-label", "'job' is set by Lookout"),
    "a label twice": (["import_rows", "1", "a=x", "a=y"], "record/bad-label", "given twice"),
    "an empty label": (["import_rows", "1", "a="], "record/bad-label", "must be text of 1 to 200"),
    "a label over two lines": (["import_rows", "1", "a=x\ny"], "record/bad-label", "in one line"),
    "a long label": (["import_rows", "1", "a=" + "x" * 201], "record/bad-label", "must be text of 1 to 200"),
    "too many labels": (["import_rows", "1", *(f"a{n}=x" for n in range(7))], "record/bad-label", "6 are the most"),
    "a service that is not there": (["import_rows", "1", "service=apo"], "record/unknown-service", "mean 'api'?"),
}


@pytest.mark.parametrize(("words", "code", "said"), MALFORMED.values(), ids=MALFORMED)
def test_what_cannot_be_recorded_says_why_and_writes_nothing(
    textfiles: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: str, said: str
) -> None:
    assert main(words) == 1
    printed = capsys.readouterr().err
    assert f"error[{code}]" in printed and said in printed
    assert not textfiles.exists()


def test_all_that_is_wrong_is_reported_in_one_run() -> None:
    with pytest.raises(Problems) as raised:
        read_metric("importRows", "many", ["job=x", "service=apo"], "5", SERVICES)
    codes = [problem.code for problem in raised.value.diagnostics]
    assert sorted(set(codes)) == ["record/bad-label", "record/bad-name", "record/bad-value", "record/unknown-service"]


def test_a_missing_value_is_usage(textfiles: Path) -> None:
    with pytest.raises(SystemExit) as left:
        main(["import_rows"])
    assert left.value.code == 2


def test_a_label_without_end_is_stopped_but_known_textfiles_go_on(tmp_path: Path) -> None:
    for number in range(MOST_METRICS):
        (tmp_path / f"{number}.prom").touch()
    with pytest.raises(Problems) as raised:
        write_metric(TextfileMetric("job_runs", 1), tmp_path, 0)
    assert "holds 1000 textfile metrics already" in raised.value.diagnostics[0].message
    (tmp_path / TextfileMetric("job_runs", 1).file).touch()
    write_metric(TextfileMetric("job_runs", 2), tmp_path, 0)
    assert recorded(TextfileMetric("job_runs", 0), tmp_path) == 2


def test_a_folder_that_cannot_be_written_is_a_problem_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "textfiles").write_text("in the way")
    for act in (lambda metric, folder: write_metric(metric, folder, 0), remove_metric, recorded):
        with pytest.raises(Problems) as raised:
            act(TextfileMetric("job_runs", 1), tmp_path / "textfiles")
        assert raised.value.diagnostics[0].code == "record/not-written"
        assert "LOOKOUT_FACTS" in raised.value.diagnostics[0].hint


def test_anyone_who_reads_while_it_is_written_sees_the_old_or_the_new_and_no_other_file(tmp_path: Path) -> None:
    metric = TextfileMetric("job_runs", 1, {"note": "x" * 150})
    path = write_metric(metric, tmp_path, 0)
    writer = (
        "import sys; from pathlib import Path; from generator.clients.textfile import TextfileMetric, write_metric\n"
        "for n in range(100): write_metric(TextfileMetric('job_runs', n, {'note': 'x' * 150}), Path(sys.argv[1]), n)"
    )
    with subprocess.Popen([sys.executable, "-c", writer, str(tmp_path)], cwd=ROOT) as running:
        seen = 0
        while running.poll() is None:
            assert path.read_text().endswith("} 86400\n")
            assert [each.name for each in tmp_path.glob("*.prom")] == [path.name]
            seen += 1
    assert running.returncode == 0 and seen > 1
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_it_starts_without_the_compiler(tmp_path: Path) -> None:
    """Standard library alone, and so fast that a job of every minute does not notice."""
    code = (
        "import sys, time; began = time.process_time(); from generator.verbs.record import main\n"
        "code = main(['job_runs', '1']); took = time.process_time() - began\n"
        "heavy = {'click', 'yaml', 'pydantic', 'jinja2', 'promql_parser', 'generator.cli'} & set(sys.modules)\n"
        "print(code, sorted(heavy), took)"
    )
    environment = {**os.environ, "LOOKOUT_FACTS": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    code_, heavy, took = done.stdout.split()
    assert (code_, heavy) == ("0", "[]"), done.stderr
    assert float(took) < BUDGET


def test_cron_needs_no_environment_and_no_folder_of_its_own(tmp_path: Path) -> None:
    environment = {"PATH": "/usr/bin:/bin", "LOOKOUT_FACTS": str(tmp_path / "textfiles")}
    recent = ["python3", "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    if subprocess.run(recent, env=environment).returncode:
        pytest.skip("this machine's own python3 is too old; there the environment's is used")
    command = [str(ROOT / "lookout"), "record", "job_runs", "1"]
    done = subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "textfiles").iterdir())) == 1


def test_it_is_a_verb_like_the_others(textfiles: Path) -> None:
    with pytest.raises(SystemExit) as left:
        lookout(["record", "import_rows", "3", "service=api", "--every", "1h"])
    assert left.value.code == 0
    assert series(textfiles)["import_rows{'service': 'api'}"] == 3


def test_services_are_those_that_rules_are_rendered_for(tmp_path: Path) -> None:
    (tmp_path / "prometheus/rules/api").mkdir(parents=True)
    assert known_services(tmp_path) == {"api"}
    assert known_services(tmp_path / "elsewhere") == frozenset()
