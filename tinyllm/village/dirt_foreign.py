"""Sentences in other languages than English: simple ones, written for these pages."""

from __future__ import annotations

import random

GERMAN = (
    "Am Morgen ging die Bäckerin zum Teich und fütterte die Enten.",
    "Der alte Müller sagt, dass der Wind heute aus dem Norden kommt.",
    "Niemand wusste, wem der rote Schirm gehörte.",
    "Die Kinder haben den ganzen Nachmittag hinter der Schule gespielt.",
    "Wenn es regnet, bleibt der Markt geschlossen.",
    "Sie hat ihrem Bruder einen langen Brief geschrieben.",
    "Im Winter ist der Weg durch den Wald sehr still.",
    "Der Hund schläft unter dem Tisch und träumt von der Katze.",
    "Bitte schließen Sie das Tor, damit die Ziegen nicht weglaufen.",
    "Gestern haben wir zwei Körbe voller Äpfel verkauft.",
)
FRENCH = (
    "Le matin, la boulangère va au marché avec son petit chien.",
    "Personne ne sait à qui appartient le parapluie rouge.",
    "Les enfants ont joué tout l'après-midi derrière l'école.",
    "Quand il pleut, nous restons à la maison et nous lisons.",
    "Le vieux meunier dit que le vent vient du nord aujourd'hui.",
    "Elle a écrit une longue lettre à son frère.",
    "En hiver, le chemin de la forêt est très calme.",
    "Fermez la porte, s'il vous plaît, sinon les chèvres vont partir.",
    "Hier, nous avons vendu deux paniers de pommes.",
    "Mon grand-père racontait toujours la même histoire.",
)
SPANISH = (
    "Por la mañana la panadera va al mercado con su perro pequeño.",
    "Nadie sabe de quién es el paraguas rojo.",
    "Los niños jugaron toda la tarde detrás de la escuela.",
    "Cuando llueve nos quedamos en casa y leemos un libro.",
    "El viejo molinero dice que hoy el viento viene del norte.",
    "Ella escribió una carta muy larga a su hermano.",
    "En invierno el camino del bosque está muy tranquilo.",
    "Cierren la puerta, por favor, o se escaparán las cabras.",
    "Ayer vendimos dos cestas llenas de manzanas.",
    "Mi abuelo siempre contaba la misma historia.",
)
ITALIAN = (
    "La mattina la fornaia va al mercato con il suo cagnolino.",
    "Nessuno sa di chi sia l'ombrello rosso.",
    "I bambini hanno giocato tutto il pomeriggio dietro la scuola.",
    "Quando piove restiamo a casa e leggiamo un libro.",
    "Il vecchio mugnaio dice che oggi il vento viene da nord.",
    "Ha scritto una lunga lettera a suo fratello.",
    "D'inverno il sentiero del bosco è molto tranquillo.",
    "Chiudete il cancello, per favore, altrimenti le capre scappano.",
    "Ieri abbiamo venduto due ceste piene di mele.",
    "Mio nonno raccontava sempre la stessa storia.",
)
DUTCH = (
    "In de ochtend gaat de bakker met haar hondje naar de markt.",
    "Niemand weet van wie de rode paraplu is.",
    "De kinderen hebben de hele middag achter de school gespeeld.",
    "Als het regent, blijven we thuis en lezen we een boek.",
    "De oude molenaar zegt dat de wind vandaag uit het noorden komt.",
    "Ze heeft een lange brief aan haar broer geschreven.",
    "In de winter is het pad door het bos heel stil.",
    "Doe alstublieft het hek dicht, anders lopen de geiten weg.",
    "Gisteren hebben we twee manden vol appels verkocht.",
    "Mijn opa vertelde altijd hetzelfde verhaal.",
)
PORTUGUESE = (
    "De manhã a padeira vai ao mercado com o seu cãozinho.",
    "Ninguém sabe de quem é o guarda-chuva vermelho.",
    "As crianças brincaram a tarde toda atrás da escola.",
    "Quando chove ficamos em casa e lemos um livro.",
    "O velho moleiro diz que hoje o vento vem do norte.",
    "Ela escreveu uma carta muito longa ao irmão.",
    "No inverno o caminho da floresta é muito tranquilo.",
    "Fechem o portão, por favor, ou as cabras vão fugir.",
    "Ontem vendemos dois cestos cheios de maçãs.",
    "O meu avô contava sempre a mesma história.",
)

LANGUAGES: dict[str, tuple[str, ...]] = {
    "German": GERMAN,
    "French": FRENCH,
    "Spanish": SPANISH,
    "Italian": ITALIAN,
    "Dutch": DUTCH,
    "Portuguese": PORTUGUESE,
}
"""The languages on which the filters were tuned."""


def foreign_text(
    rng: random.Random, sentences: tuple[str, ...], number: int
) -> tuple[str, list[str]]:
    """A title and paragraphs of one language; a page number keeps two pages from being copies.

    >>> title, text = foreign_text(random.Random(0), GERMAN, 3)
    >>> title in GERMAN, len(text) >= 2
    (True, True)
    """
    chosen = rng.sample(sentences, len(sentences))
    size = rng.randint(2, 4)
    rows = [" ".join(chosen[i : i + size]) for i in range(0, len(chosen), size)]
    return chosen[0], [*rows[:-1], f"{rows[-1]} ({number})"]
