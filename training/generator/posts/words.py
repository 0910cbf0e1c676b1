"""Words of any trade, and sentences that set a scene whatever the message means."""

from typing import Final

from training.generator.posts.grammar import Vocabulary, vocabulary

WORDS: Final[Vocabulary] = vocabulary("""
day: Monday / Tuesday / Wednesday / Thursday / Friday / Saturday / Sunday / the 4th / the 12th /
  the 21st
month: January / February / March / April / May / June / July / August / September / October /
  November / December
city: Leeds / Porto / Ghent / Austin / Lyon / Turin / Cork / Malmo / Graz / Denver / Utrecht /
  Bergen / Ottawa / Bristol / Valencia / Boston / Chicago / Dallas / Dublin / Madrid / NYC / LA /
  Toronto / Miami / Leipzig / Perth / Houston / Philly / Seattle / Oslo / Cancun / Nashville /
  Newark / Atlanta / Orlando / Vegas / Phoenix / Glasgow
name: Ana / Tom / Mina / Lukas / Priya / Omar / Julia / Sven / Grace / Kofi / Linda / Marcus /
  Beth / Jerome / Carla / Mrs. Lopez / Kim / Dave / Tanya / Ravi / Sarah / Mike / Jessica
place: counter / desk / store / shop / branch / station / office / gate
scene: [I'm|We're|I am] [in|at|on the way to|outside] [the {place}|{city}|your {city} {place}]
  [right now|at the moment|with two kids|since {hour}|today]. / [I|We]
  [booked|ordered|bought|signed up] [this|it|my {thing}|a {thing}] [in {month}|on
  {day}|online|{d1} weeks ago|over the phone|with points]. / [I've|I have] been [with you|a
  customer|a member] [for {d1} years|since {year}]. / [It's|This is] [about|regarding|for] [my
  {thing}|the {thing} in {city}|order {code}{d2}|my {month} {thing}|my mother's {thing}]. /
  [My|Our] {thing} [is|was] [for|on] {day}. / [I|My wife|My husband|My son|My boss] [called|spoke
  to {name}|emailed|was there|asked] [on {day}|this morning|at {hour}:{d2}|yesterday]. / {detail}.
  / [The|Your] [site|email|{staff}|app|page|letter] [says|said|mentions] {d1} [days|hours|business
  days]. / [I|We] [travel|order|call|use it] [for work|every week|twice a year].
year: 2019 / 2021 / 2023 / 2024
""")
