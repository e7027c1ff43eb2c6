"""The load: wrk where it is installed, else a generator of this process's own, which is slower and says so."""

import asyncio
import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

import msgspec

SCRIPTS = Path(__file__).parent


class Result(msgspec.Struct):
    """One run against one server: latencies in microseconds, `used` of the stock's requests."""

    requests: int
    duration_us: int
    p50_us: float
    p99_us: float
    max_us: float
    refused: int
    socket_errors: int
    used: int

    @property
    def per_second(self) -> float:
        """Replies in a second."""
        return self.requests * 1e6 / self.duration_us


class Plan(NamedTuple):
    """Which requests: a file with one a line ("METHOD path token-number body"), a file of tokens, a Lua script.

    `once` is how many of them there are where a second time would measure something else, 0 where it would not.
    """

    requests: Path
    tokens: Path
    script: str = "each_once.lua"
    once: int = 0


def generator() -> str:
    """What makes the load here."""
    return "wrk" if shutil.which("wrk") else "the built-in generator (wrk is not installed)"


def run(port: int, plan: Plan, connections: int, seconds: int, skip: int) -> Result:
    """Load one server on loopback for some seconds."""
    wrk = shutil.which("wrk")
    if wrk is None:
        return asyncio.run(_built_in(port, plan, connections, seconds, skip))
    said = subprocess.run(
        [
            *(wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(SCRIPTS / plan.script)),
            *(f"http://127.0.0.1:{port}", "--", str(plan.requests), str(plan.tokens), str(skip)),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + 60,
    )
    return msgspec.convert(json.loads(said.stdout.strip().splitlines()[-1]), Result)


async def _built_in(port: int, plan: Plan, connections: int, seconds: int, skip: int) -> Result:
    lines = plan.requests.read_text().splitlines()
    tokens = plan.tokens.read_text().split()
    used, refused = 0, 0
    took_s: list[float] = []
    until = time.perf_counter() + seconds

    async def one() -> None:
        nonlocal used, refused
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < until:
            method, path, who, *body = lines[(skip + used) % len(lines)].split(" ", 3)
            used += 1
            sent = body[0] if body else ""
            token = f"x-authorization-token: {tokens[int(who)]}\r\n" if tokens else ""
            head = f"{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{token}"
            began = time.perf_counter()
            writer.write(f"{head}content-length: {len(sent)}\r\n\r\n{sent}".encode())
            answer = await reader.readuntil(b"\r\n\r\n")
            length = int(answer.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            await reader.readexactly(length)
            took_s.append(time.perf_counter() - began)
            refused += answer[9:10] not in (b"2", b"3")
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(connections)))
    took_s.sort()
    duration_us = round((time.perf_counter() - began) * 1e6)
    at = [took_s[int(len(took_s) * part)] * 1e6 for part in (0.5, 0.99)]
    return Result(len(took_s), duration_us, *at, took_s[-1] * 1e6, refused, 0, used)
