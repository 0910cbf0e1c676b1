"""Trades that sell and send things, and programs: what their customers speak of."""

from typing import Final

from training.generator.posts.grammar import Trade, vocabulary

SHOP: Final = Trade(
    "shop",
    vocabulary("""
brand: ShopWillow / HomeNest / kettleandco / UrbanThread / BrightMart / Basketful
thing: order / [coat|dress|sofa|kettle|lamp|pair of shoes|blender|mattress|table] / refund /
  return / delivery / gift card / voucher / exchange
things: orders / shoes / sizes / refunds
staff: cashier / store manager / security guard / shop assistant / lady at the till / agent
fail: [my|the] order [never came|is {d1} weeks late|was cancelled|arrived broken|is incomplete] /
  [sent|got|received] the wrong [size|colour|item] [again|twice|] / [no|still no] refund [after
  {d1} weeks|for the return|] / charged [twice|full price] [for one order|] / the
  [zip|handle|leg|seam|heel] [broke|came off] after {d1} [days|wears|uses] / the discount code
  [doesn't work|was refused|expired early] / sold out after I paid / store in {city} was closed
  [at {hour}pm|when the site said open] / gift card has no balance / self checkout [froze|charged
  me twice] / they refused my return [with receipt|unopened|] / the [item|sofa|table] looks
  nothing like the [photo|picture] / half the screws were missing
failing: the wrong size / cancelling my order / sending an empty box / the broken mug
basic: send the right size / pack a box / refund a return / answer an email / count to two
request: return an order / exchange a size / cancel my order / use my gift card / change the
  address / track my order / get a receipt
ask: do you have [these|this|the blue one] in a [{d2}|small|size {d1}]? / when is it back in
  stock? / what are your hours on {day}? / do you ship to {city}? / is the sale in store too? /
  how long do returns take? / is it machine washable? / do you price match?
detail: order {d5} / it's the blue one, size {d2} / bought in {city} in {month} / paid by card
praise: [the|my] [coat|sofa|lamp|dress] is [gorgeous|perfect|even better in person] / arrived [a
  day early|next day] / {name} in {city} found my size / replaced no questions asked
perk: the fast delivery / the refund / the free gift / the replacement / the lovely note
news: {brand} opens in {city} [on {day}|] {url} / new season at {brand} {url} / sale ends {day}
  {url} / queue outside {brand} {city} this morning {url} / got this at {brand}
"""),
)

PARCEL: Final = Trade(
    "parcel",
    vocabulary("""
brand: QuickParcel / PostGo / SwiftShip / dropbox_express / MailMate / ParcelHound
thing: parcel / package / delivery / letter / shipment / tracking / redelivery / medication
things: parcels / drivers / deliveries
staff: driver / courier / depot / postman / delivery guy
fail: [my|the] [parcel|package|delivery] [is lost|is late|never arrived|has been stuck in {city}
  for {d1} days] / marked [as|] delivered [but|and] [it's not here|nothing at my door|I never got
  it] / the driver [didn't even ring|left it in the rain|threw it over the fence|claims nobody was
  in] / tracking hasn't [updated|moved] [since {day}|in {d1} days] / stayed [in|home] all day [and
  no delivery|for nothing] / the box was [crushed|open|empty|soaked] / delivered to the wrong
  [house|street|city] / {money} customs charge for a gift / out for delivery {d1} days in a row /
  missed you card while I was sat at home
failing: leaving my parcel in the rain / losing my parcel / the "attempted delivery"
basic: ring a doorbell / find an address / deliver a parcel / scan a label / read a house number
request: rearrange a delivery / change the address / collect from the depot / track my parcel /
  get proof of delivery
ask: what time does the depot [open|close]? / how much to send {d1}kg to {city}? / do you deliver
  on {day}? / can a neighbour collect? / when does the last post go?
detail: tracking [number|] {code}{d4} / the address is {d2} high street / leave it with {d2}
praise: {name} the driver is [always cheerful|a legend|so careful] / came a day early / driver
  waited while I found my keys / perfect condition and on time
perk: the quick delivery / finding my parcel / leaving it dry
news: {brand} hires {d3} drivers {url} / last posting dates {url} / sending a box to {city} today
"""),
)

FOOD: Final = Trade(
    "food",
    vocabulary("""
brand: DishDash / NoodleBar / BurgerBarn / HungryFox / PizzaPort / BeanHouse
thing: order / pizza / burger / delivery / coffee / table / refund / meal / salad
things: orders / drivers / burgers / drinks
staff: driver / waiter / barista / manager / server / kitchen
fail: food [came cold|arrived cold|never came|was {d1} hours late|was raw in the middle] /
  [missing|forgot] [the|half the|my] [drinks|sides|fries|order|sauce] [again|and no refund|] /
  [driver|rider] [ate|dropped|stole|couldn't find] [my order|it|us] / there was a hair in my
  [food|soup] / {d2} minutes in the drive through / wrong [order|pizza|drink] [twice|again|] / I'm
  allergic and you sent nuts / app took the money and lost the order / they gave our table away /
  kitchen "closed" at {hour} / waited an hour for a [coffee|burger]
failing: the cold pizza / forgetting the fries / the missing drinks / {d2} minutes for cold chips
basic: put food in a bag / read an order / keep a pizza warm / pour a coffee
request: change my order / cancel an order / book a table / use a voucher / add a drink
ask: are you open on {day}? / is the soup vegan? / do you deliver to {code}? / is there parking? /
  when is the pumpkin menu back? / how many calories in the wrap? / do you do gluten free?
detail: order {d4} / table for {d1} at {hour} / no onions / deliver to the side door / cash please
praise: best [pizza|coffee|burger|ramen] in {city} / {name} was so sweet to us / still hot / came
  {d2} minutes early / the new menu is [unreal|so good|delicious]
perk: the free dessert / the extra sauce / dinner / the birthday treat
news: {brand} coming to {city} {url} / lunch at {brand} / {brand} adds oat milk {url} / what's
  everyone having tonight
"""),
)

GADGET: Final = Trade(
    "electronics",
    vocabulary("""
brand: Lumatek / VisoTV / printwell / KiteAudio / HandyHome / RoboVac_help
thing: laptop / phone / printer / tv / headphones / washing machine / fridge / repair / warranty
things: laptops / repairs / chargers / spare parts
staff: technician / repair centre / agent / genius at the counter
fail: [my|the|brand new] [laptop|phone|tv|printer|fridge|washing machine] [died|won't turn
  on|stopped working|broke] [after {d1} weeks|again|] / the [screen|battery|charger|hinge]
  [cracked|swells|broke|is dead] [after a month|by itself|] / repair has taken {d1} [weeks|months]
  / you sent it back unrepaired / warranty claim refused / the update [bricked|broke|killed] my
  [phone|tv|speaker] / it overheats and shuts off / no spare part [until {month}|anywhere] /
  printer rejects its own ink
failing: bricking my phone / the update / returning it with a new scratch
basic: build a charger that lasts / fix a hinge / honour a warranty / ship a spare part
request: register my warranty / get it repaired / return it / update the firmware / order a part
ask: does it work with [a mac|bluetooth 5|{d3}v]? / how long is the warranty? / what's in the box?
  / is the {d3} waterproof? / when is the {d2} out in {city}? / how do I pair it?
detail: serial {code}{d4} / firmware {d1}.{d1} / model {code} / bought it in {month}
praise: the sound is [unreal|incredible|so good] / battery lasts forever / repaired in a day /
  replaced it free, out of warranty / works out of the box
perk: the replacement / the fast repair / such a good product
news: {brand} unveils the {code} {url} / review: {brand} {d3} {url} / unboxing tonight
"""),
)

SOFT: Final = Trade(
    "software",
    vocabulary("""
brand: Taskly / CloudDesk / NoteHero / inboxly / PixelForge / StreamBox / PlayVerse
thing: app / account / login / update / subscription / export / backup / game / save / password
things: updates / servers / files / logins
staff: support / support agent / chatbot / dev team / moderator
fail: [the app|your app|it] [crashes|keeps crashing|freezes|won't open|logs me out] [since the
  update|every time|on launch|] / [can't|cannot|unable to] [log in|sign in|access my account|reset
  my password] [since {day}|at all|] / the update [deleted|wiped|lost|broke] [my
  files|everything|my saves|my settings] / [servers|site|service] down [again|for {d1} hours|] /
  charged [after I cancelled|for a year|twice] / {d1} [days|weeks] without an answer to my ticket
  / stream [freezes|buffers] every {d1} minutes / banned [for nothing|with no explanation] /
  verification code never arrives / error {d3} on checkout / removed the only [feature|show] I
  used / ads [on a paid plan|every two minutes] / it won't [install|sync|connect|print|recognise
  my drive] [any more|after the upgrade|] / it [boots|starts] to a black screen / the installer
  [stops|hangs] at {d2}% [every time|] / [package|driver|plugin] {code} is [missing|not
  installable|not found] / no sound [since|after] the upgrade / [wifi card|second
  screen|camera|printer] is not detected [any more|by it|] / nothing [shows|happens] when I
  [type|click|press save] / it [segfaults|shuts down|hangs] as soon as I [open|plug in|rename] [a
  file|it] / it says permission denied
failing: deleting my files / the update nobody asked for / logging me out hourly / more ads
basic: keep a server up / test an update / send a reset email / cancel a subscription
request: reset my password / cancel my subscription / change my email / export my data / get an
  invoice / restore a backup / install it / link my account / add a user
ask: how do I [export|sort|share|rename] [a file|a list|my data]? / is there a [dark mode|linux
  version]? / does it work offline? / when is season {d1} out? / what's new in {d1}.{d1}? / any
  student discount? / how do I install it on {code}? / can I use it on two devices? / where is the
  settings file?
detail: version {d1}.{d1} on a mac / error code {d3} / using the latest chrome / the log is here
  {url}
praise: the new [version|update|season] is [great|amazing|so fast] / works like a charm now /
  {name} from support fixed it in minutes / saves me hours every week
perk: the dark mode / the fix / listening to feedback / the great app
news: {brand} {d1}.0 released {url} / trying {brand} today / how we moved to {brand} {url} /
  {brand} raises {d2} million {url} / anyone else using {brand}
"""),
)

THINGS: Final = (SHOP, PARCEL, FOOD, GADGET, SOFT)
