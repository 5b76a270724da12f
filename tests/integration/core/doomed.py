"""A process that takes one job, says so, and never ends it: to be killed."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from config.settings import load_settings
from contactcenter.core.jobs import Job, JobRunner


async def endless(_: dict[str, Any]) -> None:
    print("begun", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    runner = JobRunner(load_settings(dict(os.environ)), [Job(sys.argv[1], endless)], [])
    asyncio.run(runner.run())
