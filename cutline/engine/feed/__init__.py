"""One provider event's feed: polled once for all contests on it, validated, numbered and passed on."""

from cutline.engine.feed.machine import FeedMachine

__all__ = ["FeedMachine"]
