"""Moves records: the Kafka adapter, the loop, a handler for each role, and the servers in a box.

Only `consumers.kafka` knows aiokafka and only `consumers.totals.store` knows redis.
"""
