"""Trades with a running contract: what their customers say."""

from typing import Final

from training.generator.domain import Domain

TELECOM: Final = Domain(
    "telecom",
    {
        "thing": ("internet", "mobile data", "landline", "home wifi", "fibre line", "roaming"),
        "device": ("router", "SIM card", "modem", "wall socket", "repeater"),
    },
    (
        "my {thing} has been down since {day} {part}",
        "the {thing} drops every {minutes} minutes and I work from home",
        "I was charged {amount} for {thing} that I never used",
        "the technician for the {thing} did not come on {day}, for the {nth} time",
        "my bill went from {amount} to much more without a word from you",
        "the new {device} never arrived and the old {thing} is already cut off",
        "I pay for a fast line and get a tenth of it, measured at the {device}",
        "I cancelled the {thing} in {month} and you still take {amount} from my bank",
        "the number that I brought along was given to somebody else when you moved my {thing}",
    ),
    (
        "how do I change the name of my {thing} on the {device}?",
        "what does {thing} cost in {city}?",
        "can I take my {thing} along when I move to {city} in {month}?",
        "where do I see how much {thing} I have left?",
        "does the {device} work with a {n} year old contract?",
        "when does my contract for the {thing} end?",
    ),
    (
        "the {device} shows a red light since {time}",
        "I already restarted the {device} {n} times, as the page says",
        "the contract for the {thing} is from {month}",
        "I am at home on {day} in the {part}",
    ),
    (
        "the {thing} is back and faster than before",
        "the new {device} took me {minutes} minutes to set up, very simple",
        "you took the {amount} off my bill without a discussion",
        "the technician came on {day} at {time} sharp and explained the {device} to me",
    ),
    (
        "I am running a test of your {thing} now.",
        "A technician can come on {day} at {time}.",
        "I will send you another {device}.",
    ),
)

BANK: Final = Domain(
    "banking",
    {
        "thing": ("debit card", "credit card", "savings account", "transfer", "standing order"),
        "place": ("cash machine", "petrol station", "supermarket", "online shop", "ticket machine"),
    },
    (
        "there is a payment of {amount} at a {place} in {city} that I did not make",
        "my {thing} was refused at a {place} although there is money on it",
        "the {place} kept my card and gave me no cash but took {amount}",
        "my {thing} over {amount} has not arrived after {n} days",
        "I am locked out of the app since {day} and cannot pay my rent",
        "you charged me {amount} for a {thing} that was said to be free",
        "I have sent the form for the {thing} {n} times and every time another page is missing",
        "my {thing} was closed without a letter and my pay did not come in",
    ),
    (
        "what is the limit of my {thing} abroad?",
        "how do I order another {thing} for my daughter?",
        "how long does a {thing} to {city} take?",
        "what is the interest on the {thing} from {month} on?",
        "can I use the {thing} at a {place} in {city}?",
        "where do I find the statement for {month}?",
    ),
    (
        "the {thing} was made on {day} at {time}",
        "I used the {thing} at a {place} in {city}",
        "the amount is {amount} and the text says {digits}",
        "I still have the letter about the {thing} from {month}",
    ),
    (
        "the {amount} are back on my account after only {n} days",
        "the new {thing} came within {n} days and works at every {place}",
        "your colleague noticed the odd payment at the {place} before I did",
        "opening the {thing} took {minutes} minutes, and on my phone",
    ),
    (
        "I have blocked the {thing} for you.",
        "The payment at the {place} is still open.",
        "The {thing} should arrive by {day}.",
    ),
)

SOFTWARE: Final = Domain(
    "software",
    {
        "thing": (
            "calendar",
            "invoice page",
            "export",
            "search",
            "shared folder",
            "login",
            "mobile app",
        ),
        "file": ("spreadsheet", "report", "backup", "presentation", "contact list"),
    },
    (
        "the {thing} closes as soon as I open a {file}",
        "since the update on {day} the {thing} shows an empty page",
        "my {file} from {month} is gone after the {thing} was renewed",
        "the {thing} takes {minutes} minutes for a {file} that took seconds before",
        "we have {n} users who cannot get past the {thing} since {time}",
        "I was billed {amount} for seats that we removed in {month}",
        "the {thing} says that my trial is over although we pay {amount} a month",
        "the ticket about the {thing} was closed and the {file} still does not open",
    ),
    (
        "how do I add a second user to the {thing}?",
        "can the {thing} read a {file} from another program?",
        "where in the {thing} do I set the time zone of {city}?",
        "is there a limit of size for a {file}?",
        "does the yearly plan include the {thing}?",
        "how do I move a {file} to another workspace?",
    ),
    (
        "I use the {thing} in the browser, version {digits}",
        "the {file} has about {digits} rows",
        "it happened on {day} at {time}, and with one {file} only",
        "we are {n} people and all of us use the {thing}",
    ),
    (
        "the {thing} is quick again and the {file} opens at once",
        "the new {thing} saves me {minutes} minutes a day",
        "you brought my {file} back, I had already given it up",
        "setting up the {thing} for {n} people was done before lunch",
    ),
    (
        "Could you send me the {file} that does not open?",
        "The fix of the {thing} will be out on {day}.",
        "Please sign out of the {thing} and in again.",
    ),
)

UTILITY: Final = Domain(
    "utilities",
    {
        "thing": ("electricity", "gas", "water", "district heating"),
        "part_of": ("meter", "yearly bill", "monthly payment", "contract", "reading"),
    },
    (
        "we have had no {thing} since {time} and nobody picks up the phone",
        "the {part_of} for {thing} is {amount} higher than last year with the same use",
        "the {part_of} that you have for my {thing} is not mine",
        "you raised the price for {thing} without writing to me",
        "my credit of {amount} from the {thing} bill has not been paid out since {month}",
        "the man for the {part_of} did not come on {day} and I had taken the day off",
        "you keep sending the bill for {thing} to my old flat in {city}",
        "I gave you the {part_of} for {thing} {n} times and the bill is an estimate again",
    ),
    (
        "where do I enter the {part_of} for my {thing}?",
        "what would {thing} cost for {n} people in {city}?",
        "how do I register my {thing} in {city} for {month}?",
        "when is the {part_of} for {thing} due?",
        "can I pay for the {thing} on another day of the month?",
        "what is the number next to the {part_of} on my bill?",
    ),
    (
        "the {part_of} for the {thing} says {digits}",
        "we moved in on {day}, the flat is in {city}",
        "we are {n} people and heat with {thing}",
        "the last {part_of} that I sent was in {month}",
    ),
    (
        "the {thing} was back after {minutes} minutes",
        "the {amount} from the {part_of} came today, earlier than I thought",
        "changing the {thing} to our new flat in {city} went without a hitch",
        "the new {part_of} for {thing} is much easier to read",
    ),
    (
        "I see the {part_of} for your {thing} here.",
        "The repair in {city} should be done at {time}.",
        "I have set the {part_of} to {amount}.",
    ),
)

INSURANCE: Final = Domain(
    "insurance",
    {
        "thing": ("bicycle", "car", "kitchen", "roof", "phone", "windscreen", "washing machine"),
        "paper": ("claim", "policy", "estimate", "confirmation", "renewal"),
    },
    (
        "my {paper} for the {thing} has been open since {month}",
        "you paid {amount} for the {thing} and the garage wants much more",
        "the {paper} for my {thing} was rejected because of a form that nobody sent me",
        "I have uploaded the pictures of the {thing} {n} times and you ask for them again",
        "the premium went up by {amount} although nothing ever happened to my {thing}",
        "I was told that somebody would look at the {thing} on {day} and nobody came",
        "you renewed the {paper} for a {thing} that I sold in {month}",
        "the person who handles my {paper} has not called back for {n} weeks",
    ),
    (
        "does my {paper} cover the {thing} abroad?",
        "what do you need for a {paper} about a {thing}?",
        "how do I put my {thing} on the {paper} of my partner?",
        "is the {thing} insured while it stands in {city}?",
        "by when must I cancel the {paper} for the {thing}?",
        "how long does a {paper} usually take?",
    ),
    (
        "the damage to the {thing} was on {day} at about {time}",
        "the garage in {city} says {amount} for the {thing}",
        "the {paper} for the {thing} ends in {digits}",
        "I sent the {paper} by post in {month}",
    ),
    (
        "the {amount} for the {thing} came {n} days after I sent the {paper}",
        "the {paper} for my {thing} was a matter of {minutes} minutes",
        "your expert in {city} took the time to explain the {paper} to me",
        "my {thing} is repaired and I did not have to pay a cent",
    ),
    (
        "I have the {paper} for your {thing} in front of me.",
        "An expert can look at the {thing} on {day}.",
        "The {amount} will be paid by {day}.",
    ),
)

CLINIC: Final = Domain(
    "health",
    {
        "thing": (
            "eye test",
            "check-up",
            "physiotherapy",
            "blood test",
            "dental cleaning",
            "vaccination",
        ),
        "paper": ("prescription", "result", "referral", "invoice", "sick note"),
    },
    (
        "my {thing} on {day} was moved and nobody told me, I stood in front of a locked door",
        "I have waited {n} weeks for the {paper} of my {thing}",
        "the {paper} that you sent me has somebody else's name on it",
        "I was billed {amount} for a {thing} that my insurance pays",
        "I have tried to reach the practice in {city} since {time} and it is always engaged",
        "the pharmacy in {city} cannot read the {paper}, so I was sent away without my tablets",
        "I sat there for {minutes} minutes although my {thing} was at {time}",
        "the site lost my booking for the {thing}, for the {nth} time",
    ),
    (
        "can I book a {thing} for {day} in the {part}?",
        "do I have to come without breakfast for the {thing}?",
        "where do I pick up the {paper}?",
        "what does the {thing} cost if I pay it myself?",
        "does the house in {city} also do a {thing}?",
        "can you send the {paper} to my doctor in {city}?",
    ),
    (
        "my {thing} is on {day} at {time}",
        "the {paper} is from {month} and from the house in {city}",
        "the {part} suits me best for the {thing}",
        "the last {thing} was {n} months ago",
    ),
    (
        "the nurse at the {thing} was so patient with my son",
        "the {paper} was ready {minutes} minutes after I asked for it",
        "I got a {thing} on the same {part}, in {city} of all places",
        "the {thing} did not hurt at all and was over in {minutes} minutes",
    ),
    (
        "I have a {thing} free on {day} at {time}.",
        "The {paper} is ready at reception.",
        "I will ask the house in {city} about the {paper}.",
    ),
)

CONTRACTS: Final = (TELECOM, BANK, SOFTWARE, UTILITY, INSURANCE, CLINIC)
