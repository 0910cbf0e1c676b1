"""Trades that carry and house people: what their customers speak of."""

from typing import Final

from training.generator.posts.grammar import Trade, vocabulary

AIR: Final = Trade(
    "airline",
    vocabulary("""
brand: NorthAir / flyskylark / AlbionAir / blueheron_air / GoMeridian / JetFalcon / CoastalAir
thing: flight / connection / connecting flight / booking / bag / suitcase / seat / upgrade /
  boarding pass / return flight / luggage / rebooking / flight to {city} / {city}-{city} flight
things: flights / planes / seats / bags
staff: gate agent / flight attendant / crew / check-in desk / pilot / baggage desk / desk agent /
  woman at the gate / guy at the counter / supervisor at the gate / ground crew
fail: my flight [was|got|has been] [cancelled|canceled|cancelled again|delayed|delayed again] / my
  bag [didn't make it|never showed up|was lost|is lost|is still in {city}|came off broken] /
  [we've been|been] sitting on the [tarmac|runway|plane] for [{d1} hours|an hour|over an hour] /
  [we|I] missed [my|our] connection [because of|thanks to|due to] your delay / [flight|flt] {d3}
  [delayed|cancelled|late] [again|for the third time|with no explanation] / the plane [is|was]
  broken [again|] and nobody [tells|told] us anything / you [gave away|sold|lost|changed] my seat
  / your site won't let me check in / [no|still no] [gate|crew|pilot|plane|de-icing|stairs|bags]
  [at {city}|after {d2} minutes] / [stuck|stranded|stuck overnight] in {city} [with|and] no hotel
  [and no food|and no help|] / you separated me from my [kids|wife|4 year old|husband] on the
  plane / [my|our] luggage has been missing for {d1} days / the kiosk would not print my boarding
  pass / rebooked me for [tomorrow|two days later|a flight with two stops] / you
  [lost|broke|soaked] my [stroller|guitar|suitcase|bag|golf clubs] / no wifi for {d1} hours / you
  charged me ${d2} for a [carry on|bag|seat] [I already paid for|that fits|] / wouldn't let me
  board [although|even though] the door was open / bumped from [an oversold|an overbooked|a full]
  flight / the seat [is|was] broken / no power, no wifi, no [screen|movies] on a {d1} hour flight
  / middle seats after paying extra / cancelled my flight with no reason given / {d1} hours
  waiting for [bags|luggage] at {city}
failing: losing my [bag|luggage|stroller] / cancelling my flight / delaying us {d1} hours /
  breaking my suitcase / giving my seat away / making me miss my [connection|sister's wedding] /
  leaving us on the tarmac / the middle seat I didn't pay for / stranding us in {city}
basic: get a plane [off the ground|out] on time / keep track of a bag / find a crew / tell us what
  is going on / seat a family together / run a website that works / unload bags in under an hour /
  answer a phone / rebook people / put a bag on the right plane
request: change my flight / check in online / get my bag back / add a bag / book an award ticket /
  move to an earlier flight / get a receipt / select seats / add my frequent flyer number / cancel
  a ticket / use my travel credit / reach baggage / fly standby / rebook / add an infant to my
  booking / change the name on a ticket
ask: what's the baggage allowance [to|for] {city}? / do you fly [from {city}|] to {city}? / can I
  bring a [stroller|guitar|bike|cat] on board? / is flight {d3} on time [tonight|today|]? / what
  terminal [do you use|are you in] at {city}? / is there wifi on [the|] flight {d3}? / how early
  can I check in? / when do [summer|spring|winter] schedules come out? / how many miles do I need
  for {city}? / do [you|] still have seats on the {hour}pm to {city}? / which gate is {d3} leaving
  from? / can I use my [credit|voucher] on a partner? / do kids need id on domestic? / what
  [aircraft|plane] is used on {city} to {city}?
detail: flight {d3}, {city} to {city} / my confirmation [is|number is|code is] {code} / it's the
  {hour}pm to {city} / bag tag {d5} / we land at {hour}:{d2} / I'm on {d3} tomorrow / the ticket
  was booked in {month} / travelling with two kids / seat {d2}C
praise: [the|your] crew on {d3} [was|were] [fantastic|so kind|the best|hilarious|amazing] / [we|]
  [landed|arrived] {d2} minutes early / boarding was [a breeze|so smooth|quick and easy] / your
  [gate agent|pilot|flight attendant] {name} [saved my trip|made my day|was a gem] / my bag was
  [waiting for me|first off the belt] / you got [me|us] home [safe|early|in time] /
  [great|smooth|lovely|perfect] flight [to|from|out of] {city} / the new planes are gorgeous / got
  me on an earlier flight [for free|in two minutes] / best flight I've had in years
perk: the upgrade / rebooking me / finding my bag / a smooth flight / getting me home / the free
  drink / the extra legroom / the wings for my son / waiting for our connection
news: [headed|heading|off] to {city} [in the morning|on {day}|with flight {d3}] / {brand} to
  [add|launch|start] [flights|daily service] [to|from] {city} [this summer|in {month}] / {brand}
  [ceo|chief] [talks|speaks] about [growth|fuel costs|new routes] [{url}|] / fares {city} to
  {city} from ${d3} return {url} / currently boarding {d3} / how airlines set prices: {url} / the
  view over {city} [today|] {url} / flying to {city} for [work|the weekend|a conference] / {brand}
  orders {d2} new jets
"""),
)

STAY: Final = Trade(
    "hotel",
    vocabulary("""
brand: HotelAurora / StayInnly / MapleSuites / casa_booking / LindenHotels / StayNest
thing: room / booking / reservation / refund / stay / deposit / check-in / apartment
things: rooms / reservations / hotels
staff: receptionist / front desk / night manager / housekeeping / concierge / host / porter
fail: the room [was|is] [not ready at {hour}pm|filthy|freezing|nothing like the photos] /
  [no|still no] [hot water|heating|towels|wifi|key card] [since {day}|for two days|] / you
  [cancelled|lost|gave away] [our|my] [room|reservation] [the day before|at midnight|] / they
  [charged|billed] [me|us] [twice|for a minibar we never opened|a "resort fee"] / there [are|were]
  [bugs|hairs|stains] in the [bed|bath] / the ac is broken in room {d3} / the host [never
  answered|cancelled on us|wasn't there with the keys] / housekeeping [walked in on us|hasn't
  come|threw away my things] / noise until {hour}am / my deposit [hasn't come back|is still being
  held] after {d1} weeks / [booked|paid for] a [sea view|king bed|twin] and got [a wall|two
  singles|the car park]
failing: losing our reservation / the cold shower / the view of the bins / charging me twice
basic: clean a room / honour a reservation / answer the front desk phone / refund a deposit / have
  a room ready by check-in
request: extend our stay / get a late checkout / cancel my booking / add breakfast / get an
  invoice / change the dates / book a cot / store luggage / use my points
ask: what time is check-in [at {city}|]? / is parking included? / do you allow dogs? / is
  breakfast included in the rate? / how far is [it|the hotel] from the station? / do you have a
  room for {d1} people on {day}? / is there a gym at {city}?
detail: the reservation is under {name} / room {d3}, two nights / booked for {d1} nights in
  {month} / we arrive around {hour}pm / the confirmation number is {code}
praise: [the room|breakfast|the view] was [amazing|spotless|perfect|beautiful] / {name} at the
  front desk [was so helpful|upgraded us|went above and beyond] / slept like a baby / they
  remembered our anniversary / the bed was a cloud
perk: the upgrade / the late checkout / the birthday cake / the warm welcome / a great stay
news: {brand} opens in {city} [this fall|in {month}|next year] {url} / checking in at {brand}
  {city} / conference at {brand} [on {day}|this week] / top ten hotels in {city} {url}
"""),
)

RAIL: Final = Trade(
    "public transport",
    vocabulary("""
brand: CityLines / MetroTransit / northrail / TramTalk / WestcountryRail / GoBusUK
thing: train / bus / tram / ticket / season ticket / seat reservation / refund / {hour}:{d2} train
things: trains / buses / trams / tickets
staff: driver / conductor / ticket inspector / station staff / guard / ticket office
fail: the {hour}:{d2} [is|was] [late|cancelled|late again|{d2} minutes late|missing] / [two|three]
  carriages [for|on] a rush hour train / the bus drove [right past|straight past] [me|us] /
  standing [all the way|again] from {city} [to {city}|] / doors closed in my face / stuck
  [outside|between stations near] {city} [for {d2} minutes|] / no announcements [at all|] / the
  ticket machine [ate|took] my [card|money] and [printed|gave me] nothing / fined {money} because
  your app [crashed|wouldn't load] / no heating in coach {d1} / [third|fourth] cancellation this
  week on the {city} line / missed [work|my exam|my connection] / [lifts|escalators] broken at
  {city} [again|for a month] / the reserved seats did not exist
failing: another rail replacement bus / the surprise fine / leaving {d1} minutes early / making me
  late for work / cancelling the {hour}:{d2}
basic: run a bus on time / run more than two carriages / update the boards / open the doors / say
  why we are stuck
request: get a delay refund / renew my season ticket / buy a ticket in the app / bring a bike /
  change my seat reservation / report lost property
ask: are trains running [to|from] {city} [on {day}|today]? / which platform for the {hour}:{d2}? /
  is the {d2} bus diverted on {day}? / can I take a bike on the {hour}:{d2}? / what time is the
  last train to {city}? / are dogs allowed? / does a day ticket cover the tram?
detail: it was the {hour}:{d2} from {city} / ticket number {d5} / coach {d1} / line {d2},
  northbound
praise: the driver waited for [me|an old lady] / bang on time [all week|] / the new trams are
  lovely / {name} at {city} station found my [bag|phone|scarf] / seat, coffee, on time, perfect
perk: waiting for me / finding my phone / holding the train / the refund
news: engineering works {city} this weekend {url} / {brand} [plans|announces] new line to {city} /
  on the {hour}:{d2} to {city} / photo of an old tram at {city} {url} / fares change on {day}
"""),
)

RIDE: Final = Trade(
    "car hire",
    vocabulary("""
brand: HoppaRide / RentaWheel / gocab / ZippyCars / UrbanRides / DriveAway
thing: ride / car / rental / driver / pickup / deposit / reservation / trip / scooter
things: cars / drivers / rides
staff: driver / guy at the rental desk / agent / desk clerk
fail: the driver [cancelled|never came|drove off|took the long way] [and I was charged|again|] /
  [charged|billed] {money} for a scratch [that was already there|I never made] / waited {d2}
  min[utes|] [for a car|at the desk] [with a reservation|] / the app shows no cars / no car [for
  us|] despite [a reservation|booking weeks ago] / the tyre was flat when we got it / you blocked
  {money} on my card [for weeks|and won't release it] / my account was [locked|suspended] [for no
  reason|overnight] / fare doubled [mid|during the] trip
failing: the cancelled ride / the empty tank / charging me for a ride I never took
basic: send a car / check a car before handing it out / read a map / refund a fare
request: get a receipt / extend my rental / add a driver / cancel the ride / report a lost item
ask: do I need a credit card at pickup? / can I drop the car off in {city}? / is a child seat
  extra? / what's the fare to the airport? / do you operate in {city}? / minimum age to rent?
detail: pickup was {city} airport / the plate is {code} / trip on {day} at {hour}pm / rental
  agreement {d5}
praise: {name} was the [best|nicest|funniest] driver / car was spotless / driver returned my phone
  / in and out in five minutes
perk: the upgrade / returning my wallet / the safe ride home
news: {brand} now in {city} {url} / scooters arrive in {city} [in {month}|] / picking up a car at
  noon
"""),
)

TRAVEL: Final = (AIR, STAY, RAIL, RIDE)
