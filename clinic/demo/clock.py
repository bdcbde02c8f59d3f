"""Many stories told in the order of time: each is a generator that yields the moment at which it goes on."""

import heapq
from collections.abc import Callable, Generator, Iterable
from datetime import datetime

# Yields the moment it waits for and is sent that moment when it has come.
Story = Generator[datetime, None, None]


def tell(stories: Iterable[Story], until: datetime, progress: Callable[[datetime], None]) -> None:
    """Tell all stories side by side up to `until`; whatever waits for a later moment is left untold."""
    waiting: list[tuple[datetime, int, Story]] = []

    def go_on(number: int, story: Story) -> None:
        moment = next(story, None)
        if moment is not None and moment <= until:
            heapq.heappush(waiting, (moment, number, story))

    for number, story in enumerate(stories):
        go_on(number, story)
    while waiting:
        moment, number, story = heapq.heappop(waiting)
        progress(moment)
        go_on(number, story)
