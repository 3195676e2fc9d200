# SPDX-License-Identifier: Apache-2.0
"""client.py LIBRARY BASE CELL: three requests by a Python library; see https-clients-test.py."""
import sys

LIBRARY, BASE, CELL = sys.argv[1:]
REQUESTS = (("GET", "allowed", None), ("POST", "refused", b"secret"), ("GET", "hidden", None))


def show(status, text):
    print(f"STATUS {status}\n{text.strip()}", flush=True)


def by_urllib():
    import urllib.error
    import urllib.request
    for method, place, body in REQUESTS:
        request = urllib.request.Request(f"{BASE}/{place}/{CELL}", body, method=method)
        try:
            answer = urllib.request.urlopen(request, timeout=8)
        except urllib.error.HTTPError as error:
            answer = error
        show(answer.status, answer.read().decode())


def by_requests():
    import requests
    with requests.Session() as session:
        for method, place, body in REQUESTS:
            answer = session.request(method, f"{BASE}/{place}/{CELL}", data=body, timeout=8)
            show(answer.status_code, answer.text)


def by_httpx():
    import httpx
    with httpx.Client(timeout=8) as client:
        for method, place, body in REQUESTS:
            answer = client.request(method, f"{BASE}/{place}/{CELL}", content=body)
            show(answer.status_code, answer.text)


def by_aiohttp():
    import asyncio

    import aiohttp

    async def ask():
        async with aiohttp.ClientSession(trust_env=True) as session:
            for method, place, body in REQUESTS:
                url = f"{BASE}/{place}/{CELL}"
                async with session.request(method, url, data=body) as answer:
                    show(answer.status, await answer.text())
    asyncio.run(ask())


{"urllib": by_urllib, "requests": by_requests, "httpx": by_httpx, "aiohttp": by_aiohttp}[LIBRARY]()
