"""A Ray cluster of two nodes on loopback, in a process of its own: ``python ray_cluster.py``.

It prints the address, then obeys lines on standard input: ``remove PREFIX`` ends a node as a power cut would,
``add`` adds one. It ends with its standard input. The variables that keep it on loopback are the caller's.
"""

from __future__ import annotations

import sys

from ray.cluster_utils import Cluster

NODE = {"num_cpus": 1, "node_ip_address": "127.0.0.1"}


def main() -> None:
    cluster = Cluster(initialize_head=True, head_node_args={**NODE, "num_cpus": 0})
    try:
        nodes = [cluster.add_node(**NODE) for _ in range(2)]
        print(f"address {cluster.address}", flush=True)  # noqa: T201 - what the caller waits for
        for line in sys.stdin:
            command, _, prefix = line.strip().partition(" ")
            if command == "remove":
                (gone,) = [node for node in nodes if node.node_id.startswith(prefix)]
                nodes.remove(gone)
                cluster.remove_node(gone, allow_graceful=False)
            elif command == "add":
                nodes.append(cluster.add_node(**NODE))
            print("done", flush=True)  # noqa: T201 - likewise
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    main()
