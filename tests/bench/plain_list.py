"""The least that a list can cost: every page through the standard library's http.client and json.loads, and dropped.

`python -m tests.bench.plain_list URL LIMIT` prints how many objects there were.
"""

from __future__ import annotations

import http.client
import json
import sys
from contextlib import closing
from urllib.parse import urlsplit


def main() -> None:
    """Read them all."""
    url, limit = sys.argv[1:]
    count, following = 0, ""
    with closing(http.client.HTTPConnection(urlsplit(url).netloc)) as connection:
        while True:
            connection.request(
                "GET", f"/apis/certwright.dev/v1/certificates?limit={limit}&continue={following or 0}"
            )
            page = json.loads(connection.getresponse().read())
            count += len(page["items"])
            following = page["metadata"].get("continue", "")
            if not following:
                break
    print(count)


if __name__ == "__main__":
    main()
