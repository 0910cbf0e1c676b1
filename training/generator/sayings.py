"""What customers and agents say in any trade. Words in braces are drawn, first from `WORDS`."""

from typing import Final

from training.generator.domain import Sayings

WORDS: Final[dict[str, Sayings]] = {
    "day": (
        "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday", "the 2nd",
        "the 7th", "the 11th", "the 16th", "the 23rd", "the 28th",
    ),
    "month": (
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
    ),
    "part": ("morning", "afternoon", "evening"),
    "city": (
        "Leeds", "Porto", "Ghent", "Austin", "Lyon", "Turin", "Cork", "Malmo", "Graz", "Denver",
        "Utrecht", "Bergen", "Ottawa", "Bristol", "Valencia",
    ),
    "n": ("two", "three", "four", "five", "six", "2", "3", "4", "5"),
    "nth": ("second", "third", "fourth", "fifth"),
    "name": ("Ana", "Tom", "Mina", "Lukas", "Priya", "Omar", "Julia", "Sven", "Grace", "Kofi"),
}  # fmt: skip

GREETINGS: Final[Sayings] = (
    "Hi,", "Hello,", "Hello there,", "Good morning,", "Good evening,", "Hey,", "Dear team,",
    "Hi there,", "Hello again,", "",  "", "", "",
)  # fmt: skip

AGAIN: Final[Sayings] = (
    "I have called {n} times since {day}.",
    "This is the {nth} time I write about it.",
    "I was told it would be settled by {day}.",
    "Last time you said {n} days, that was in {month}.",
    "I have had no answer to my mail of {day}.",
    "The chat sent me to the phone, and the phone sent me back here.",
    "I spent {minutes} minutes in the queue this {part}.",
    "It was the same in {month}.",
    "I told all of this to {name} already.",
    "Nobody rang back, as was promised.",
)
"""Why it is worse than a problem alone: repeated contact, broken promises, waiting."""

ASKS: Final[Sayings] = (
    "What are you going to do about it?", "Please put this right.", "I want my {amount} back.",
    "When will this be fixed?", "Please look into it today.", "Why does nobody tell me anything?",
    "I need this solved by {day}.", "Can somebody please take care of it?", "What now?",
    "I would like to cancel.", "How can that be?",
)  # fmt: skip

STILL_BAD: Final[Sayings] = (
    "I did that, no change, {problem}.",
    "That did not work, it is exactly as it was at {time}.",
    "That is what I was told on {day} and nothing came of it.",
    "No. {name} said the opposite on {day}.",
    "So I have to wait until {day} again? That makes {n} weeks.",
    "That does not help me, {problem}.",
    "You have asked me for that {n} times now.",
    "I will move to another company in {month} then.",
    "And who pays the {amount} that it has cost me?",
    "I still have no answer: {problem}.",
    "Well then I see no reason to stay. Please close everything by {day}.",
    "It came back after {minutes} minutes, the same thing.",
    "The link of yours gives an error, I tried it {n} times.",
    "I have been on hold for {minutes} minutes since your last message.",
    "There is nothing in my mail, I looked at {time} and again just now.",
    "{day} is too late, I told {name} so.",
)
"""A negative turn later in a conversation."""

PLAIN_ASKS: Final[Sayings] = (
    "Could you tell me: {question}",
    "One question: {question}",
    "I would like to know, {question}",
    "{question} I could not find it on the site.",
    "{question} It is for my mother.",
    "Just asking, {question}",
    "{question} No hurry, {day} is fine.",
    "{question} And who do I ask for when I call on {day}?",
    "My colleague {name} wants to know: {question}",
    "{question}",
    "{question}",
    "{question}",
)

FURTHER: Final[Sayings] = (
    "And another thing: {question}",
    "Okay. {question}",
    "I see. And {question}",
    "Let me check. Yes, {detail}.",
    "{detail}.",
    "{detail}.",
    "{detail}, if that is what you need.",
    "Sure: {detail}.",
    "As far as I know {detail}.",
    "Could you send that to me by mail until {day}?",
    "I am not sure, I think {detail}.",
    "One moment please. So, {detail}.",
    "{day} at {time} would work for me.",
    "Yes, that is me, {name}. {detail}.",
)
"""A neutral turn later in a conversation."""

RESOLVED: Final[Sayings] = (
    "Thank you {name}, {praise}.",
    "Great, {praise}!",
    "That fixed it. Thanks for staying with me those {minutes} minutes, {name}!",
    "Perfect, {day} at {time} suits me very well.",
    "Thanks for the quick answer, {praise}.",
    "It works now, thank you {name}!",
    "Oh, that is easier than I thought. {praise}.",
    "Wonderful. I had expected to wait until {day}.",
    "You have been a great help, {name}, really.",
    "Good news: {praise}.",
    "That is very kind of you. {praise}, too.",
    "Lovely, then I am all set for {day}. Thank you so much.",
    "Many thanks! {praise}.",
    "Exactly what I needed, {praise}.",
    "Yes! At {time} it was there, and {praise}.",
    "I tried it again on {day} as you said, and {praise}.",
    "No further questions, {name}. {praise}.",
)
"""A positive turn later in a conversation, with or without a word of thanks."""

GLAD: Final[Sayings] = (
    "That was quick.", "Have a good {part}.", "I did not expect that before {day}.",
    "Now I can go on.", "That makes my {part}.", "I am relieved.", "All good from here.",
    "My regards to {name}.", "You can close it.", "I will tell my friends in {city}.",
)  # fmt: skip
"""Said after something went well."""

PRAISING: Final[Sayings] = (
    "I just wanted to say that {praise}.",
    "No problem this time, {praise}.",
    "{praise}, thank you!",
    "{praise}. Please tell {name} that I said so.",
    "Compliments to {name} in {city}: {praise}.",
    "For once some good news: {praise}.",
    "I wrote to you on {day} and must say: {praise}.",
    "{praise}. Five stars from me.",
)

ANGRY: Final[Sayings] = (
    "This is unacceptable, {problem}!",
    "I am furious: {problem}. Let me speak to your supervisor.",
    "I want a manager, now. {problem}.",
    "{problem}. I am really frustrated and I will file a complaint.",
    "What a terrible service! {problem}.",
    "{problem}, and all I hear is excuses. Awful.",
    "I am so angry. {problem}. Get me somebody who can decide, a supervisor or whoever.",
    "Disgusted, that is the word. {problem}.",
    "Consider this a formal complaint: {problem}.",
    "{problem}. This is the {nth} time and it is unacceptable. Where is the manager?",
)
"""Each holds a word that asks for a person."""

HARD: Final[dict[str, Sayings]] = {
    "negative": (
        (
            "I would not call myself angry and I did not want to make a complaint out of it, but "
            "somewhere between the supervisor you mentioned on {day} and today something must "
            "have been lost, because {problem}."
        ),
        (
            "Everybody I spoke to was polite and the manager in {city} did say that it would take"
            " until {day}, so perhaps it is unfair of me to be frustrated or to call it awful, "
            "and yet here I am again and {problem}."
        ),
        (
            "It is not that the answer from {name} was terrible, or that I need a supervisor for "
            "it, it is rather that I have been given {n} different answers since {month} and a "
            "complaint seems to be the only thing that moves anything when {problem}."
        ),
    ),
    "neutral": (
        (
            "My manager asked me to find out, not as a complaint but because the supervisor of "
            "the other department needs it for a list that has to be ready by {day} at {time}: "
            "{question}"
        ),
        (
            "Before anybody gets angry on either side, and there is no reason for a complaint or "
            "for a manager yet, I would only like to understand what happens between now and "
            "{month}, since one page says one thing and the next page says another: {question}"
        ),
        (
            "The sheet that I got from your supervisor in {city} says what to do when a customer "
            "is furious or when there is a complaint, and nothing about the ordinary case that I "
            "have here, which is simply this: {question}"
        ),
    ),
    "positive": (
        (
            "I must admit that I was furious on {day} and had a complaint half written that was "
            "to go to your manager, and now I am rather glad that I waited, because after what "
            "{name} did this {part} {praise}."
        ),
        (
            "People always tell you when something was terrible or awful and ask for a "
            "supervisor, so for a change let me say after {n} years with you that it went the way"
            " one hopes it would go, and {praise}."
        ),
        (
            "It began badly enough in {month} that I was frustrated and asked for a manager, even"
            " with the word complaint in the same sentence, and it ended with somebody who "
            "listened for {minutes} minutes and then did what he had said, so {praise}."
        ),
    ),
}
"""Long, with three of the words that ask for a person, and often not meaning them."""

HARD_TAILS: Final[Sayings] = (
    (
        "I know that this is a long message and that you read many of them on a {day} {part}, so "
        "take whatever part of it is useful and leave the rest to the colleague who knew about it"
        " before."
    ),
    (
        "If you need something more from me than what I wrote here and what I gave to {name} on "
        "the phone, then write it to me in one message instead of in {n} small ones, if that is "
        "possible."
    ),
    (
        "Whether that is how it should be or whether somebody in {city} has to change a setting "
        "first is more than I can tell from here, and the page of yours about it was last changed"
        " in {month}."
    ),
    (
        "On one hand it was {minutes} minutes of my time and there are worse things in life, on "
        "the other hand I would like to know how the next one who calls on a {day} is going to "
        "fare."
    ),
)

ACCOUNT: Final[Sayings] = (
    "My account number is {account}.", "Account {account}.", "Customer number is {account}.",
    "The account is {account}.", "It is about account {account}.", "(account no. {account})",
    "You find me under {account}.",
)  # fmt: skip

POLITE: Final[Sayings] = (
    "Have a nice {part}.", "Kind regards, {name}", "Thank you in advance.", "Best wishes, {name}",
    "Regards, {name}",
)  # fmt: skip

EMOJI: Final[dict[str, Sayings]] = {
    "negative": ("😡", "🙄", "😕", ":("),
    "neutral": ("🙂", ":)", "🤔"),
    "positive": ("😊", "👍", "🎉", ":)", "🙏"),
}

LOOKING: Final[Sayings] = (
    "I am happy to look into that for you.", "Thank you for writing to us.", "Let me see.",
    "I understand.", "Thank you for your patience.", "One moment, please.", "I see what you mean.",
    "I have read what you wrote to us on {day}.",
)  # fmt: skip
AFTER: Final[dict[str, Sayings]] = {
    "negative": (
        "Sorry for the trouble.", "I am sorry to hear that.", "That should not have happened.",
        "I understand that this is annoying.",
    ),
    "neutral": (*LOOKING, "Of course.", "Good question."),
    "positive": (
        "That is good to hear.", "Thank you for telling us.", "I will pass that on.",
        "You are welcome.", "Glad to hear it, {name} will be too.",
    ),
}  # fmt: skip
"""How an agent begins after such a turn."""
NUMBER_PLEASE: Final[Sayings] = (
    "Could you give me your account number, please?", "May I have your account number?",
    "I need your account number for that.",
)  # fmt: skip
MORE_PLEASE: Final[Sayings] = (
    "Can you tell me a little more?", "Is there anything else that I should know?",
    "When did it begin?", "Would that help you?", "Does that answer it?",
    "Could you try that and tell me?", "Is there anything else I can do for you?", "", "",
)  # fmt: skip
