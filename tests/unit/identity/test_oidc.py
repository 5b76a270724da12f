from __future__ import annotations

from pathlib import Path

from config.settings import load_settings
from contactcenter.identity.oidc import providers_of
from tests.conftest import TEST_ENVIRON

GOOGLE = {"GOOGLE_CLIENT_ID": "g", "GOOGLE_CLIENT_SECRET": "gs"}
MICROSOFT = {"MICROSOFT_CLIENT_ID": "m", "MICROSOFT_CLIENT_SECRET": "ms"}
TENANT = "11111111-2222-3333-4444-555555555555"


def test_which_providers_there_are(tmp_path: Path) -> None:
    def found(**environ: str) -> list[tuple[str, str, str, str]]:
        settings = load_settings({**TEST_ENVIRON, "DATA_DIR": str(tmp_path), **environ})
        return [
            (one.name, one.issuer, one.client_id, one.client_secret)
            for one in providers_of(settings.sign_in)
        ]

    assert found() == []
    google = ("google", "https://accounts.google.com", "g", "gs")
    microsoft = ("microsoft", f"https://login.microsoftonline.com/{TENANT}/v2.0", "m", "ms")
    assert found(**GOOGLE, **MICROSOFT, MICROSOFT_TENANT=TENANT) == [google, microsoft]
    assert found(**GOOGLE, **MICROSOFT) == [google], "Microsoft needs its directory"
    assert found(**MICROSOFT, MICROSOFT_TENANT=TENANT) == [microsoft]
