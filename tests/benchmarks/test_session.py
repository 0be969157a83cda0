"""The benchmark of a whole session in its short form: that it works, not what its figures are."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.benchmarks.session.__main__ import main
from tests.benchmarks.session.place import DownlinkSession, downlink_session
from tests.benchmarks.session.rounds import measure, our_run
from tests.benchmarks.staging.measuring import PeerError
from tests.benchmarks.staging.peers import nginx_missing, program_missing

_MISSING = nginx_missing() or program_missing("curl")()

pytestmark = pytest.mark.skipif(_MISSING is not None, reason=str(_MISSING))


@pytest.fixture(scope="module")
def session() -> Iterator[DownlinkSession]:
    with downlink_session(quick=True, rounds=2) as session:
        yield session


def test_a_session_goes_from_search_to_catalogue_beside_curl(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = tmp_path / "figures.json"

    status = main(["--quick", "--json", str(result)])

    printed = capsys.readouterr().out
    assert status == 0, printed
    document = json.loads(result.read_text())
    assert [(one["chunks"], one["size"]) for one in document["ours"]] == [(6, 6_000_000)]
    assert [one["files"] for one in document["curl"]] == [6]
    assert document["ratio"] == document["net"] / document["curl"][0]["wall"]
    assert "ours against curl" in printed
    for one in document["ours"]:
        phases = one["phases"]
        assert 0 < phases["searched"] < phases["staged"] < phases["published"] < phases["ended"] == one["wall"]


def test_nginx_has_the_bytes_and_the_simulator_says_what_there_is(session: DownlinkSession) -> None:
    listed = httpx.get(f"{session.url}/Files", params={"$filter": f"SessionId eq '{session.id}'"}).json()["value"]
    file = session.files[0]

    whole = httpx.get(f"{session.url}/{file.path}")
    part = httpx.get(f"{session.url}/{file.path}", headers={"Range": "bytes=10-19"})

    assert {f"Files({entity['Id']})/$value" for entity in listed} == {file.path for file in session.files}
    assert whole.headers["server"].startswith("nginx")
    assert len(whole.content) == file.size
    assert part.content == whole.content[10:20]


def test_every_round_moves_all_of_it_into_an_empty_place(session: DownlinkSession) -> None:
    rounds = measure(session)

    assert [figures["chunks"] for figures in rounds.ours] == [6, 6]
    assert [one.files for one in rounds.curl] == [6, 6]
    assert rounds.phase("staged", empty=True) == rounds.phase("searched", empty=True)
    assert not (session.ground.root / "sink").exists()


def test_a_profile_names_our_functions(session: DownlinkSession) -> None:
    assert "run_with_heartbeats" in our_run(session, profile=True)["profile"]


def test_a_session_that_is_not_whole_gives_no_figures(session: DownlinkSession) -> None:
    hidden = session.ground.served / "session" / session.files[0].path[len("Files(") : -len(")/$value")]
    aside = hidden.with_suffix(".aside")
    hidden.rename(aside)
    try:
        with pytest.raises(PeerError):
            our_run(session)
    finally:
        aside.rename(hidden)


def test_fewer_rounds_than_one_are_refused() -> None:
    with pytest.raises(SystemExit):
        main(["--rounds", "0"])
