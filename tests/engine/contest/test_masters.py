"""A contest on the recorded Masters 2026, machine to machine."""

from pathlib import Path

from cutline.engine import tournament as configs
from cutline.engine.messages import CreateContest, EnterContest
from cutline.simulation.playback import load_recording
from tests.engine.contest.play import BEFORE, Play, fee
from tests.engine.driver import minutes

TOURNAMENTS = Path(__file__).parents[3] / "config" / "tournaments"


def test_the_recorded_masters_is_played_from_creation_to_settlement() -> None:
    """LIFE-002..006 on real input: the winner is the real one, at -12, and every cent of the pot is divided."""
    config = configs.load((TOURNAMENTS / "masters-2026.toml").read_text(encoding="utf-8"))
    recording = load_recording(TOURNAMENTS / "masters-2026.feed.jsonl.gz")
    start = max(BEFORE, recording.frames[0].at_utc)
    create = CreateContest(contest_id="c1", config_json=configs.canonical(config), config_sha256=configs.sha256(config))
    play = Play(command=create)
    play.contest.pure = False
    for number in range(30):
        picks = tuple(
            tier.players[(number + place) % len(tier.players)]
            for tier in config.roster.tiers
            for place in range(tier.pick)
        )
        entry_id, did = f"e{number}", f"did:{number}"
        play.contest.send(EnterContest(entry_id=entry_id, account_did=did, picks=picks), start)
        play.contest.send(fee(entry_id, did, cents=2500), start)

    now = start
    for frame in recording.frames:
        now = max(start, frame.at_utc)
        play.contest.look(now)
        play.poll(now, frame.body)
    for count in range(1, 8):
        play.poll(now + minutes(5 * count), None)
    done = now + minutes(35)
    play.contest.look(done)
    assert play.status == "COMPLETE"
    (recorded,) = play.settle(done)
    assert (recorded.pot_cents, recorded.rake_cents) == (75_000, 7_500)
    assert sum(entry.prize_cents for entry in recorded.entries) == 67_500
    board = play.contest.state.contest.feed.board
    totals = {
        player: sum(scored.to_par for scored in rounds.values())
        for player, rounds in board.rounds.items()
        if len(rounds) == 4
    }
    assert min(totals.values()) == -12
    assert len(totals) == 54
    play.contest.assert_replays()
    play.feed.assert_replays()
