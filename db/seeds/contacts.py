"""Invented customers: (name, email, telephone). Nobody here exists; no number is ever dialled."""

from __future__ import annotations

from typing import Final

CONTACTS: Final = (
    ("Ana Beltrán Sanz", "ana.beltran@correo.example", "+34600550010"),
    ("Óscar Lafuente Mur", "oscar.lafuente@correo.example", "+34600550011"),
    ("María Otal Giménez", "maria.otal@correo.example", "+34600550012"),
    ("Rubén Castán Pola", "ruben.castan@correo.example", "+34600550013"),
    ("Elvira Moliner Ayerbe", "elvira.moliner@correo.example", "+34600550014"),
    ("Blas Sariñena Ruiz", "blas.sarinena@correo.example", "+34600550015"),
    ("Félix Obón Cebrián", "felix.obon@correo.example", "+34600550016"),
    ("Loreto Ansón Vela", "loreto.anson@correo.example", "+34600550017"),
    ("Gonzalo Puértolas Ibor", "gonzalo.puertolas@correo.example", "+34600550018"),
    ("Marina Escartín Lera", "marina.escartin@correo.example", "+34600550019"),
    ("Julia Navascués Brun", "julia.navascues@correo.example", "+34600550020"),
    ("Adrián Lacasta Piqueras", "adrian.lacasta@correo.example", "+34600550021"),
    ("Noelia Torcal Esteve", "noelia.torcal@correo.example", "+34600550022"),
    ("Vicente Aznárez Broto", "vicente.aznarez@correo.example", "+34600550023"),
    ("Pilar Cuartero Gil", "pilar.cuartero@correo.example", "+34600550024"),
    ("Sergio Bailo Ferrer", "sergio.bailo@correo.example", "+34600550025"),
    ("Begoña Lapeña Soro", "begona.lapena@correo.example", "+34600550026"),
    ("Andrés Mainer Catalán", "andres.mainer@correo.example", "+34600550027"),
    ("Clara Viñuales Pardo", "clara.vinuales@correo.example", "+34600550028"),
    ("Tomás Escuer Arnal", "tomas.escuer@correo.example", "+34600550029"),
    ("Rocío Sediles Mora", "rocio.sediles@correo.example", "+34600550030"),
    ("Héctor Ubieto Lanau", "hector.ubieto@correo.example", "+34600550031"),
    ("Irene Galindo Buisán", "irene.galindo@correo.example", "+34600550032"),
    ("Mateo Salillas Oto", "mateo.salillas@correo.example", "+34600550033"),
)
