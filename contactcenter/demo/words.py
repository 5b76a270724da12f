"""What simulated people write. Nobody here exists."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Final

OPENINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "SA": (
        "Buenas, he tenido un golpe aparcando y quería dar parte.",
        "¿Se sabe algo del peritaje de mi coche?",
        "Me han roto la luna delantera, ¿qué taller me toca?",
        "Os mando el parte amistoso firmado por los dos conductores.",
        "El contrario dice que no fue culpa suya, ¿qué hago?",
    ),
    "SH": (
        "Tenemos una fuga en la cocina y baja agua al vecino.",
        "¿Cuándo viene el fontanero? Dijeron que hoy.",
        "Con el granizo se han roto dos persianas del salón.",
        "¿El seguro cubre el daño en el parqué?",
        "Ya está reparado, ¿a dónde mando la factura?",
    ),
    "PR": (
        "Me ha venido el recibo más caro que el año pasado.",
        "Quiero cambiar la cuenta donde me cobráis.",
        "¿Me podéis mandar otra vez las condiciones de la póliza?",
        "Me han devuelto un recibo por error del banco.",
        "Necesito un certificado de que estoy al corriente.",
    ),
    "CO": (
        "Quería precio para un coche de segunda mano.",
        "¿Hacéis seguro para una autocaravana?",
        "Me caduca el de casa en dos meses, ¿me hacéis una propuesta?",
        "¿Qué descuento hay si traigo coche y moto?",
        "Acabo de alquilar un local, ¿qué seguro me hace falta?",
    ),
    "SV": (
        "Tengo una prueba el jueves, ¿hace falta autorización?",
        "¿Cómo doy de alta a mi hija en el de salud?",
        "¿El dentista del cuadro médico sigue en la lista?",
        "Quiero cambiar el beneficiario del seguro de vida.",
    ),
    "RE": (
        "Puse una queja hace diez días y nadie me ha contestado.",
        "No estoy de acuerdo con la valoración del perito.",
    ),
}

REPLIES: Final = (
    "Gracias por escribir. Lo miro ahora mismo y le digo.",
    "Ya lo tengo delante. Le confirmo que queda anotado en su expediente.",
    "Hecho. Le llegará la confirmación en un momento.",
    "Se lo paso a la compañía y le aviso en cuanto contesten.",
    "Le mando la documentación que me pide.",
)

DISPOSITIONS: Final = (
    "information_given",
    "claim_updated",
    "claim_reported",
    "documents_requested",
    "referred_to_insurer",
)


def opening(queue: str, dice: Random) -> str:
    """How a customer of this queue begins."""
    return dice.choice(OPENINGS.get(queue, OPENINGS["PR"]))
