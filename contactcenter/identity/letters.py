"""What letters say, in Spanish and English. Plain text: nothing in it can become markup."""

from __future__ import annotations

from typing import Final, Literal

from contactcenter.core.mail import Letter

Kind = Literal[
    "verify",
    "known",
    "reset",
    "invite",
    "password_changed",
    "second_step_off",
    "linked",
    "unlinked",
]

PAGES: Final[dict[Kind, str]] = {"verify": "verify", "reset": "reset", "invite": "invite"}
"""Kind → page under /account that takes its token, which is in the fragment: a browser sends that
to nobody, so it is in no log and no Referer."""

TEXTS: Final[dict[str, dict[Kind, tuple[str, str]]]] = {
    "es": {
        "verify": (
            "Confirma tu dirección de correo",
            (
                "Hola{name}:\n\nPara confirmar esta dirección en {centre}, abre este enlace antes "
                "de tres días y escribe la contraseña de tu cuenta:\n\n{link}\n\nSi no "
                "has creado una cuenta, no hagas nada.\n"
            ),
        ),
        "known": (
            "Ya tienes una cuenta",
            (
                "Hola{name}:\n\nAlguien ha querido crear una cuenta en {centre} con esta "
                "dirección, que ya tiene una. Si has sido tú, entra con tu contraseña; si no la "
                "recuerdas, pide una nueva aquí:\n\n{home}/account/forgot\n\nSi no has sido tú, no "
                "hagas nada.\n"
            ),
        ),
        "reset": (
            "Cambia tu contraseña",
            (
                "Hola{name}:\n\nPara poner una contraseña nueva en {centre}, abre este enlace "
                "antes de una hora. Sirve una sola vez y cierra todas las "
                "sesiones:\n\n{link}\n\nSi no lo has pedido tú, no hagas nada: tu contraseña sigue "
                "siendo la misma.\n"
            ),
        ),
        "invite": (
            "Te han invitado a {centre}",
            (
                "Hola{name}:\n\nTienes una cuenta preparada en {centre}. Elige tu contraseña aquí "
                "antes de siete días:\n\n{link}\n"
            ),
        ),
        "password_changed": (
            "Tu contraseña ha cambiado",
            (
                "Hola{name}:\n\nLa contraseña de tu cuenta en {centre} acaba de cambiar. Si no has "
                "sido tú, pide una nueva enseguida y avisa a tu administrador:\n\n"
                "{home}/account/forgot\n"
            ),
        ),
        "second_step_off": (
            "La verificación en dos pasos está desactivada",
            (
                "Hola{name}:\n\nLa verificación en dos pasos de tu cuenta en {centre} se acaba de "
                "desactivar. Si no has sido tú, cambia tu contraseña y avisa a tu administrador.\n"
            ),
        ),
        "linked": (
            "Ya puedes entrar con {provider}",
            (
                "Hola{name}:\n\nTu cuenta en {centre} se acaba de vincular con {provider}, que "
                "desde ahora también sirve para entrar. Si no has sido tú, desvincúlala, cambia tu "
                "contraseña y avisa a tu administrador:\n\n{home}/account\n"
            ),
        ),
        "unlinked": (
            "Ya no puedes entrar con {provider}",
            (
                "Hola{name}:\n\nTu cuenta en {centre} se acaba de desvincular de {provider}, que "
                "ya no sirve para entrar. Si no has sido tú, cambia tu contraseña y avisa a tu "
                "administrador:\n\n{home}/account/forgot\n"
            ),
        ),
    },
    "en": {
        "verify": (
            "Confirm your e-mail address",
            (
                "Hello{name},\n\nTo confirm this address at {centre}, open this link within three "
                "days and give your account's password:\n\n{link}\n\nIf you did not make "
                "an account, do nothing.\n"
            ),
        ),
        "known": (
            "You have an account already",
            (
                "Hello{name},\n\nSomebody wanted to make an account at {centre} with this address, "
                "which has one. If it was you, sign in with your password; if you do not remember "
                "it, ask for a new one here:\n\n{home}/account/forgot\n\nIf it was not you, do "
                "nothing.\n"
            ),
        ),
        "reset": (
            "Change your password",
            (
                "Hello{name},\n\nTo set a new password at {centre}, open this link within an hour. "
                "It works once and ends all sessions:\n\n{link}\n\nIf you did not ask for it, do "
                "nothing: your password stays as it is.\n"
            ),
        ),
        "invite": (
            "You are invited to {centre}",
            (
                "Hello{name},\n\nAn account at {centre} is ready for you. Choose your password "
                "here within seven days:\n\n{link}\n"
            ),
        ),
        "password_changed": (
            "Your password has changed",
            (
                "Hello{name},\n\nThe password of your account at {centre} has just changed. If it "
                "was not you, ask for a new one at once and tell your administrator:\n\n"
                "{home}/account/forgot\n"
            ),
        ),
        "second_step_off": (
            "Two-step verification is off",
            (
                "Hello{name},\n\nTwo-step verification of your account at {centre} has just been "
                "switched off. If it was not you, change your password and tell your "
                "administrator.\n"
            ),
        ),
        "linked": (
            "You can sign in with {provider} now",
            (
                "Hello{name},\n\nYour account at {centre} has just been linked to {provider}, "
                "which opens it too from now on. If it was not you, unlink it, change your "
                "password and tell your administrator:\n\n{home}/account\n"
            ),
        ),
        "unlinked": (
            "You cannot sign in with {provider} any more",
            (
                "Hello{name},\n\nYour account at {centre} has just been unlinked from "
                "{provider}, which does not open it any more. If it was not you, change your "
                "password and tell your administrator:\n\n{home}/account/forgot\n"
            ),
        ),
    },
}


def link_of(kind: Kind, home: str, token: str) -> str:
    """Where a letter's token is used. It stands behind #: no server's log has it."""
    return f"{home}/account/{PAGES[kind]}#{token}"


def letter(
    kind: Kind,
    *,
    letter_id: str,
    address: str,
    name: str,
    locale: str,
    centre: str,
    home: str,
    token: str = "",
    provider: str = "",
) -> Letter:
    """A letter in the reader's language (Spanish where that is not known).

    `home` is the address of the centre's pages, `token` what the letter's link carries. The name
    is the reader's own entry: line breaks in it become spaces. `provider` is what the sign-in that
    the letter is about is called.
    """
    subject, text = TEXTS.get(locale[:2], TEXTS["es"])[kind]
    link = link_of(kind, home, token) if kind in PAGES else ""
    greeting = " ".join(name.split())
    values = {
        "name": f" {greeting}" if greeting else "",
        "centre": " ".join(centre.split()),
        "home": home,
        "link": link,
        "provider": " ".join(provider.split()),
    }
    return Letter(letter_id, address, subject.format(**values), text.format(**values))
