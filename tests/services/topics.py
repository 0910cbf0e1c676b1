"""Topics for tests."""

from aiokafka.admin import AIOKafkaAdminClient, NewTopic


async def create_topics(
    bootstrap_servers: str, *names: str, partitions: int = 1, settings: dict[str, str] | None = None
) -> None:
    """Create topics with one replica, and return when they are there."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        topics = [NewTopic(name, partitions, 1, topic_configs=settings) for name in names]
        await admin.create_topics(topics)
    finally:
        await admin.close()
