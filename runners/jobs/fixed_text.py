"""The text on which next-token distributions are compared: plain English of our own, never changed.

About 700 words, so that every tokenizer makes at least 512 tokens of it. Another text would be
another number under the same name.
"""

from __future__ import annotations

TEXT = (
    "The ferry to the island leaves at a quarter past seven, and whoever misses it has to wait "
    "until noon. That morning eleven people stood on the pier: two teachers, a plumber with a "
    "leather bag, a family of five who had packed as if for a month, a girl with a violin, and "
    "an old man whom nobody knew. The captain counted them twice and wrote the number in his "
    "book. Then he looked at the sky, which was grey in the west, and said that it would rain "
    "before they reached the lighthouse. The plumber answered that it always rained when he had "
    "to work on a roof.\n\n"
    "On board it smelled of coffee and diesel. The girl opened her case and looked at the strings; "
    "one of them had broken in the cold. She asked the steward whether there was a shop on the "
    "island that sold such things. He laughed and said that the shop sold bread, candles, rope and "
    "newspapers from the day before, but that the priest played the cello and might have a string "
    'to spare. The old man, who had been reading, closed his book. "I used to repair '
    'instruments," he said. "If you give me a piece of fishing line and ten minutes, it will hold '
    'until tonight." He had thin, careful hands, and he did not look at them while he worked.\n\n'
    "Water boils at a lower temperature on a mountain than at the sea, because the air above it "
    "weighs less. For the same reason a sealed bag of crisps swells in an aeroplane. The teachers "
    "argued about how to show this to children of nine: one wanted to take them up the hill behind "
    "the school with a kettle, the other preferred a glass jar, a candle and a balloon. In the end "
    "they agreed that the kettle would be remembered longer, and that somebody should carry "
    "enough water. A litre of water has a mass of one kilogram; for thirty cups of tea they would "
    "need about seven of them, and a larger rucksack.\n\n"
    "The rain came when the lighthouse was still a white line between two greys. It drummed on the "
    "roof of the cabin, and the children of the family pressed their noses against the window and "
    "counted the seconds between lightning and thunder. Sound travels about a kilometre in three "
    "seconds, their mother explained, so nine seconds meant that the storm was three kilometres "
    'away. The youngest asked what would happen if there was no second at all. "Then we would be '
    'in the middle of it," said the captain, "and I would turn the lamp on." He turned it on '
    "anyway, since visitors liked to see it.\n\n"
    "When they landed the sun was out again, and steam rose from the wet stones of the harbour. "
    "The plumber shouldered his bag and walked up to the hotel, where a pipe had burst in the "
    "kitchen. The family hired three bicycles and a cart. The teachers measured the depth of the "
    "water at the foot of the stairs, four metres and twenty centimetres, and noted the time, "
    "because at high tide it would be more than six. The girl played a scale, then a dance, to "
    "try the new string; it sounded a little dull, but it held. People on the quay stopped and "
    "listened. When she looked around to thank the old man, he had already gone, and on the bench "
    "where he had been sitting lay his book, open at the last page, with a list of names in "
    "small blue letters, the last of which was hers.\n\n"
    "There are several ways to explain this, and the islanders know all of them. Some say that he "
    "had read the label on her case. Others remember a violin maker of that name who drowned in "
    "the year of the great storm, though the church register says that he moved to the city and "
    "died there, quite dry, at the age of ninety. The captain, when he is asked, opens his own "
    "book at that day. Eleven passengers went over in the morning, it says, and ten came back with "
    "the evening boat, and the fare was paid for all of them."
)
WINDOW = 512
"""Tokens that are read; the distributions after the second half of them are compared."""
