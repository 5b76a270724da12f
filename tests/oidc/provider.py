"""Starts the OpenID Connect provider of this folder, and signs people in there."""

from __future__ import annotations

import contextlib
import fcntl
import re
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urljoin

import aiohttp

from tools.build_web import environment_with_node

FOLDER = Path(__file__).parent
CLIENT_SECRET = "a-secret-for-tests-of-thirty-two-characters"


def _installed(environ: Mapping[str, str]) -> None:
    """Its packages are there, whole: workers that begin at the same moment wait for one of them.
    npm writes its lock file into the folder when everything else is in it."""
    with (FOLDER / "package.json").open() as waiting:
        fcntl.flock(waiting, fcntl.LOCK_EX)
        if not (FOLDER / "node_modules" / ".package-lock.json").exists():
            subprocess.run(["npm", "ci", "--silent"], cwd=FOLDER, env=environ, check=True)


@contextlib.contextmanager
def running(redirects: Sequence[str]) -> Iterator[str]:
    """The issuer's address, as long as the block lasts. It is installed when it is not there.

    The provider ends when its standard input does, so it outlives neither the block nor a process
    that is killed in it, also where `node` is a program that starts the real one.
    """
    environ = environment_with_node()
    _installed(environ)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        ["node", "server.mjs", str(port), *redirects],
        cwd=FOLDER,
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.strip() == "ready":
                break
        else:
            raise RuntimeError("".join(lines))
        yield f"http://127.0.0.1:{port}"
    finally:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


async def visit(url: str, name: str, back: str) -> str:
    """Follow `url` as a browser does, sign in as `name` and consent; answers the address under
    `back` to which the provider sends the browser."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        method = "GET"
        form: dict[str, str] = {}
        for _ in range(20):
            async with session.request(
                method, url, data=form or None, allow_redirects=False
            ) as answer:
                text = await answer.text()
                if answer.status in {302, 303}:
                    url, method, form = urljoin(url, answer.headers["Location"]), "GET", {}
                    if url.startswith(back):
                        return url
                    continue
            action = re.search(r'<form[^>]*action="([^"]+)"', text)
            prompt = re.search(r'name="prompt" value="(\w+)"', text)
            assert action, text
            assert prompt, text
            url, method = urljoin(url, action.group(1)), "POST"
            form = {"prompt": prompt.group(1)}
            if prompt.group(1) == "login":
                form |= {"login": name, "password": "any"}
    raise AssertionError("the provider sends the browser round and round")
