"""Kafka in memory, for tests: a deterministic cluster behind the runner's port, with crashes and rebalances.

What it simulates is what exactly-once rests on: offsets with gaps where markers stand, the last stable
offset, transactions fenced by epoch, offsets that commit with them, static members, generations, and
cooperative rebalancing. The same conformance test runs on it and on a real broker.
"""
