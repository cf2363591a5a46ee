"""Who lives in the village: plain tables, read by `world.py`."""

from __future__ import annotations

CHILDREN = (
    # name, pronoun, favourite food, afraid of, dream, favourite colour, lives beside
    ("Nell", "she", "plums", "thunder", "a sailor", "red", "the mill"),
    ("Tom", "he", "pancakes", "geese", "a baker", "blue", "the bakery"),
    ("Ada", "she", "honey", "spiders", "a doctor", "yellow", "the bridge"),
    ("Ben", "he", "cheese", "the dark", "a farmer", "green", "the farm"),
    ("Lily", "she", "berries", "owls", "a teacher", "white", "the school"),
    ("Max", "he", "soup", "deep water", "a smith", "black", "the smithy"),
    ("Rosa", "she", "pears", "wasps", "a singer", "orange", "the orchard"),
    ("Otto", "he", "cake", "mice", "a mayor", "brown", "the tower"),
    ("Ida", "she", "nuts", "ghosts", "a painter", "purple", "the library"),
    ("Finn", "he", "fish", "high places", "a fisherman", "silver", "the pond"),
    ("Ruby", "she", "toast", "cows", "a pilot", "gold", "the market"),
    ("Hugo", "he", "carrots", "bats", "a king", "pink", "the hill"),
    ("Clara", "she", "porridge", "frogs", "an inventor", "grey", "the well"),
    ("Sam", "he", "apples", "snakes", "a drummer", "blue", "the forest"),
)

ADULTS = (
    # name, pronoun, job, works at, loves
    ("Mrs Crumb", "she", "the baker", "the bakery", "singing"),
    ("Mr Flint", "he", "the smith", "the smithy", "roses"),
    ("Miss Gray", "she", "the teacher", "the school", "chess"),
    ("Doctor Wren", "she", "the doctor", "the market", "tea"),
    ("Mrs Hay", "she", "the farmer", "the farm", "dancing"),
    ("Captain Brook", "he", "the fisherman", "the pond", "old songs"),
    ("Old Jonas", "he", "the beekeeper", "the orchard", "long naps"),
    ("Mayor Brass", "she", "the mayor", "the tower", "long speeches"),
    ("Mr Quill", "he", "the librarian", "the library", "silence"),
)

ANIMALS = (
    # name, species, pronoun, sound, owner, eats, sleeps at, habit
    ("Biscuit", "dog", "he", "woof", "Tom", "bones", "the bakery", "chases every ball"),
    ("Smoke", "cat", "she", "meow", "Mr Quill", "cream", "the library", "sits on open books"),
    ("Duchess", "goose", "she", "honk", "Mrs Hay", "corn", "the pond", "walks like a queen"),
    ("Hector", "donkey", "he", "hee-haw", "Sam", "thistles", "the mill", "never hurries"),
    ("Nettle", "goat", "she", "maa", "Clara", "old hats", "the hill", "climbs on roofs"),
    ("Pepper", "hen", "she", "cluck", "Ben", "seeds", "the farm", "is never wrong about rain"),
    ("Star", "horse", "he", "neigh", "Ruby", "apples", "the smithy", "is proud of his shoes"),
    ("Waddle", "duck", "she", "quack", "Finn", "worms", "the well", "is always late"),
)
