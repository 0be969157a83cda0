import asyncio
from pathlib import Path

import pytest

from rs_assets.errors import StateError
from rs_assets.staging.sinks.claims import KeyClaims
from rs_assets.state import Claims, Holder, StateDatabase


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/state.sqlite"


async def test_of_all_who_ask_for_a_key_one_writes_it(url: str) -> None:
    async with KeyClaims(StateDatabase(url)) as first, KeyClaims(StateDatabase(url)) as second:
        answers = await asyncio.gather(*(each.claim("key") for each in (first, second) for _ in range(5)))

        assert sum(answers) == 1
        assert first.holds("key") != second.holds("key")


async def test_a_released_key_can_be_had_by_others(url: str) -> None:
    async with KeyClaims(StateDatabase(url)) as first, KeyClaims(StateDatabase(url)) as second:
        assert await first.claim("key")
        assert not await second.claim("key")
        first.release("key")
        async with asyncio.timeout(10):
            while not await second.claim("key"):
                pass


async def test_a_key_released_and_claimed_again_at_once_stays(url: str) -> None:
    async with KeyClaims(StateDatabase(url)) as first, KeyClaims(StateDatabase(url)) as second:
        for _ in range(20):
            assert await first.claim("key")
            first.release("key")
        assert await first.claim("key")
        await first.claim("another")  # after whatever was to be released

        assert not await second.claim("key")


async def test_what_is_asked_for_at_once_is_one_transaction(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    transactions: list[int] = []
    claim = Claims.claim

    def counted(self: Claims, keys: list[str], holder: object) -> set[str]:
        transactions.append(len(keys))
        return claim(self, keys, holder)  # type: ignore[arg-type]

    monkeypatch.setattr(Claims, "claim", counted)
    async with KeyClaims(StateDatabase(url)) as claims:
        assert all(await asyncio.gather(*(claims.claim(f"key {number}") for number in range(500))))

    assert transactions == [500]


async def test_leaving_ends_all_claims(url: str) -> None:
    async with KeyClaims(StateDatabase(url)) as first:
        assert await first.claim("key")
    async with KeyClaims(StateDatabase(url)) as second:
        assert await second.claim("key")
    with pytest.raises(RuntimeError, match="async with"):
        await first.claim("key")


async def test_one_that_is_cancelled_leaves_no_claim(url: str) -> None:
    async with KeyClaims(StateDatabase(url)) as first, KeyClaims(StateDatabase(url)) as second:
        for turns in range(12):
            asking = asyncio.create_task(first.claim(f"key {turns}"))
            for _ in range(turns):
                await asyncio.sleep(0)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            if not asking.cancelled():
                first.release(f"key {turns}")
        await first.claim("last")
        await first.claim("very last")

        assert all(await asyncio.gather(*(second.claim(f"key {turns}") for turns in range(12))))


async def test_a_state_that_cannot_be_used_is_an_error_of_whoever_asks(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"no database " * 1000)

    async with KeyClaims(StateDatabase(f"sqlite:///{tmp_path}/file")) as claims:
        with pytest.raises(StateError, match="cannot be used"):
            await claims.claim("key")


async def test_claims_are_renewed_though_nothing_but_releases_is_asked_for(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewed = asyncio.Event()
    loop = asyncio.get_running_loop()
    renew = Claims.renew

    def noted(self: Claims, holder: Holder) -> set[str]:
        loop.call_soon_threadsafe(renewed.set)
        return renew(self, holder)

    monkeypatch.setattr(Claims, "renew", noted)
    monkeypatch.setattr("rs_assets.staging.sinks.claims._RENEW_EVERY_S", 0.0)
    async with KeyClaims(StateDatabase(url)) as claims, asyncio.timeout(10):
        assert await claims.claim("kept")
        assert await claims.claim("released")
        renewed.clear()
        claims.release("released")
        await renewed.wait()
        assert claims.holds("kept")


async def test_a_claim_that_was_lost_is_not_held_any_more(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rs_assets.staging.sinks.claims._RENEW_EVERY_S", 0.02)
    state = StateDatabase(url)
    async with KeyClaims(state) as claims, asyncio.timeout(10):
        assert await claims.claim("key")
        with state.brief_transaction() as connection:
            connection.exec_driver_sql("DELETE FROM claims")
        while claims.holds("key"):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
