"""Trades with a running contract: what their customers speak of."""

from typing import Final

from training.generator.posts.grammar import Trade, vocabulary

TELECOM: Final = Trade(
    "telecom",
    vocabulary("""
brand: FibreNow / TalkMobile / ConnectPlus / BellCo / VoltaTel / SignalOne
thing: internet / broadband / wifi / line / phone / bill / contract / router / SIM / upgrade /
  signal
things: phones / lines / routers / engineers
staff: engineer / technician / agent / call centre / sales rep / shop assistant
fail: [my|the|our] [internet|wifi|broadband|phone line|tv] [is|has been|went] down [again|since
  {day}|all day] / no [signal|service|internet] in {city} [since {hour}am|for {d1} days|] / [the
  engineer|your technician] [didn't show|never came|cancelled again|was a no show] / my bill [went
  up|doubled|is {money} higher] [without notice|for no reason|] / [speeds|download speed] of {d1}
  mbps when I pay for {d3} / calls [drop|keep dropping] / you [cut off|disconnected|cancelled] the
  wrong line / [charged|billed] for roaming I never used / waiting {d1} weeks [for a router|to get
  connected|for a port] / buffering every night / I've been told {d1} different things [by {d1}
  different people|] / new customers get it for half of what I pay / your system lost my
  [order|number]
failing: taking down the internet / raising my bill / sending a router that doesn't work / the
  dropped calls / the third missed appointment
basic: keep the internet on / send an engineer / get a bill right / connect a line
request: upgrade my phone / cancel my contract / change my plan / unlock my phone / move house /
  get a new router / port my number / set up autopay / check my data
ask: do you have [fibre|5g|coverage] in {city}? / when does the new phone come out? / how do I
  check my data? / does the {d2}GB plan include roaming? / what's the price for sim only? / can I
  keep my number? / how do I unlock my phone? / is there an outage in {city}?
detail: the postcode is {code} / router model {code} / account holder is {name} / on the {d2}GB
  plan
praise: [internet|wifi] is [blazing fast|back|flying] / {name} the engineer was [great|a
  star|brilliant] / got me a better deal / switched over in ten minutes
perk: the quick fix / the free month / the faster line / sorting my bill
news: {brand} [launches|tests|rolls out] 5G in {city} {url} / {brand} shares up {d1}% / got a new
  phone
"""),
)

BANK: Final = Trade(
    "bank",
    vocabulary("""
brand: UnionBank / PennyBank / CardFirst / meadowbank / Ledgerly / HarbourCU
thing: card / account / payment / transfer / mortgage / loan / refund / deposit / app / statement
things: cards / payments / accounts / branches
staff: teller / branch manager / agent / fraud team / adviser / mortgage team
fail: my card [was|got|has been] [declined|blocked|swallowed|refused] [again|at the till|abroad|]
  / [a|my] [transfer|payment|deposit|refund] [hasn't arrived|is still pending|has gone missing] /
  [charged|hit with|billed] [an overdraft|a late|a foreign] fee [twice|for no reason|of {money}] /
  your app [is down|keeps crashing|won't let me log in|logs me out] [on payday|again|] / there's a
  payment of {money} [I don't recognise|I never made|to someone I don't know] / the atm [gave me
  nothing|short-changed me|kept my card] [and my account was charged|] / you closed [my
  account|the only branch in {city}] [without warning|] / exchange rate was wrong / [fraud
  team|your staff] hung up on me / my salary [isn't in|hasn't been paid in] / I have been locked
  out for {d1} days / I was only given half the cash I asked for / topped up {money} and it
  [disappeared|isn't showing] / verification fails every time
failing: blocking my card [abroad|on holiday] / the surprise fee / losing my transfer
basic: process a payment / keep the app running / post a card / pick up a phone / refund a fee
request: order a new card / change my pin / close my account / raise my limit / verify my identity
  / add a joint holder / set up a standing order / activate my card / dispute a charge
ask: what's the [interest|exchange] rate [on savings|today|]? / how do I change my pin? / can I
  use my card in {city}? / how long does a transfer take? / is there a fee for top ups? / where
  can I withdraw cash? / which currencies do you support? / what do I need to open an account?
detail: I paid at a shop in {city} / card ending {d4} / the amount was {money} / sort code
  {d2}-{d2}
praise: refunded [in minutes|the fee without fuss] / caught the fraud before I did / opening an
  account took five minutes / the app is [so good|brilliant|really slick]
perk: catching the fraud / the quick refund / the new card / the mortgage approval
news: {brand} [raises|cuts] rates [again|on {day}] {url} / {brand} q{d1} results {url} / going to
  the branch in {city} [at lunch|] / three accounts compared {url}
"""),
)

POWER: Final = Trade(
    "energy",
    vocabulary("""
brand: BrightEnergy / GreenGrid / ValleyWater / EastPower / SunwiseEnergy
thing: electricity / power / gas / water / bill / meter / smart meter / heating / tariff / reading
things: meters / bills / engineers
staff: engineer / meter reader / agent / call handler / field team
fail: [power|electricity|water|heating] [out|is out|has been off] [since {hour}am|for {d1}
  hours|in {city}|again] / my bill is {money} for [one month|an empty flat] / estimated bill
  [again|despite my readings] / the smart meter [stopped working|shows nothing] / you
  [doubled|raised] my direct debit / credit of {money} [not paid back|never refunded] / boiler
  engineer [didn't turn up|no show] / sent debt collectors for a bill I paid / switch has taken
  {d1} months / brown water from the taps
failing: the power cut / the estimated bill / charging a flat I moved out of
basic: read a meter / keep the lights on / get a bill right / refund credit
request: submit a reading / switch tariff / move out / set up direct debit / get a smart meter
ask: when will power be back in {code}? / how do I send a reading? / what is the unit rate? / do
  you offer a [green|night] tariff? / when is my direct debit taken?
detail: the reading is {d5} / moved in on {day} / the postcode is {code} / prepay meter
praise: power back [on|] in {d2} minutes / {name} fitted the meter [quickly|neatly] / crew worked
  through the storm / my bill went down
perk: getting the lights back on / the quick repair / the credit
news: storm expected in {city} on {day} {url} / {brand} builds wind farm {url} / prices from
  {month} {url}
"""),
)

COVER: Final = Trade(
    "insurance",
    vocabulary("""
brand: SafeHarbor / ClearCover / PremierInsure / TortoiseLife / umbrella_ins
thing: claim / policy / renewal / premium / excess / cover / payout / quote
things: claims / policies / payouts
staff: claims handler / adjuster / agent / broker / claims team
fail: my claim [has been open|is open] since {month} / claim [denied|rejected] [for a missing
  form|with no reason|] / [premium|renewal] up {d2}% [with no claims|after {d2} years|] / adjuster
  [never came|cancelled] / you lost my documents [again|] / auto renewed [after I
  cancelled|without asking] / asked for the same [photos|documents|receipts] {d1} times / no
  payout after {d1} months / the garage [is still waiting for you|won't start without your ok]
failing: rejecting my claim / the renewal price / losing my paperwork
basic: pay a claim / read an email / open an attachment / process a form
request: make a claim / add a driver / cancel my policy / get a certificate / update my address
ask: am I covered [abroad|in {city}|for theft]? / how do I make a claim? / what's the excess? /
  does it cover a hire car? / can I pay monthly?
detail: claim number {d5} / the accident was on {day} / policy starts in {month} / car reg {code}
praise: claim paid in {d1} days / {name} handled it with such care / best price and no hassle
perk: the fast payout / being so kind / sorting the claim
news: {brand} buys rival {url} / storm claims explained {url} / renewing in {month}
"""),
)

CARE: Final = Trade(
    "health",
    vocabulary("""
brand: CityClinic / MyPharmacyPlus / OakDental / FitBase / GymNation
thing: appointment / prescription / results / referral / membership / invoice / class
things: appointments / prescriptions / memberships
staff: receptionist / nurse / doctor / dentist / pharmacist / trainer
fail: appointment [cancelled|moved] [again|on the day|without telling me] / {d1} weeks for
  [results|a call] / waited {d2} minutes past my slot / [can't|impossible to] get through on the
  phone [at 8am|] / the prescription [was wrong|never got sent|is out of stock everywhere] / kept
  charging my membership [after I cancelled|while you were closed] / showers [broken|cold] for
  {d1} weeks / charged {money} for a missed visit I cancelled
failing: losing my results / the {d1} week wait / charging a cancelled membership
basic: answer the phone / send a prescription / cancel a membership / fix a shower
request: book an appointment / renew my prescription / freeze my membership / move my appointment
ask: do you take walk-ins? / are you open on {day}? / what time is the {day} class? / do I need a
  referral? / can I see {name} on {day}?
detail: appointment is {day} at {hour} / date of birth is in the form / seen by {name} last time
praise: nurse {name} was so gentle / seen in {d2} minutes / best class ever / staff are so caring
perk: squeezing me in / the kind care / a great class
news: flu jabs from {day} {url} / {brand} opens in {city} / class at {hour} today
"""),
)

HOMES: Final = (TELECOM, BANK, POWER, COVER, CARE)
