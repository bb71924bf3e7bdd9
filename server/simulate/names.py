"""Invented names for invented people: reception looks for somebody by name in the demo as well."""

from __future__ import annotations

from random import Random

_FIRST = """
Amina An Anaïs Annelies Arne Aylin Bart Bram Carla Celine Daan Dirk Eline Elke Els Emma Farid Fatima Fien
Filip Frank Gert Greet Hamza Hanne Hilde Ilse Ines Jan Jana Jef Jeroen Johan Joke Joris Julie Karel Karim
Katrien Koen Kristof Lander Leen Lien Lieve Lotte Luc Maarten Maja Marc Maria Marijke Mehmet Mia Mieke
Mohamed Nele Nico Nora Olga Omar Peter Piet Pieter Rachid Rik Rita Robbe Ruben Samira Sara Sien Sofie
Stijn Tine Tom Veerle Wim Wout Yasmina Yusuf Zoë
"""
_LAST = """
Aerts, Baert, Bogaert, Bosmans, Claes, Cools, De Backer, De Clercq, De Smet, De Vos, De Wilde, Declercq,
Devos, Dubois, El Amrani, Geerts, Goossens, Hendrickx, Hermans, Jacobs, Janssens, Kowalska, Lambrechts,
Lemmens, Maes, Martens, Mertens, Michiels, Moens, Nys, Öztürk, Pauwels, Peeters, Raes, Segers, Smets,
Stevens, Thijs, Timmermans, Van Damme, Van den Broeck, Van Hoof, Verbeke, Verhaegen, Verlinden, Vermeulen,
Wauters, Willems, Wouters, Yılmaz
"""


def name_of(person: str) -> str:
    """The name of a simulated person, by their id: the same in every process."""
    draw = Random(f"{person} name")
    return f"{draw.choice(_FIRST.split())} {draw.choice(_LAST.split(',')).strip()}"
