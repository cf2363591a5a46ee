"""Who lives in the village: plain tables, read by `world.py`."""

from __future__ import annotations

CHILDREN = (
    # name, pronoun, favourite food, afraid of, dream, favourite colour, lives beside, habit
    ("Nell", "she", "plums", "thunder", "a sailor", "red", "the mill", "counts everything twice"),
    ("Tom", "he", "pancakes", "geese", "a baker", "blue", "the bakery", "eats before he thinks"),
    ("Ada", "she", "honey", "spiders", "a doctor", "yellow", "the bridge", "takes clocks apart"),
    ("Ben", "he", "cheese", "the dark", "a farmer", "green", "the farm", "talks to potatoes"),
    ("Lily", "she", "berries", "owls", "a teacher", "white", "the school", "corrects the weather"),
    ("Max", "he", "soup", "deep water", "a smith", "black", "the smithy", "hums when nervous"),
    ("Rosa", "she", "pears", "wasps", "a singer", "orange", "the orchard", "sings to the soup"),
    ("Otto", "he", "cake", "mice", "a mayor", "brown", "the tower", "makes long speeches"),
    ("Ida", "she", "nuts", "ghosts", "a painter", "purple", "the library", "paints on walls"),
    ("Finn", "he", "fish", "high places", "a fisherman", "silver", "the pond", "believes tales"),
    ("Ruby", "she", "toast", "cows", "a pilot", "gold", "the market", "is always early"),
    ("Hugo", "he", "carrots", "bats", "a king", "pink", "the hill", "gives orders to the hens"),
    ("Clara", "she", "porridge", "frogs", "an inventor", "grey", "the well", "collects string"),
    ("Sam", "he", "apples", "snakes", "a drummer", "blue", "the forest", "drums on every table"),
    ("Hanna", "she", "chestnuts", "moths", "a beekeeper", "purple", "the meadow", "asks later"),
    ("Jack", "he", "gingerbread", "needles", "a driver", "red", "the post office", "shuts no door"),
    ("Elsa", "she", "noodles", "fog", "a dancer", "white", "the river", "walks on tiptoe"),
    ("Paul", "he", "sausages", "cats", "a cook", "orange", "the inn", "reads the end first"),
    ("Vera", "she", "melons", "crowds", "a judge", "blue", "the castle", "ends quarrels"),
    ("Bruno", "he", "pickles", "balloons", "an explorer", "yellow", "the barn", "digs holes"),
    ("Greta", "she", "dumplings", "horses", "a captain", "gold", "the river", "writes all down"),
    ("Leo", "he", "raisins", "crabs", "an actor", "silver", "the castle", "falls off chairs"),
    ("Tilda", "she", "waffles", "storms", "a clockmaker", "green", "the tower", "takes her time"),
    ("Anton", "he", "walnuts", "bulls", "a gardener", "brown", "the meadow", "collects nails"),
    ("Juno", "she", "cherries", "echoes", "an astronaut", "blue", "the hill", "asks why all day"),
    ("Felix", "he", "mushrooms", "stairs", "a magician", "purple", "the forest", "hides too well"),
    ("Maud", "she", "crackers", "ants", "a librarian", "pink", "the library", "always whispers"),
    ("Emil", "he", "radishes", "shadows", "a postman", "red", "the post office", "takes detours"),
    ("Pia", "she", "biscuits", "roosters", "a carpenter", "yellow", "the barn", "mends what works"),
    ("Kurt", "he", "lemons", "bridges", "a detective", "grey", "the river", "suspects everybody"),
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
    ("Mrs Stamp", "she", "the postwoman", "the post office", "gossip"),
    ("Mr Barley", "he", "the innkeeper", "the inn", "card tricks"),
    ("Granny Moss", "she", "the gardener", "the meadow", "strong coffee"),
    ("Mr Plank", "he", "the carpenter", "the barn", "straight lines"),
    ("Miss Finch", "she", "the painter", "the castle", "bright hats"),
    ("Mr Tide", "he", "the ferryman", "the river", "crosswords"),
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
    ("Bramble", "pig", "he", "oink", "Mr Barley", "turnips", "the inn", "can open any gate"),
    ("Thimble", "mouse", "she", "squeak", "Maud", "crumbs", "the barn", "lives in a teapot"),
    (
        "Trumpet",
        "rooster",
        "he",
        "cockadoodle",
        "Granny Moss",
        "barley",
        "the meadow",
        "wakes at noon",
    ),
    ("Pudding", "sheep", "she", "baa", "Anton", "clover", "the river", "follows strangers"),
)
