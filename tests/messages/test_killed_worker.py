"""`kill -9` of a real worker process while messages leave: nothing is sent twice, and nothing is forgotten."""

from tests.holds.test_killed_worker import kill, worker_process
from tests.messages.mailing import Mailing
from tests.messages.post_office import FailingServer
from tests.world import World


async def test_worker_killed_while_one_message_cools_off_and_right_after_another_was_handed_over(
    idle_world: World, failing_server: FailingServer
) -> None:
    world = idle_world
    world.settings = world.settings.model_copy(update={"smtp_port": failing_server.port})
    mailing = Mailing(world)
    mailing.cooling_off(0)
    async with worker_process(world) as process:
        handed_over, cooling_off = await mailing.draft(), await mailing.draft()
        failing_server.answers.clear()
        await mailing.approve(handed_over)
        await world.eventually(lambda: failing_server.taken)
        mailing.cooling_off(3)
        await mailing.approve(cooling_off)
        await mailing.says(cooling_off, "it waits, and can be recalled")
        kill(process)
    assert mailing.show(handed_over)["delivery"] == "sending"
    failing_server.answers.set()

    async with worker_process(world):
        assert await mailing.handle(cooling_off).result() == "sent"
        shown = await mailing.in_delivery(handed_over, "unknown")
        assert [one["outcome"] for one in shown["deliveries"]] == ["unknown"]
        assert "ended before the mail server answered" in shown["delivery_error"]
        await mailing.operations.settle_unknown(handed_over, arrived=True, actor="olga", reason="read the server's log")
        assert await mailing.handle(handed_over).result() == "sent"

    recipients = [recipient for recipient, _ in failing_server.taken]
    assert sorted(recipients) == sorted(mailing.show(one)["recipient"] for one in (handed_over, cooling_off))
