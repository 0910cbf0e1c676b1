"""Trades that sell something once: what their customers say."""

from typing import Final

from training.generator.domain import Domain

RETAIL: Final = Domain(
    "retail",
    {
        "thing": (
            "kettle",
            "desk lamp",
            "winter coat",
            "pair of boots",
            "coffee grinder",
            "bookshelf",
            "vacuum cleaner",
            "backpack",
            "rice cooker",
            "garden chair",
            "duvet",
            "blender",
        ),
        "fault": (
            "a crack in it",
            "a part missing",
            "the wrong plug",
            "a broken handle",
            "scratches",
        ),
        "colour": ("blue", "dark green", "black", "grey", "cream", "red"),
        "other_colour": ("white", "brown", "yellow", "light blue"),
    },
    (
        "the {thing} I ordered on {day} still is not here",
        "you sent me a {colour} {thing} and I had ordered the {other_colour} one",
        "my {thing} arrived with {fault}",
        "the parcel with my {thing} is shown as delivered and there is nothing at my door",
        "I sent the {thing} back {n} weeks ago and the {amount} have not been refunded",
        "my order for a {thing} was cancelled and nobody told me why",
        "I was charged {amount} twice for one {thing}",
        "the discount code was refused at the checkout so I paid {amount} too much for the {thing}",
        "the delivery of my {thing} has been moved for the {nth} time now",
        "the {thing} stopped working after {n} days",
    ),
    (
        "do you have the {thing} in {colour}?",
        "when will the {thing} be back in stock?",
        "how long do I have to send a {thing} back?",
        "could I change the delivery of my {thing} to {day}?",
        "what does it cost to have a {thing} sent to {city}?",
        "is the {thing} also sold in your store in {city}?",
        "can I pay for the {thing} in {n} instalments?",
        "does the {thing} come with a warranty, and for how long?",
    ),
    (
        "I ordered the {colour} {thing} on {day} in the {part}",
        "the {thing} is the {colour} one, I bought it in {month}",
        "the parcel should go to my office in {city}",
        "there was one {thing} in the order and I paid by card",
        "the label on the box of the {thing} ends in {digits}",
    ),
    (
        "the {thing} came a day early and looks lovely in {colour}",
        "the new {thing} arrived on {day} and it works perfectly",
        "the refund of {amount} for the {thing} is already in my account",
        "the {thing} was wrapped so well that nothing could happen to it",
        "I have used the {thing} for {n} weeks and would buy it again",
    ),
    (
        "I have found the order with the {thing}.",
        "The {thing} left our warehouse on {day}.",
        "I can send you another {thing}, or refund the {amount}.",
    ),
)

FOOD: Final = Domain(
    "food delivery",
    {
        "thing": (
            "noodle soup",
            "family pizza",
            "falafel wrap",
            "curry",
            "salad bowl",
            "burger menu",
        ),
        "side": ("fries", "drinks", "garlic bread", "dessert", "extra rice", "sauce"),
    },
    (
        "the {thing} was cold when it came and it took {minutes} minutes",
        "the {side} for my {thing} is missing from the bag",
        "the rider left my {thing} at another house",
        "I have waited {minutes} minutes for a {thing} and the map has not moved",
        "the restaurant cancelled my {thing} and I was charged {amount} anyway",
        "there was meat in the {thing} that I had ordered without",
        "the bag was torn and half of the {thing} was in it, the {side} too",
        "I got somebody else's order instead of my {thing}, and that for the {nth} time",
    ),
    (
        "can I still add {side} to my {thing}?",
        "is there a {thing} without nuts?",
        "until when can I order a {thing} on {day}?",
        "do you deliver a {thing} to the {part} shift at the hospital in {city}?",
        "what is the smallest order for {city}?",
        "how do I leave a tip for a {thing} I already paid for?",
    ),
    (
        "I ordered one {thing} and {side} at about {time}",
        "it is the house with the green gate, the bell says {digits}",
        "the {thing} should be without onions",
        "the bill says {amount} for the {thing} and the {side}",
    ),
    (
        "the {thing} was hot and the rider even came up to the {nth} floor",
        "that was the best {thing} I have had in {city}",
        "the {side} you added for free made our {part}",
        "the {thing} was here {minutes} minutes after I ordered it",
    ),
    (
        "I see your order with the {thing}.",
        "The rider is {minutes} minutes away from you.",
        "I can refund the {side}, or have the {thing} made again.",
    ),
)

TRAVEL: Final = Domain(
    "travel",
    {
        "thing": ("flight", "train", "coach", "ferry", "connecting flight", "night train"),
        "extra": ("a window seat", "a second bag", "a bicycle", "a pram", "a vegetarian meal"),
    },
    (
        "my {thing} to {city} was cancelled and there is no other before {day}",
        "the {thing} to {city} left {minutes} minutes late and I missed the last bus",
        "my suitcase did not arrive with the {thing} from {city}",
        "I paid {amount} for {extra} on the {thing} and did not get it",
        "the booking for the {thing} shows {day} but I had chosen another date",
        "the name on my ticket for the {thing} to {city} is misspelt and I cannot change it",
        "the compensation for my {thing} in {month} has not been paid for {n} weeks",
        "the app gives no boarding pass for my {thing} to {city}",
        "you moved our {thing} to {time} and now we miss the wedding",
    ),
    (
        "can I take {extra} on the {thing} to {city}?",
        "how early must I be there for the {thing} at {time}?",
        "is there a later {thing} from {city} on {day}?",
        "what does it cost to move my {thing} to {day}?",
        "does the {thing} at {time} stop in {city}?",
        "where do I enter my passport for the {thing} in {month}?",
    ),
    (
        "I am on the {thing} to {city} on {day} at {time}",
        "we are {n} adults and booked {extra}",
        "the reference ends in {digits} and the {thing} leaves from {city}",
        "the suitcase is a {n} year old brown one with a strap",
    ),
    (
        "you rebooked our {thing} to {city} within {minutes} minutes",
        "the crew of the {thing} to {city} looked after my mother so well",
        "we got {extra} on the {thing} without paying for it",
        "my bag came the very next {part} after the {thing} from {city}",
    ),
    (
        "I have your booking for the {thing} to {city} here.",
        "There is another {thing} on {day} at {time}.",
        "I can move you to {day} without a fee.",
    ),
)

HOTEL: Final = Domain(
    "hotel",
    {
        "thing": ("double room", "family room", "suite", "single room", "holiday flat"),
        "inside": ("shower", "heating", "air conditioning", "television", "safe", "door lock"),
    },
    (
        "the {inside} in our {thing} has not worked since {day}",
        "I booked a {thing} and was given a smaller one",
        "the {thing} was not cleaned for {n} days",
        "my card was charged {amount} although I cancelled the {thing} in time",
        "there is building work under our {thing} from {time} on",
        "the {thing} smelled of smoke and reception said there is no other one",
        "the breakfast that we paid {amount} for was closed on {day}",
        "nobody was at reception in {city} when we came at {time}",
    ),
    (
        "is there parking at the house in {city}, and what does it cost?",
        "can we check into the {thing} at {time}?",
        "does the {thing} have a cot?",
        "how do I add breakfast to the {thing} for {n} people?",
        "until when can I cancel the {thing} in {month}?",
        "is the {inside} in the {thing} a recent one?",
    ),
    (
        "we are in the {thing} on the {nth} floor",
        "we arrive in {city} on {day} at about {time}",
        "the {thing} is booked for {n} nights in {month}",
        "the {inside} shows the code {digits}",
    ),
    (
        "the {thing} had a view over all of {city}",
        "somebody repaired the {inside} within {minutes} minutes",
        "you kept our bags until {time}, that saved our last day in {city}",
        "we slept so well in the {thing} that we booked {month} again",
    ),
    (
        "I have your booking of a {thing} in {month} here.",
        "The technician will look at the {inside} at {time}.",
        "I can give you another {thing} on the {nth} floor.",
    ),
)

DEVICES: Final = Domain(
    "electronics",
    {
        "thing": ("laptop", "tablet", "speaker", "phone", "printer", "camera", "smart watch"),
        "part_of": ("screen", "battery", "charger", "left button", "fan", "microphone"),
    },
    (
        "the {part_of} of my {thing} broke after {n} weeks",
        "my {thing} has been in your workshop since {month} and I have heard nothing",
        "the {thing} came back from the repair with the same fault of the {part_of}",
        "the {thing} gets so hot that it switches off after {minutes} minutes",
        "you want {amount} for a {part_of} although the {thing} is under warranty",
        "since the update my {thing} does not find the printer, nor anything else",
        "the {part_of} that you sent does not fit my {thing}",
        "the {thing} loses its connection every {minutes} minutes",
    ),
    (
        "which {part_of} fits a {thing} from {month}?",
        "how do I reset the {thing} without losing my pictures?",
        "how long does a repair of the {part_of} take?",
        "does the warranty of the {thing} cover the {part_of}?",
        "can I bring the {thing} to a shop in {city}?",
        "is the {thing} fine with a charger of another make?",
    ),
    (
        "the {thing} is from {month} and its serial number ends in {digits}",
        "the light on the {thing} blinks {n} times, then it goes out",
        "I have the receipt for the {thing}, it was {amount}",
        "I use the {thing} mostly in the {part}",
    ),
    (
        "the {thing} works again, even the {part_of}",
        "the new {part_of} was here within {n} days and was easy to put in",
        "the colleague in {city} repaired my {thing} while I waited",
        "the {thing} has been faultless since the reset at {time}",
    ),
    (
        "Please hold the button of the {thing} for {n} seconds.",
        "The repair of the {part_of} is planned for {day}.",
        "I can order a new {part_of} for the {thing}.",
    ),
)

GOODS: Final = (RETAIL, FOOD, TRAVEL, HOTEL, DEVICES)
