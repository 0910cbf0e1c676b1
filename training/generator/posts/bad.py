"""What a customer says when something went wrong, mostly without a word of feeling."""

from typing import Final

from training.generator.posts.grammar import Vocabulary, vocabulary

BAD: Final[Vocabulary] = vocabulary("""
problem: {fail}[.|.|!|] / {fail}. {more_bad} / {fail}, {and_bad} /
  [so|and|well,|now|wow,|great,|ok so] {fail}[.|...] / {fail} [and|while|yet] {fail} / {more_bad}
  {fail}. / [not only|first] {fail}, [but|then] {fail}[ too|] / [because of you|thanks to you|yet
  again|once again|as usual|of course|today], {fail}[.|] / {fail}. [What now?|What
  happened?|Explain?|Any help?|Help?|Ideas?|Seriously?|Really?|Wow.|Smh|Nice.] / [day|week] {d1}
  [and|of] {fail} / [we have|I have|there is] [a|another] problem: {fail} / {d2} people
  [affected|waiting|in the same boat] because {fail}. {more_bad}
problem_asking: [is there a reason|any reason|any idea|any explanation] why {fail}? / [how
  come|why is it that|how is it that|how is it possible that|can you explain why] {fail}? / [is it
  normal|is it ok|is it your policy|is it acceptable] that {fail}? / why [the hell|on earth|]
  [do|did] I pay [when|if] {fail}? / {fail}, [what are my options|what do I do now|who do I talk
  to|what are you going to do]? / {fail}. [How do I get my money back|Who pays for that|When will
  this be fixed|Are you kidding|Is this a joke|How is that ok]? / [what happened to|where
  is|where's|where the heck is] my {thing}[?|? {more_bad}|, {fail}?]
why_cant: why [can't|cant|can no one|can nobody|won't|don't] you[r {staff}|r people|r company|]
  {basic}[?|??|?? {more_bad}] / [why is it so hard to|how hard is it to|how difficult can it be
  to|is it too much to ask to] {basic}? / [when will you|when are you going to|will you ever|are
  you ever going to] [finally|] {basic}? / {d1} [years|months|weeks|hours] and you [still|]
  [can't|cannot|couldn't|don't know how to] {basic}[.|!|?] / [does anyone|do any of you|does
  nobody] [there|at your company|] know how to {basic}? / [why does|how can] [a company|{brand}|a
  business] [like you|your size|] [not be able to|fail to|never] {basic}? / [it's|its] {year} and
  you [can't|still can't] {basic} / [learn to|please learn how to|maybe try to] {basic} / [all you
  had to do was|you had one job:|I only asked you to] {basic}[.|!|]
why_now: why [is|was|has] [my|the] {thing} [not|still not|been]
  [here|ready|working|confirmed|sorted|delayed|cancelled|refused]? / why [am I|are we|do I]
  [still|] [waiting|paying|on hold|being charged|being ignored|getting emails] [for my {thing}|]?
  / why [was I|am I being|did I get] [told {hour} different things|charged {money}|hung up on|sent
  in circles]? / why [isn't|ain't|aren't] [anyone|anybody|you]
  [answering|helping|responding|picking up|reading these]? / why [do|did] your {staff} [lie|not
  care|ignore me|refuse to help|say one thing and do another|hang up on me]? / when [am I|are we]
  [going to|gonna] [get|see|receive] my {thing}? [It's been {d1} [days|weeks|hours]|{fail}] /
  what's the point of [paying for|having] {a_perk} if {fail}? / who [is in charge|do I have to
  call|decided that] [there|to {basic}|]? {fail}
contact: [been|I've been|currently|still] on hold [for|] [{d2} minutes|over an hour|{d1}
  hours|{d2} mins and counting] [with {brand}|for your {staff}|about my {thing}|] / [nobody|no
  one|no-one] [answers|picks up|calls back|replies|responds|is helping|knows anything] [at|on]
  [your|the] [phone|desk|helpline|chat|counter] [{again}|] / [this is my|my] [third|fourth|{d1}th]
  [call|email|message|tweet|ticket|attempt] [about|for|regarding] [my {thing}|this|the same thing]
  [and still nothing|] / [sent|I sent|emailed|I've emailed|called|messaged|DMed] [you|your
  {staff}|customer service] [{d1} times|{d1} days ago|last week|on {day}] [and|with|but] [no
  reply|nothing|got no answer|no response|heard nothing back|still waiting] / [still waiting|been
  waiting|waiting] [for|on] [a reply|someone to call me back|my {thing}|an answer|a human|your
  {staff}] [since {day}|for {d1} [hours|days|weeks|months]|after {d2} minutes|] / your [phone
  line|chat|helpline|call centre|system] [hung up on|disconnected|cut off|hangs up on] me [after
  {d2} minutes|{d1} times|again|] / [can't|cannot|unable to|impossible to|no way to] [get through
  to|reach|speak to|find|talk to] [anyone|a person|a human|someone|customer service|your {staff}]
  / [I need|need|looking for] [someone|somebody|a human|an actual person] to [call
  me|answer|help|respond|pick up|explain] [because|as|since] {fail} / [you said|I was told|they
  promised|your {staff} said] [{day}|24 hours|{d1} days|someone would call|it was sorted] [, that
  was {d1} weeks ago|and nothing|and no one did|but {fail}] / [DM|tweet|email|call] [sent|made]
  {d1} [hours|days] ago[, hello?|, anyone there?|, no reply.|, silence.] / [will|is]
  [anyone|somebody|someone] [there|going to|gonna|ever] [answer|help me|respond|reply]? {fail} /
  [your|the] automated [line|system|reply|message] [is useless|sends me in circles|says you're too
  busy|hung up] / [passed|transferred] [around|between departments|from one {staff} to the next]
  {d1} times[, {fail}|. {more_bad}|]
failed: [I am|I'm|we are] having [difficulties|trouble|a hard time|problems] [with my
  {thing}|trying to {request}|since {day}][. {polite}|] / [I don't|don't] [know|understand] why [I
  can't {request}|my {thing} is not there|{fail}][. {polite}|] / still [awaiting|waiting
  on|waiting for|no sign of] [my|the] {thing}[. {polite}|, {d1} days now|] / my {thing}
  [is|was|got] [blocked|locked|frozen|stuck|rejected|suspended][, how do I get it back?|.
  {polite}|] / [I've been|been|] trying to {request} [for {d1} [hours|days|weeks]|since {day}|all
  day] [and|but] [keep getting an error|nothing works|no luck|no one helps|your site
  crashes|can't] / [can't|cannot|unable to|won't let me|not able to|tried {d1} times to]
  {request}[, help|. {fail}| on your [site|app]|, [site|app] keeps [crashing|timing out]|] /
  [your|the] [site|website|app|system|kiosk|agent] [won't|will not|refuses to|doesn't|wouldn't]
  let me {request}[.|. Help!|, now what?|, {more_bad}] / [I just want to|all I want is to|I only
  wanted to|trying to|I need to] {request} [but|and|yet] [your site is down|nobody answers|it says
  error {d3}|I can't|you want {money}|it's impossible] / why [can't I|can I not|won't it let me|is
  it impossible to|does it take {d1} weeks to] {request}? / [had|having|I have] [to call {d1}
  times|trouble|problems|to wait {d2} minutes|issues] [just|] to {request}[. {more_bad}|] /
  [charged|charging|{money}] [me|] [a fee|{money}|extra] to {request}[?|? {ripoff}|. {ripoff}|] /
  [asked|begged|called] to {request} and [was refused|got told no|your {staff} said no|was hung up
  on|nothing happened]
staff_bad: [your|the] {staff} [in {city}|{name}|] [was|were|is|are] [so|very|extremely|beyond|]
  [rude|unhelpful|clueless|dismissive|condescending|useless|incompetent|lazy] [to
  me|today|{again}|] / [your|the] {staff} [just|] [laughed at|walked away from|yelled
  at|ignored|lied to|hung up on|rolled her eyes at|shrugged at] [me|us|my mother] [when I asked
  about my {thing}|] / [nobody|no one] [at the {place}|there|on your team] [knows|knew|seems to
  know] [anything|what they're doing|what's going on] / [rude|worst|clueless|useless] {staff} [in
  {city}|ever|today|I've met] [, {fail}|] / [you|your {staff}] [need|needs] [better training|a
  lesson in manners|to learn customer service]. {fail} / one {staff} says one thing, the next says
  another[, {fail}|. {more_bad}] / {d1} [people|agents] and {d1} different answers about my
  {thing}
sarcasm: [thanks|thank you|thx] [so much |a lot |]for [nothing|the {d1} hour wait|no help|wasting
  my {day}|the silence|ruining my {day}|not caring|ignoring me][. {fail}|, {brand}|] /
  [love|loving|enjoying] [the|my|this] [{d1} hour wait|hold music|new fee|broken {thing}|mystery
  {thing}][, {ty}|. {fail}|] / [good|great|nice] to [know|see] [you don't care|nobody reads
  these|that {fail}|my {money} bought nothing] / [can't wait|excited|so excited] to [spend {d1}
  more hours on hold|find out why {fail}|be told no again] / [best|greatest] {thing} ever[.
  not|... not|, said no one][. {fail}|] / [thanks|thank you|thx|cheers|many thanks] for
  {failing}[.|!| {brand}|, [really|much] appreciated|. {slow_clap}|, {brand}|...] /
  [great|nice|awesome|fantastic|amazing|stellar|excellent|good|lovely|wonderful|top]
  [job|work|service|going|stuff|effort] [{brand}|guys|folks|today|as always|] [. {fail}|, {fail}|,
  {failing}|] / [love|I love|I just love|gotta love|don't you love|loving|really enjoying]
  [how|when|that|it when] {fail}[.|!| #not| /s| 🙄| 😒] / [another|yet another]
  [great|quality|fine|typical|] [day|example|experience] [of|with] {brand}: {fail} / [so|oh]
  [glad|happy|pleased|nice] [I|that I] [paid|pay] {money} [for|and] [this|{fail}|my {thing}] /
  [what a|such a] [surprise|shock|treat|joke|great way to start a {day}], {fail}[.|] / [can
  always|you can always|I can] [count|rely] on {brand} [for|to] [{failing}|let you down|mess
  up|make it worse] / [congrats|congratulations|well done|bravo|hats off] [on|for] {failing}[.
  {slow_clap}|!|] / [who needs|why would I want] a {thing} [anyway|when I can have {failing}]? /
  {failing}? [classy|smooth|nice|brilliant] [move|touch|one|] {brand} / nothing [says|like]
  [customer service|we care|"we value you"|premium] [like|than] {failing} / [your call is
  important to us|we value your custom|we apologise for the inconvenience|your comfort is our
  priority]? [ha|lol|yeah right|sure]. {fail} / the [best|only good] part [is|was] {failing}
leaving: [never|not|won't be|will not be|last time I'm|done] [using|buying from|booking
  with|flying with|coming back to|giving money to] {brand} [again|ever again|]. {fail} / [I'm|I
  am|we are|we're] [done|through|finished|switching|leaving|moving to {rival}|cancelling] [.
  {fail}|after {failing}|because {fail}|, {more_bad}|] / [this is why|and that's why|no wonder]
  [people|everyone|I|we] [use|choose|prefer|go with|switch to] {rival} / [should have|shoulda|wish
  I'd|I'd rather have] [gone with|used|picked|stuck with] {rival}[. {fail}|] / [{rival} would
  never|{rival} doesn't|even {rival} can] {basic_neg} / [you|{brand}] just lost [a|another]
  [customer|loyal customer|customer of {d2} years] / [loyal|long time] [customer|member] [for|of]
  {d2} years [and|but] [{fail}|this is how you treat me|not any more] / [avoid|stay away from|do
  not use|don't book|beware of|steer clear of] {brand}[, {fail}|. {fail}|] / {d1} [star|stars] [is
  too many|only because I can't give 0|from me]. {fail} / [give me|I want] my money back[.
  {fail}|, {more_bad}] / {brand} [needs|ought] to [get it together|do better|fix this|sort this
  out|explain itself]. {fail}
feeling:
  [worst|terrible|horrible|awful|pathetic|appalling|shocking|shameful|poor|lousy|horrendous|atrocious]
  [service|customer service|experience|company|app|{thing}] [ever|yet|today|in {city}|] [.
  {fail}|, {fail}|] / [so|very|extremely|really|beyond]
  [disappointed|frustrated|annoyed|upset|angry|let down|fed up|disgusted|unhappy] [with|by]
  [you|{brand}|your {staff}|my {thing}|your service] [. {fail}|, {fail}|] / [what a|such a]
  [joke|shambles|disgrace|mess|nightmare|rip off|waste of {d1} hours|fiasco|let down|horrible
  company] [. {fail}|, {brand}|] / {brand} [sucks|is the worst|is a joke|is trash|fails
  again|blows|stinks|has gone downhill] [. {fail}|, {fail}|] / [unhappy|not happy|not
  impressed|unimpressed|not good enough|not cool] [{brand}|at all|]. {fail} /
  [unacceptable|ridiculous|outrageous|unreal|unbelievable|absurd]. {fail} / [this is|that's|that
  is] [ridiculous|unacceptable|crazy|not ok|insane|a disgrace|so frustrating], {fail} / you
  [ruined|wrecked|spoiled|cost me] [my|our]
  [honeymoon|holiday|weekend|day|birthday|wedding|vacation|{money}|job interview] /
  [smh|ugh|wtf|omg|seriously|come on|jeez|fail|argh] {fail}
money: [I|we] [want|need|expect|demand|deserve|am owed] [a refund|compensation|my money back|my
  {money}|an explanation|an apology] [. {fail}|for {failing}|, {fail}|] / [{money}|an extra
  {money}] [for|just for] [a {thing}|what]? {ripoff} / [how do|how can|where do] I [complain|file
  a complaint|make a complaint|claim compensation|get my money back] [about {failing}|? {fail}|] /
  [you|they] [took|charged|owe|billed|stole|refuse to refund] [me|] {money} [for|after]
  {failing}[. {ripoff}|] / [no|zero|not even]
  [compensation|refund|apology|voucher|explanation|offer of help] [for|after|despite] {failing} /
  [you offer me|you gave me|got|so I get] a {money} [voucher|credit|coupon] [for|after] {failing}?
  [no thanks|insulting|really]
mixed: [thanks|thank you|thx|appreciate] [for|] [the reply|replying|the quick response|getting
  back to me|the apology], but [{fail}|that doesn't help|I already did that|it's still not
  fixed|my {thing} is still missing|the problem is still there] / [{name}|your {staff}] was
  [nice|polite|lovely|great|doing her best], [but|though|however] {fail} / [usually|normally|I
  used to] love [you|{brand}|your app], [but|today] {fail} / [I like|nice] the [new app|new
  look|free coffee|idea], [but|shame that|pity that] {fail} / [I appreciate|I get|I understand]
  [the weather|you're busy|it's not your fault|things happen], but {fail} / [glad|happy] [you|to]
  [replied|hear from you], [still|yet] {fail} / [great|good] [product|price|prices|food|crew],
  [terrible|awful|no|poor] [service|communication|support] / sorry [doesn't|won't|isn't going to]
  [fix|help|get me] [my {thing}|this|home] / apology [not accepted|means nothing|is nice], {fail}
terse: still [nothing|waiting|no {thing}|no answer|not fixed|broken|down|on hold|sitting here|no
  news] [{again}|] / [another|more] [delay|delays|excuses|day without {thing}|cancellation|error]
  [{again}|] / [no|zero] [{thing}|help|answer|update|communication|info|apology|staff]. [again.|at
  all.|none.|wow.] / {d1} [hours|days|weeks] [and counting|later|now|late|wasted|lost].
  [nothing.|{fail}|no {thing}.|] / [it's|its|it is] [still|] [not
  working|broken|down|late|wrong|missing] [{again}|] / [didn't|doesn't|did not]
  [work|help|happen|arrive] [{again}|] / [fail|epic fail|failed again|fix this|sort it out|do
  better|not good|wow|unreal] [{brand}|] / [same|it happened] [problem|thing|story|error|again]
  [{again}|as last week|today] / [wrong|missing|broken|late|lost] {thing} [{again}|] /
  [refused|denied|ignored|downgraded|overcharged|misinformed|stranded|stuck|forgotten] [by
  {brand}|by your {staff}|] [{again}|]
reply: [no|nope|no,|well no,] [that|it|this] [doesn't|didn't|did not] [help|work|answer my
  question|fix it|solve anything][. {fail}|, {fail}|] / I [already|] [did|tried|told
  you|sent|filled in|called|explained] that [{d1} times|on {day}|yesterday|twice][. {fail}|, no
  help|, nothing|] / [so you|you] [can't|won't|are not going to] [help|do anything|tell me
  anything|even apologise] [then|about my {thing}|]? / [that's|it's] [what you said|what I was
  told] [last week|on {day}|{d1} days ago][, {fail}|] / I [did|followed|filled in] [the form|the
  link|the steps|as you said] and [{fail}|it's the same|error {d3}|nothing happened] / [not|too
  late,|doesn't matter now,] [helpful|it's already ruined|I missed it|I bought it elsewhere].
  {more_bad} / [if I could|how can I] {request}, [I wouldn't be tweeting|I would have] / [I
  shouldn't have to|why should I have to|now I have to] [call again|pay for your
  mistake|wait|drive {d1} hours|{request} again] / [you guys|you] [keep|just keep] [saying
  that|sending the same reply|ignoring the question|asking for the same thing]
fault: [my|the|your] {thing} [isn't|is not|is still not|was not|wasn't] [working|here|showing
  up|right|what I asked for|ready|available|in the system|there] [any more|yet|{again}|][,
  {polite}|. {polite}|? {polite}|] / [my|the|your] {thing} [doesn't|does not|didn't|won't]
  [work|show up|arrive|go through|load|open|match|make sense|come] [{again}|][, {polite}|.
  {polite}|] / I [never|didn't|did not|still haven't|haven't] [got|get|received|see|found|had]
  [my|the|a|any] {thing} [{again}|][, {polite}|. {polite}|] / [there is|there's|I see] [a|an]
  [charge|fee|error|mistake|payment|extra amount|wrong name|{money} charge] [on|with|for] [my|the]
  {thing} [that I don't recognise|I didn't agree to|that is not mine|][, {polite}|. {polite}|] /
  [I|We] [got|were given|received|was sent] [the wrong|only half of the|someone else's|a damaged|a
  different|less than the] {thing} [I asked for|I paid for|]. {polite} / [someone|somebody]
  [used|hacked|stole|has opened|took] my {thing}[, {polite}|. {polite}] / where [is|are|the hell
  is] [my|the] {thing}[?|? {polite}|?? It's been {d1} days.|? {more_bad}] / [the|your]
  [fee|price|charge|total|amount|date|name|address] [for|on] [my|the] {thing} is [wrong|too
  high|not what was agreed|incorrect|not right][, {polite}|. {polite}|]
story: I [tried|was trying|have tried] to {request} [last night|yesterday|this morning|on
  {day}|{d1} times] [and|but] [it failed|it was declined|got an error|the page froze|was
  refused|had no luck|it never went through|nobody could help][. [Both times|Every time] the
  same|. Same on my [phone|laptop]|]. {polite} / [I|We] [ordered|booked|paid for|asked for|signed
  up for] a {thing} {d1} [days|weeks|months] ago [and|but] [it has not come|I have heard
  nothing|it's not here|nothing happened|I got something else|it was cancelled]. {polite} /
  [everything|it] [was fine|worked] until [{day}|the update|last week|I moved], [now|since then]
  {fail}. {polite} / [after|since] [the update|I changed my address|the upgrade|{day}|your last
  email] {fail}. {polite} / I was [so|really|very] [excited|happy|looking forward] [about|to
  get|with] my {thing} [but|until|and then] {fail} / [first|at first] [you|they|your {staff}]
  [said|told me] [it was fine|{d1} days|it's confirmed|no problem], [then|now|today] {fail} /
  [I|we] [did everything|filled in the form|waited|paid on time|arrived early] [as told|as
  asked|like everyone else|] [and|but|yet] {fail}. {polite}
polite: [Can|Could|Would] you [please|] [look into it|check|help|investigate|fix it|tell me why|do
  something|explain]? / [Please|Pls|Kindly] [help|check|look into this|fix|advise|explain|refund
  me|respond]. / What [is going on|is happening|should I do|do I do now|happened|now]? / [Why|Why
  is that|How come]? / I need [this|it|my {thing}] [today|by {day}|back|fixed]. / [Help|Help me]
  [please|out|]. / [Any idea|Any news|Any update|Anyone]? / {more_bad}
more_bad: No [explanation|apology|update|answer|refund|help|one cares]. / [Nobody|No one]
  [knows|cares|answers|told us] [anything|why|]. / [Third|Second|{d1}th] time [this
  [week|month|year]|]. / [It's been|That was] {d1} [hours|days|weeks]. / [Worst|Poor|Terrible]
  service. / [Not|This is not] [ok|okay|acceptable|cool|good enough]. / [Fix|Sort] [it|this]. /
  I've [called|written|asked] {d1} times. / [What a|Such a] [joke|mess|shame]. / I [want|need] [a
  refund|answers|my money back|an explanation]. / [Please|pls] [fix|help|explain|sort this out]. /
  I [had|have] to [pay|buy another|wait|sleep here]. / [My|Our] [kids are crying|day is
  ruined|plans are ruined|time is money]. / [Any|Some] [help|update|answer|compensation] would be
  nice.
and_bad: [and|but] [nobody|no one] [will help|answers|cares|can tell me why|seems to know] /
  [and|but] [you|they] [won't|refuse to] [refund|help|do anything|pay|fix it] / [for|this is] the
  [second|third|{d1}th] time / [and|so] I [missed|lost|had to pay] [my meeting|a day's
  pay|{money}|everything] / [with|and] no [explanation|apology|update|refund] / [after|despite]
  {d1} [calls|emails|weeks of waiting] / again / and [the|your] {staff} [shrugged|was rude|hung
  up|couldn't care less]
ripoff: [Rip off|Ridiculous|Robbery|Greedy|Daylight robbery|Seriously|Not ok|Absurd|No
  thanks|Crazy].
slow_clap: [Slow clap|Well done|Bravo|A+|Keep it up|Really classy|So helpful|10/10|Awesome
  service].
ty: thanks / thanks a lot / well done / cheers / great job
again: again / once more / as usual / for the third time / today / this week / as always / for
  {d1} hours
a_perk: premium / status / priority / insurance / express delivery / a warranty / a membership / a
  reservation / your app
rival: [the competition|your competitor|someone else|another company|anyone else|the other
  guys|{rival_name}]
rival_name: Skywise / Bluebird / Quickly / Parley / Nextly / Orbit / Fernway
basic_neg: do this / mess up like this / treat people this way / lose a {thing} / charge for that
  / leave us like that
year: 2024 / 2025 / 2026
""")

FAMILIES: Final = {
    "problem": 22, "problem_asking": 8, "why_cant": 7, "why_now": 6, "contact": 14, "failed": 10,
    "staff_bad": 6, "sarcasm": 8, "leaving": 6, "feeling": 9, "money": 6, "mixed": 5, "terse": 7,
    "reply": 6, "fault": 12, "story": 8,
}  # fmt: skip
"""How often each is meant, by weight."""
