"""What a customer says when nothing went wrong and nothing is praised: questions, facts, news."""

from typing import Final

from training.generator.posts.grammar import Vocabulary, vocabulary

PLAIN: Final[Vocabulary] = vocabulary("""
question: {ask} / {ask} / [hi|hey|hello|quick question|question|just wondering|out of interest|hi
  there][,|:|-|] {ask} / {ask} [thanks|thx|thank you|cheers|asking for a friend|planning
  ahead|curious] / {ask} [also|and] {ask} / [I'm|we're|we are] [coming|going] to {city} [in
  {month}|on {day}], {ask} / [anyone know|does anyone know|do you know|can you tell me|could you
  tell me|I would like to know]: {ask} / {ask} [I'm in {city}|It's for {day}|{detail}|We are {d1}
  people|I couldn't see it on the site|It's a gift|It's for my mum] / [looking at|thinking about]
  {brand} for {month}. {ask}
how: [how|where] [do|can|would] I {request}[?|? {detail}| [online|in the app|by phone|from
  abroad]?|? thanks] / [is it possible|is there a way|are we able|am I able|would it be possible]
  to {request}[?| online?| in the app?|, and [what does it cost|how long does it take]?] /
  [can|could|may] I {request} [online|in the app|at the {place}|after {day}|by phone|from
  {city}|myself]? / what [do I need|is needed|does it cost|are the steps|is the best way] to
  {request}? / [do|will] I [need|have] to [call|come in|log in|pay] to {request}? / [which
  number|who|which form|what link|what email] do I [use|contact|need] to {request}? / [how
  long|how much time] does it take to {request}? / [what's|what is] the
  [deadline|fee|process|policy] to {request}? / [if|when] I {request}, [do I get a receipt|will I
  keep my points|does the price change|is there a fee]? / [do you|does {brand}]
  [have|offer|do|still do|sell|accept] [gift cards|student discount|{things} in {city}|loyalty
  points|paypal|a newsletter|wifi|refunds on sale items|group rates]? / [what|which]
  [time|day|number|address|email|size|plan|colour] [is|do I use for|works best for] [the|your]
  [{city} office|{place}|{thing}|helpdesk]? / [when|what date] [does|do|is|will] [the sale|booking
  for {month}|the offer|the new {thing}|registration|the {city} branch] [start|end|open|come
  out|close]? / [where|how] [can|do] [I|we] find [the|your] [opening hours|terms|{city}
  address|price list|phone number|{thing} form]?
request_plain: [can|could|would] you [please|] [help me|] {request}[?|, please?|? {detail}|.
  {detail}] / [I'd like|I would like|I want|I need|looking|hoping|wanting|we would like] to
  {request}[, please|. {detail}|, how do I do it?|] / [please|pls|kindly] [follow|DM|follow
  back|message|call] [me|us|so I can DM you|for details|when you can] [. {detail}|] / [need|could
  use] [to|some help to] {request} [please|for {day}|] / [can|could] [you|someone] [follow me|DM
  me|check a {thing} for me|look up a booking|send me the link|send me a quote|confirm the
  {hour}pm slot]? / [please|pls] [send|email|text|DM] [me|us] [the form|the link|a copy|the
  receipt|the address|a quote|more info] / [can I|may I|could I] [get|have|order] [a quote|the
  menu|an invoice|a copy|a window seat|{d1} of these|the large one]?
detail_plain: {detail} / {detail}[, {detail}|. {detail}] / [sure|yes|ok|sorry, it's|here you go|as
  requested|here it is|of course][,|:|.|] {detail} /
  [DM|message|email|details|form|info|screenshot] [sent|just sent|is on its way|sent now|sent
  yesterday] / [just|I just|I have|I've] [sent|DMed|emailed|messaged] [you|it|the details|the
  number|over the photo][.| {detail}|] / [name|the name is|it's under|booked under|account in the
  name of] {name} [, {detail}|] / [my|the] [number|order|reference|booking] [is|number is|:]
  {code}[ {d2}|{d2}|] / [I'm|I am|we're] [in|at|travelling from|based in|calling from] {city}[.
  {detail}|] / [it|that] [was|is|will be] [on {day}|in {month}|at {hour}:{d2}|for {d1} people|the
  {hour}pm one|the one in {city}|both of them] / [both|either|neither|the first one|the second|the
  blue one|{d1}, please|{day} works|mornings only|email is fine|by card] /
  [card|cash|invoice|paypal] please / {d4} / {code}{d3}
status: [ok|okay|k|yes|no|sure|yep|nope|alright|understood|got it|will do|right|hm|fine][, {ack}|.
  {ack}|, {ack}] / {ack} / [hi|hello|hey|good morning|good afternoon|hi there|good evening]
  [{name}|there|everyone|] / [no|that's all|nothing else|no that's it|that is it for now|no more
  questions][, bye|] / [are you there|is anyone online|am I talking to a person|who am I speaking
  with]? / [one|just a] [moment|sec|second][, let me check|, looking for it|]
ack: [let me|I'll|I will] [check|try that|look|ask my wife|call tomorrow|DM you|send it over|wait
  and see|let you know|find the number|think about it] / [checking|looking|trying|waiting for the
  email|reading it] now / [it's|that's] [the same one|correct|right|mine|for {day}|the one] /
  [as|like] [you said|before|last time]
chatter: {news} / {news} / {news} / [RT|via|from] @{brand}: {news} / [I
  think|apparently|seems|looks like|so|btw|fyi|today|reading that|heard that] {news} / [just|]
  [saw|seen|read|reading|watching|passed] [a|an|the] [ad|article|poster|story|clip|piece]
  [about|by|from|on] {brand} [{url}|in {city}|on tv|] / [{brand} or {rival_name}|{rival_name} vs
  {brand}], [which one|thoughts|any opinions|what do you use]? / [waiting|in line|at the
  {place}|on my way|sitting] [at {brand}|with {brand}|in {city}|] [with a coffee|before work|this
  morning|] / [my|our] [first|next|last] {thing} [with {brand}|] [is|was] [on {day}|in
  {month}|{d1} years ago] / [does|did] [anyone|you|somebody] [see|watch|read] [the|this] [{brand}
  ad|interview|article] [{url}|]? / [{day}|{month}|tomorrow]: [{city}|{brand}|another {thing}]
  [{url}|] / [new|latest|updated]: {news} / [are you|is {brand}] [hiring|coming to {city}|on
  instagram|open today|sponsoring {name}|doing a giveaway|part of {rival_name}]? /
  [working|flying|moving|driving|heading] [to {city}|home] [on {day}|today|] / [enter|win|sign
  up|vote] [for|to win] [a|the] {thing} [with {brand}|] [{url}|] / [imagine|what if|would be funny
  if] {brand} [bought {rival_name}|did {things} in space|opened in {city}] / [pic|photo|video]
  [of|from] [the|my] {thing} [{url}|] / [dear {brand}, please come|dear {brand}, bring
  this|petition to bring {brand}|when is {brand} coming] to {city}
idea: [you should|maybe you could|have you thought about|any plans to|will you ever|would you
  consider] [offering|adding|offer|add] [a {city} branch|a student plan|more {things}|{things} to
  {city}|a dark mode|vegan options|a chat]? / [suggestion|feature request|idea|feedback]:
  [add|offer] [a way to {request} in the app|a filter|{things} to {city}|longer hours] /
  [please|pls] [come|open|expand] [to|in] {city} / [any|got any] [deals|discount
  codes|promos|offers|openings|jobs] [for {month}|in {city}|] [?|right now?|this week?]
plan: [thinking of|considering|planning on|looking into] [switching to|joining|trying|booking
  with] {brand}[, {ask}|. {ask}|, what plans are there?|] / [we|I]
  [fly|move|travel|start|arrive|check in] [on {day}|in {month}], {ask} / [first time|new|never
  been] [with|using] {brand}, {ask} / [if|in case] [I'm late|it rains|plans change|I can't make
  it], can I {request}? / [my|a] [friend|daughter|colleague|boss|neighbour] [wants to|would like
  to|asked how to] {request} / [before I|in order to] {request}, {ask}
order: [I|we|my wife|my boss] [want|need|would like|'d like|wanna|am after|will take]
  [a|one|{d1}|another|the|some] {thing}[, please| please| for {day}| for {d1} people| with
  delivery to {city}| under the name {name}|. {detail}|] / [I|we] [want|need|would like|wish] to
  {request}[ please|. {detail}| for {day}| for my {relative}| if possible|] / [I|we]
  [need|want|require] [help|some help|assistance|info|information|details] [with|about|on|for|to
  {request} with] [a|my|the] {thing}[, please|] / [I|we] [have|use|bought|took out|got|already
  have] a {thing} [with you|in {month}|in {city}|since {year}|from {brand}][. {ask}|, {ask}|] /
  [add|make it|book|send|put] [{d1}|one more|a second] {thing} [please|to the order|for {day}|too]
  / [help|help me] [to|] {request}[ please|] / [I|we] still [need|have|want] to [choose a
  date|{request}|pick a {thing}|decide] [before {day}|this week|. {ask}] / [I|we] [would
  like|want] to [know|find out|check] [about|more about|the price of|the status of|if there is]
  [a|the|my] {thing}[, please|. {detail}|] / [can|could] [someone|you|anyone] [explain|tell me]
  how to {request}[?|, please?] / [what|anything] [about|on] the {thing}? {ask}
personal: [my|the] [name|first name|last name|account name] is {name}[ {name}|] [and|,] [the
  number is {d4}|my code is {d4}|my zip is {d5}|I live in {city}|it's for {month}] / [last
  four|last 4|last 4 digits|pin hint|ref|id|account] [is|are|:|] {d4}[ and the name is {name}|] /
  {d2} [oak|main|station|church|park|mill] [street|road|ave|lane], {city}[ {d5}|] /
  [phone|cell|mobile|call me at|reach me on|number is] {d3} {d3} {d4} / {name}[, {city}| at gmail
  dot com| from {city}|, {d4}] / [yes|sure|ok|it is|it's] {d4}[ {d2}|] / [the|my]
  [model|make|size|version|type] is [{code}|{d4}|the {d3}|the small one] / [{d1}|one]
  [{things}|large|small|medium] [and|plus] [{d1} more|a {thing}|the same again]
will: [ok|okay|alright|sure|no|cool|] I [will|can|'ll|am going to|might]
  [try|wait|call|check|do|think about] [that|it|for the email|again later|for your reply|with my
  {relative}|on {day}] [. {ack}|] / [I think|I guess|I believe|probably|maybe] [it is|that's|it
  was] [{hour}pm|the second one|{day}|the old address|in {city}|enough|the {d2} one|something like
  that] / [that's|it's|it is] [because|how|where|when] [I|we] [set it up|use it at work|moved to
  {city}|travel in {month}|share it] / [I'm|I am|we are|he is|she is] [using|on|running|looking
  at|reading|trying] [it|the {place}|your page|the old one|version {d1}|the form] [now|today|at
  the moment|for work]
relative: mother / son / daughter / wife / husband / dad / boss / neighbour / friend
rival_name: Skywise / Bluebird / Quickly / Parley / Nextly / Orbit / Fernway
""")

FAMILIES: Final = {
    "question": 26, "how": 16, "request_plain": 13, "detail_plain": 14, "status": 8, "chatter": 18,
    "idea": 3, "plan": 6, "order": 14, "personal": 6, "will": 5,
}  # fmt: skip
"""How often each is meant, by weight."""
