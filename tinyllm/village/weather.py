"""What the weather does to a village: one line between two events, driven by the day."""

from __future__ import annotations

from tinyllm.village.voices import Beat

WEATHER_LINES: dict[str, Beat] = {
    "sunny": Beat(
        "The sky *was clear and the birds ^were loud.",
        "The sun *sat on every roof.",
        "Everything *was bright, from the mill to the hill.",
    ),
    "hot": Beat(
        "It *was so hot that even the ducks ^walked.",
        "The sky *was clear, and the shadows ^were short.",
        "The road *was as warm as a loaf of bread.",
    ),
    "mild": Beat(
        "The air *was soft and *smelled of bread.",
        "Nobody *wore a coat, and nobody *missed one.",
        "It *was the sort of day that forgets to be cold.",
    ),
    "cold": Beat(
        "The sky *was clear and cold.",
        "The water in the bucket *wore a hat of ice.",
        "Every word *came out as a small cloud.",
    ),
    "windy": Beat(
        "The clouds ^ran over the hill like sheep.",
        "The wind *pulled at every hat.",
        "The wind *was in a hurry and *would not say why.",
    ),
    "rainy": Beat(
        "The rain *drummed on the roofs.",
        "The clouds ^were grey, and so *was the road.",
        "Only the ducks ^were pleased with the rain.",
    ),
    "foggy": Beat(
        "The fog *was as thick as porridge.",
        "In the fog the tower *looked like a tall man.",
        "The fog *had eaten the hill.",
    ),
    "snowy": Beat(
        "The snow *lay on the walls like cream.",
        "The snow *made everything quiet and clean.",
        "There *was a white hat on every house.",
    ),
    "stormy": Beat(
        "The sky *was dark, and the thunder *was not far.",
        "The thunder *rolled over the hill.",
        "The trees ^spoke to each other in the storm.",
    ),
}
