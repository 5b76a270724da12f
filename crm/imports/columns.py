"""PURE. The columns of the two tables: their headings in Spanish and English, and their cells."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from crm.customers.model import company_document, fold

Read = Callable[[str], Any]


class CellError(ValueError):
    """A cell cannot be what its column holds."""

    def __init__(self, kind: str, text: str, **ctx: Any) -> None:
        super().__init__(text)
        self.kind = kind
        self.ctx = ctx


@dataclass(frozen=True, slots=True)
class Column:
    """`es` and `en` head it when it is written; `others` are understood as well, folded."""

    field: str
    es: str
    en: str
    others: tuple[str, ...] = ()
    read: Read = str
    words: Mapping[str, str] | None = None
    """Word → value; of each value the first word is the Spanish one that is written."""
    none: tuple[str, str] | None = None
    """What says, in Spanish and English, that there is none on purpose: an empty cell leaves the
    field out."""

    def value(self, text: str) -> Any:
        """What the cell says. CellError when it cannot be that."""
        if self.none and fold(text) in map(fold, self.none):
            return None
        return one_of(self.words)(text) if self.words else self.read(text)

    def cell(self, value: Any, language: str) -> str:
        """A value as it is written."""
        if value is None:
            return self.none[language != "es"] if self.none else ""
        if self.words and language == "es":
            return next((word for word, each in self.words.items() if each == value), str(value))
        if isinstance(value, bool):
            return {"es": "sí", "en": "yes"}[language] if value else "no"
        if isinstance(value, Decimal):
            return str(value).replace(".", "," if language == "es" else ".")
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, time):
            return value.isoformat().removesuffix(":00")
        return ", ".join(value) if isinstance(value, list) else str(value)


_SPANISH_DAY: Final = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")
_HOUR: Final = re.compile(r"(\d{1,2})(?:[:.](\d{2})(?:[:.](\d{2}))?)?\s*(?:h|hrs?|horas)?\.?", re.I)
_AMOUNT: Final = re.compile(r"-?(\d{1,3}(?:[.,]\d{3})+|\d+)(?:[.,](\d{1,2}))?")


def day(text: str) -> date:
    """31/12/2026, 31-12-2026 or 2026-12-31; a time after it is left out."""
    text = text.split(" ")[0].split("T")[0]
    try:
        if match := _SPANISH_DAY.fullmatch(text):
            return date(int(match[3]), int(match[2]), int(match[1]))
        return date.fromisoformat(text)
    except ValueError:
        raise CellError("bad_date", "A date like 31/12/2026 or 2026-12-31.") from None


def hour(text: str) -> time:
    """12:00, 9.30, 12:00:00 or 12 h, of a day of 24 hours."""
    match = _HOUR.fullmatch(text)
    try:
        if match is not None:
            hours, minutes, seconds = (int(part or 0) for part in match.groups())
            return time(hours, minutes, seconds)
    except ValueError:
        pass
    raise CellError("not_an_hour", "An hour like 12:00.")


def amount(text: str) -> dict[str, str]:
    """1.234,56 or 1,234.56, with or without a sign of euros, as money. With three digits after it,
    a lone point or comma parts thousands."""
    plain = text.replace("€", "").replace("EUR", "").replace("\u00a0", "").replace(" ", "")
    match = _AMOUNT.fullmatch(plain)
    if match is None:
        raise CellError("bad_amount", "An amount like 1.234,56.")
    whole = match[1].replace(".", "").replace(",", "")
    if any(mark in match[1] for mark in ".,") and match[2]:
        parts = {c for c in match[1] if c in ".,"}
        if len(parts) > 1 or plain[-len(match[2]) - 1] in parts:
            raise CellError("bad_amount", "An amount like 1.234,56.")
    sign = "-" if plain.startswith("-") else ""
    return {"amount": f"{sign}{whole}.{match[2] or '0'}"}


def whole(text: str) -> int:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise CellError("bad_number", "A whole number.") from None
    if not number.is_finite() or number != int(number) or abs(number) > 10**9:
        raise CellError("bad_number", "A whole number.")
    return int(number)


def listed(text: str) -> list[str]:
    return [part.strip() for part in text.replace("|", ",").split(",") if part.strip()]


def one_of(names: Mapping[str, str]) -> Read:
    """A reader of one of some words, in either language; ctx.values tells which there are."""
    table = {fold(name): value for name, value in names.items()}

    def read(text: str) -> str:
        found = table.get(fold(text))
        if found is None:
            values = sorted(set(names))
            raise CellError("bad_word", f"One of {', '.join(values)}.", values=values)
        return found

    return read


_YES: Final = {fold(word) for word in ("sí", "s", "yes", "y", "verdadero", "true", "1", "x")}
_NO: Final = {fold(word) for word in ("no", "n", "falso", "false", "0")}


def yes(text: str) -> bool:
    word = fold(text)
    if word not in _YES | _NO:
        raise CellError("bad_yes_no", "Yes or no.")
    return word in _YES


KINDS: Final = {"persona": "person", "person": "person", "particular": "person",
                "física": "person", "empresa": "company", "company": "company",
                "jurídica": "company"}  # fmt: skip
STATUSES: Final = {"activo": "active", "active": "active", "inactivo": "inactive",
                   "inactive": "inactive", "potencial": "lead", "lead": "lead"}  # fmt: skip
LOCALES: Final = {"es": "es", "español": "es", "castellano": "es", "spanish": "es", "en": "en",
                  "inglés": "en", "english": "en", "ca": "ca", "catalán": "ca",
                  "catalan": "ca"}  # fmt: skip
LINES: Final = {"auto": "auto", "autos": "auto", "coche": "auto", "automóvil": "auto",
                "motor": "auto", "car": "auto", "hogar": "home", "home": "home", "vida": "life",
                "life": "life", "salud": "health", "health": "health", "empresa": "business",
                "negocio": "business", "comercio": "business", "pyme": "business",
                "business": "business"}  # fmt: skip
FREQUENCIES: Final = {"única": "single", "single": "single", "anual": "annual", "annual": "annual",
                      "semestral": "semiannual", "semiannual": "semiannual",
                      "trimestral": "quarterly", "quarterly": "quarterly", "mensual": "monthly",
                      "monthly": "monthly"}  # fmt: skip
COUNTRIES: Final = {"es": "ES", "españa": "ES", "spain": "ES", "pt": "PT", "portugal": "PT",
                    "fr": "FR", "francia": "FR", "france": "FR", "ad": "AD",
                    "andorra": "AD"}  # fmt: skip


def country(text: str) -> str:
    return COUNTRIES.get(fold(text), text.upper())


CUSTOMERS: Final = (
    Column("kind", "Tipo", "Type", ("tipo de cliente", "tipo persona"), words=KINDS),
    Column("first_name", "Nombre", "First name", ("nombres", "name")),
    Column("last_name", "Apellidos", "Last name", ("apellido", "surname")),
    Column("company_name", "Razón social", "Company", ("empresa", "denominación", "company name")),
    Column("document", "DNI/NIF", "Document", (
        "dni", "nif", "nie", "cif", "documento", "dni nie", "nif cif", "dni cif", "tax id",
        "n documento", "identificación")),
    Column("birth_date", "Fecha de nacimiento", "Birth date", (
        "nacimiento", "f nacimiento", "fecha nacimiento", "date of birth"), day),
    Column("mobile", "Móvil", "Mobile", ("teléfono móvil", "tel móvil", "celular", "móvil 1")),
    Column("phone", "Teléfono", "Phone", ("teléfono fijo", "tel", "tlf", "fijo", "telephone")),
    Column("email", "Correo electrónico", "Email", (
        "correo", "e mail", "mail", "email", "correo e")),
    Column("address_line1", "Dirección", "Address", ("domicilio", "calle", "address line 1")),
    Column("address_line2", "Dirección 2", "Address 2", ("piso", "address line 2")),
    Column("postal_code", "Código postal", "Postal code", ("cp", "c p", "cod postal", "zip")),
    Column("city", "Población", "City", ("ciudad", "localidad", "municipio", "town")),
    Column("province", "Provincia", "Province", ("state",)),
    Column("country", "País", "Country", (), country),
    Column("iban", "IBAN", "IBAN", ("cuenta", "cuenta bancaria", "ccc", "bank account")),
    Column("locale", "Idioma", "Language", ("lengua",), words=LOCALES),
    Column("status", "Estado", "Status", ("situación",), words=STATUSES),
    Column("lead_source", "Origen", "Source", ("procedencia", "lead source")),
    Column("tags", "Etiquetas", "Tags", (), listed),
    Column("notes", "Notas", "Notes", ("observaciones", "comentarios")),
    Column("manager", "Gestor", "Manager", (
        "responsable", "gestor de cartera", "agente", "portfolio manager")),
)  # fmt: skip
POLICIES: Final = (
    Column("document", "DNI/NIF del tomador", "Policyholder's document", (
        "dni", "nif", "nie", "cif", "documento", "dni tomador", "nif tomador", "tomador", "dni nif",
        "document", "tax id")),
    Column("policy_number", "Número de póliza", "Policy number", (
        "póliza", "n póliza", "nº póliza", "num póliza", "policy")),
    Column("policy_type", "Ramo", "Line", (
        "tipo", "tipo de póliza", "producto", "policy type"), words=LINES),
    Column("carrier", "Aseguradora", "Insurer", ("compañía", "cía", "carrier", "entidad")),
    Column("coverage_start_date", "Fecha de efecto", "Effective date", (
        "efecto", "inicio", "fecha efecto", "fecha inicio", "start", "start date"), day),
    Column("coverage_start_time", "Hora de efecto", "Effective time", (
        "hora efecto", "hora de inicio", "hora inicio", "start time"), hour),
    Column("coverage_end_date", "Vencimiento", "Expiry date", (
        "fin", "fecha de vencimiento", "fecha vencimiento", "fecha fin", "end", "end date",
        "expiry"), day),
    Column("coverage_end_time", "Hora de vencimiento", "Expiry time", (
        "hora vencimiento", "hora de fin", "hora fin", "end time"), hour),
    Column("premium_amount", "Prima total", "Total premium", (
        "prima", "prima anual", "importe", "premium"), amount),
    Column("premium_net", "Prima neta", "Net premium", (), amount),
    Column("premium_frequency", "Forma de pago", "Frequency", (
        "fraccionamiento", "periodicidad", "payment"), words=FREQUENCIES),
    Column("coverage_amount", "Capital asegurado", "Sum insured", (
        "capital", "suma asegurada"), amount),
    Column("covers", "Coberturas", "Covers", ("garantías", "cobertura"), listed),
    Column("auto_renew", "Renovación automática", "Renews", ("renovable", "tácita"), yes),
    Column("notice_months", "Meses de preaviso", "Notice in months", (
        "preaviso", "plazo de preaviso", "notice"), whole, none=("según contrato", "by contract")),
    Column("first_premium_agreed", "Cubre sin primera prima", "Covers before the first premium", (
        "primera prima pactada", "first premium agreed"), yes),
    Column("distance_sale", "Venta a distancia", "Distance sale", ("a distancia",), yes),
    Column("cover_on_request", "Cobertura inmediata a petición", "Cover at once on request", (
        "cobertura inmediata", "cover on request"), yes),
    Column("concluded_on", "Fecha del contrato", "Concluded on", (
        "fecha de contratación", "contratado el", "concluded"), day),
    Column("vehicle_plate", "Matrícula", "Plate", ("vehicle plate", "registration")),
    Column("vehicle_make", "Marca", "Make", ("vehicle make",)),
    Column("vehicle_model", "Modelo", "Model", ("vehicle model",)),
    Column("vehicle_year", "Año", "Year", ("año matriculación", "vehicle year"), whole),
    Column("vehicle_vin", "Bastidor", "VIN", ("número de bastidor", "chasis")),
    Column("property_address", "Dirección del riesgo", "Risk address", (
        "riesgo", "situación del riesgo", "dirección", "property address")),
    Column("property_postal_code", "Código postal del riesgo", "Risk postal code", (
        "cp riesgo", "código postal", "cp")),
    Column("property_type", "Tipo de inmueble", "Property type", ("tipo de vivienda",)),
    Column("property_value", "Valor del inmueble", "Property value", ("continente",), amount),
    Column("notes", "Notas", "Notes", ("observaciones", "comentarios")),
)  # fmt: skip


def heading(text: str) -> str:
    """A heading as it is understood: D.N.I. is dni, E-mail is email."""
    return fold(text).replace(" ", "")


def by_heading(columns: tuple[Column, ...]) -> dict[str, str]:
    """Heading → field; a field's own name is understood too."""
    known: dict[str, str] = {}
    for column in columns:
        for name in (column.es, column.en, column.field, *column.others):
            known.setdefault(heading(name), column.field)
    return known


def document_field(text: str, kind: str) -> tuple[str, str]:
    """(field, kind) of a document of either sort: a company's says what it is of."""
    try:
        company_document(text)
    except ValueError:
        return ("tax_id", kind) if kind == "company" else ("dni", kind)
    return "tax_id", "company"
