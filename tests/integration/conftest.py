"""A real PostgreSQL for each test run; a fresh, migrated database for each test."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

import db
from config.settings import Settings, load_settings
from db import migrate, seeds
from db.embedded import EmbeddedPostgres
from tests.conftest import TEST_ENVIRON, quick_folder
from tools.build_web import environment_with_node

FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "autovacuum": "off",
}
TEMPLATE = "template_centre"
_numbers = itertools.count(1)


def settings_for(url: str, data_dir: Path) -> Settings:
    return load_settings({**TEST_ENVIRON, "DATABASE_URL": url, "DATA_DIR": str(data_dir)})


def database_named(server_url: str, name: str) -> str:
    """The URL of another database of the same server."""
    return server_url.replace("@/postgres?", f"@/{name}?")


@pytest.fixture(scope="session")
def node() -> dict[str, str]:
    """An environment that finds Node, the one that builds the front end."""
    return environment_with_node()


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """The server of this test run, without a promise to survive a power cut."""
    folder = quick_folder("cc-test-")
    try:
        with EmbeddedPostgres(folder, FAST) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def template(postgres: EmbeddedPostgres) -> str:
    """The name of a database that holds the migrated schema and nothing else."""
    admin = await db.connect(settings_for(postgres.url, postgres.data_dir))
    await admin.execute(f"CREATE DATABASE {TEMPLATE}")
    conn = await db.connect(settings_for(database_named(postgres.url, TEMPLATE), postgres.data_dir))
    await migrate.up(conn, migrate.read())
    await conn.close()
    await admin.execute("CHECKPOINT")
    await admin.close()
    return TEMPLATE


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def seeded_template(
    postgres: EmbeddedPostgres, template: str, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The name of a database with the demo's office in it; folders of tests that want it in each
    of theirs override `database_template`."""
    name = "template_seeded"
    admin = await db.connect(settings_for(postgres.url, postgres.data_dir))
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    url = database_named(postgres.url, name)
    conn = await db.connect(settings_for(url, tmp_path_factory.mktemp("seeded")))
    await seeds.run(conn, environment="test", rounds=4)
    await conn.close()
    await admin.execute("CHECKPOINT")
    await admin.close()
    return name


@pytest.fixture(scope="session")
def database_template(template: str) -> str:
    """What each test's database is a copy of."""
    return template


@pytest.fixture
async def database_url(postgres: EmbeddedPostgres, database_template: str) -> AsyncIterator[str]:
    """The URL of a migrated database of the test's own; it is dropped after it."""
    name = f"test_{next(_numbers)}"
    admin = await db.connect(settings_for(postgres.url, postgres.data_dir))
    try:
        await admin.execute(
            f"CREATE DATABASE {name} TEMPLATE {database_template} STRATEGY file_copy"
        )
        yield database_named(postgres.url, name)
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return settings_for(database_url, tmp_path)


@pytest.fixture
async def pool(settings: Settings) -> AsyncIterator[db.Pool]:
    """A pool on the test's database; a test that leaves a connection out fails here."""
    pool = await db.create_pool(settings, "test")
    yield pool
    await pool.close()


@pytest.fixture
async def conn(settings: Settings) -> AsyncIterator[db.Connection]:
    """A connection of the test's own, outside any transaction."""
    conn = await db.connect(settings, "test")
    yield conn
    await conn.close()
