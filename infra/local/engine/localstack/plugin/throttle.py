"""Limits a rate as a usage plan's throttle does: with a token bucket for each key.

AWS limits on a best-effort basis and may let more requests through
(docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html).
This is exact.
"""

import threading
import time


class Buckets:
    """One bucket for each name. A new bucket is full."""

    def __init__(self):
        self.buckets, self.lock = {}, threading.Lock()

    def take(self, name, throttle):
        """Takes one request from the bucket. It returns False if the bucket is empty."""
        if not throttle:
            return True
        now, most = time.monotonic(), throttle["burstLimit"]
        with self.lock:
            left, at = self.buckets.get(name, (most, now))
            left = min(left + (now - at) * throttle["rateLimit"], most)
            self.buckets[name] = (left - 1 if left >= 1 else left), now
        return left >= 1
