"""`rs-assets request` and `rs-assets requests`."""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from rs_assets.cli import cli
from rs_assets.ingest import Platform
from rs_assets.policies import Policy
from rs_assets.requests import Inbox, RequestError, end, take_in
from rs_assets.requests.results import items_path
from rs_assets.settings import CONFIG_VARIABLE
from rs_assets.state import RequestCounts, Requests, RequestState
from tests.platform import settings_text
from tests.requests.samples import NOW, asked, quiet_platform

BY_TYPE = ("--type", "AUX_RESORB", "--start", "2026-11-01T10:00:00Z", "--end", "2026-11-01T11:00:00Z")
ITEMS = {"type": "FeatureCollection", "features": []}


def invoke(*arguments: str, text: str | None = None) -> Result:
    """Run the command line."""
    return CliRunner().invoke(cli, arguments, input=text)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """An installation that the environment names, with one station."""
    path = tmp_path / "settings.yaml"
    path.write_text(settings_text("http://127.0.0.1:9"))
    monkeypatch.setenv(CONFIG_VARIABLE, str(path))
    return quiet_platform(tmp_path)


def answer(platform: Platform, request_id: str, state: RequestState) -> None:
    """Take in a request and end it, as the running installation would."""
    take_in(platform, NOW)
    request = Inbox(platform.documents).read(request_id)
    platform.documents.write(items_path(request_id), ITEMS)
    counts = RequestCounts(found=5, selected=2, staged=2, catalogued=1, gaps=3)
    end(platform, request_id, request, state, "1 of 2 items", counts, NOW + timedelta(minutes=1))


def test_the_id_stands_alone_on_standard_output(installed: Platform) -> None:
    result = invoke("request", *BY_TYPE)

    assert result.exit_code == 0
    assert Inbox(installed.documents).ids() == [result.stdout.removesuffix("\n")]
    assert result.stderr == ""


def test_a_request_waits_for_whoever_works_on_the_document_of_its_id(
    installed: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = Inbox(installed.documents)
    at_work = installed.documents.locked("inbox/chosen.json")
    filed: list[list[str]] = []

    def sleep(_: float) -> None:
        filed.append(inbox.ids())
        at_work.__exit__(None, None, None)

    at_work.__enter__()
    monkeypatch.setattr(time, "sleep", sleep)
    assert invoke("request", *BY_TYPE, "--id", "chosen").exit_code == 0

    assert filed == [[]]
    assert inbox.ids() == ["chosen"]


def test_every_option_reaches_the_request(installed: Platform) -> None:
    options = {
        "--policy": "LatestValCover",
        "--dt0": "60",
        "--dt1": "PT2M",
        "--satellite": "S1A",
        "--source": "catalog",
        "--collection": "mine",
        "--asset": "product",
        "--priority": "-5",
        "--requester": "L0",
        "--search-timeout": "30",
        "--id": "chosen",
    }
    arguments = [part for pair in options.items() for part in pair]

    result = invoke("request", *BY_TYPE, "--type", "AUX_PREORB", "--error-if-empty", *arguments)

    assert result.stdout == "chosen\n"
    assert Inbox(installed.documents).read("chosen") == asked(
        product_types=["AUX_RESORB", "AUX_PREORB"],
        policy=Policy.LATEST_VAL_COVER,
        dt0=60,
        dt1=120,
        satellite="S1A",
        source="catalog",
        collection="mine",
        selected_assets=["product"],
        priority=-5,
        requester="L0",
        search_timeout=30,
        error_if_empty=True,
    )


@pytest.mark.parametrize("text", ['{"op": "=", "args": [{"property": "id"}, "é"]}', "id = 'é'", "\ufeffid = 'é'"])
def test_a_filter_is_read_from_a_file_or_from_standard_input(installed: Platform, tmp_path: Path, text: str) -> None:
    (tmp_path / "filter").write_text(text, encoding="utf-8")

    from_file = invoke("request", "--filter", str(tmp_path / "filter"), "--limit", "2", "--sortby", "-created")
    from_input = invoke("request", "--filter", "-", "--limit", "2", "--sortby", "-created", text=text)

    first, second = (Inbox(installed.documents).read(result.stdout.strip()) for result in (from_file, from_input))
    assert first == second
    assert (first.limit, first.sortby, first.source) == (2, "-created", "adgs")


def test_a_filter_that_is_no_text_is_refused(installed: Platform, tmp_path: Path) -> None:
    (tmp_path / "filter").write_bytes(b"\xff\xfe")

    result = invoke("request", "--filter", str(tmp_path / "filter"))

    assert result.exit_code == 2
    assert "not text in UTF-8" in result.stderr


def test_what_is_wrong_is_told_and_nothing_is_filed(installed: Platform) -> None:
    result = invoke("request", "--type", "X", "--start", "2026-11-01T10:00:00", "--policy", "Best")

    assert isinstance(result.exception, RequestError)
    assert [problem.split(":")[0] for problem in result.exception.problems] == ["start", "policy", "end"]
    assert isinstance(invoke("request", *BY_TYPE, "--source", "elsewhere").exception, RequestError)
    assert invoke("request", *BY_TYPE, "--timeout", "1").exit_code == 2
    assert Inbox(installed.documents).names() == []


def test_an_id_is_used_once(installed: Platform) -> None:
    assert invoke("request", *BY_TYPE, "--id", "a").exit_code == 0

    assert isinstance(invoke("request", *BY_TYPE, "--id", "a").exception, RequestError)


def test_with_several_stations_the_source_must_be_named(installed: Platform, tmp_path: Path) -> None:
    document = yaml.safe_load((tmp_path / "settings.yaml").read_text())
    document["stations"].append(document["stations"][0] | {"name": "adgs2"})
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump(document))

    result = invoke("request", *BY_TYPE)

    assert result.exit_code == 2
    assert "name the --source: a station (adgs, adgs2), or catalog" in result.stderr
    assert invoke("request", *BY_TYPE, "--source", "adgs2").exit_code == 0


@pytest.fixture
def between_polls(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets one thing after the other happen while the command waits."""

    def arrange(*acts: Callable[[], object]) -> None:
        left = iter(acts)
        monkeypatch.setattr(time, "sleep", lambda _: next(left)())

    return arrange


@pytest.mark.parametrize(
    ("state", "status"), [(RequestState.ANSWERED, 0), (RequestState.PARTIAL, 3), (RequestState.FAILED, 1)]
)
def test_waiting_prints_the_items_and_tells_how_it_ended(
    installed: Platform,
    between_polls: Callable[..., None],
    state: RequestState,
    status: int,
) -> None:
    between_polls(lambda: answer(installed, "a", state))

    result = invoke("request", *BY_TYPE, "--id", "a", "--wait")

    assert result.exit_code == status
    assert json.loads(result.stdout) == ITEMS
    assert result.stderr == f"a\n{state.value}: 1 of 2 items\n"


def test_waiting_ends_with_its_time_and_the_request_goes_on(installed: Platform) -> None:
    result = invoke("request", *BY_TYPE, "--id", "a", "--wait", "--timeout", "0.01")

    assert result.exit_code == 4
    assert result.stdout == ""
    assert "has not ended yet" in result.stderr
    assert Inbox(installed.documents).ids() == ["a"]


def test_waiting_for_a_request_that_is_rejected_ends_with_the_reasons(
    installed: Platform, between_polls: Callable[..., None]
) -> None:
    between_polls(lambda: Inbox(installed.documents).reject("a.json", ["source: 'adgs' is not known"]))

    result = invoke("request", *BY_TYPE, "--id", "a", "--wait")

    assert result.exit_code == 1
    assert "a was rejected: source: 'adgs' is not known" in result.stderr


def test_an_old_rejection_under_the_same_id_does_not_count(
    installed: Platform, between_polls: Callable[..., None]
) -> None:
    installed.documents.write_bytes("inbox/a.json", b"junk")
    take_in(installed, NOW)

    def move_to_the_archive() -> None:
        take_in(installed, NOW)
        Inbox(installed.documents).archive("a", asked())
        Inbox(installed.documents).remove("a", asked())

    between_polls(move_to_the_archive, lambda: answer(installed, "a", RequestState.ANSWERED))

    assert invoke("request", *BY_TYPE, "--id", "a", "--wait").exit_code == 0


def test_requests_are_listed_with_what_became_of_them(installed: Platform) -> None:
    invoke("request", *BY_TYPE, "--id", "a", "--requester", "L0")
    answer(installed, "a", RequestState.PARTIAL)
    invoke("request", *BY_TYPE, "--id", "b", "--priority", "5")
    take_in(installed, NOW + timedelta(minutes=5))

    assert invoke("requests").stdout == (
        "b pending, from adgs, priority 5\n"
        "    submitted 2026-11-10T12:05:00Z\n"
        "a partial for L0, from adgs, priority 0\n"
        "    submitted 2026-11-10T12:00:00Z, ended 2026-11-10T12:01:00Z\n"
        "    5 found, 2 selected, 2 staged, 1 catalogued, 3 gaps\n"
        "    1 of 2 items\n"
        f"    {installed.documents.url('requests/a/items.json')}\n"
    )


def test_the_list_can_be_shortened(installed: Platform) -> None:
    for request_id in ("a", "b", "c"):
        invoke("request", *BY_TYPE, "--id", request_id)
    answer(installed, "a", RequestState.FAILED)

    def listed(*options: str) -> list[str]:
        return [entry["id"] for entry in json.loads(invoke("requests", "--json", *options).stdout)]

    assert listed() == ["c", "b", "a"]
    assert listed("--state", "failed") == ["a"]
    assert listed("--state", "failed", "--state", "pending") == ["c", "b", "a"]
    assert listed("--limit", "2") == ["c", "b"]
    assert invoke("requests", "--state", "queued").stdout == "No requests in this state.\n"


def test_the_list_in_json_has_all_that_is_known(installed: Platform) -> None:
    invoke("request", *BY_TYPE, "--id", "a")
    answer(installed, "a", RequestState.ANSWERED)

    [entry] = json.loads(invoke("requests", "--json").stdout)

    assert entry["state"] == "answered"
    assert entry["counts"] == {"found": 5, "selected": 2, "staged": 2, "catalogued": 1, "gaps": 3}
    assert (entry["submitted_at"], entry["started_at"]) == ("2026-11-10T12:00:00Z", None)
    assert entry["items"] == installed.documents.url("requests/a/items.json")


def test_an_empty_list_says_so(installed: Platform) -> None:
    assert invoke("requests").stdout == "No requests.\n"
    assert invoke("requests", "--json").stdout == "[]\n"


def test_a_failed_request_is_sent_back(installed: Platform) -> None:
    invoke("request", *BY_TYPE, "--id", "a")
    answer(installed, "a", RequestState.FAILED)

    result = invoke("requests", "retry", "a")

    assert (result.exit_code, result.stdout) == (0, "a is queued again.\n")
    assert Inbox(installed.documents).ids() == ["a"]
    [record] = Requests(installed.state).pending(1)
    assert (record.id, record.attempt) == ("a", 2)


def test_sending_back_what_has_not_failed_is_refused(installed: Platform) -> None:
    invoke("request", *BY_TYPE, "--id", "a")
    answer(installed, "a", RequestState.ANSWERED)

    for request_id in ("a", "unheard-of"):
        assert isinstance(invoke("requests", "retry", request_id).exception, RequestError)
