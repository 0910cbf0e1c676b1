"""What a customer says when something went well."""

from typing import Final

from training.generator.posts.grammar import Vocabulary, vocabulary

GOOD: Final[Vocabulary] = vocabulary("""
thanks: {ty}[!|!!|.|] / {ty} [{brand}|{name}|guys|team|so much|again|all] [!|.|] / {ty} for
  {perk}[!|.|, {brand}!|. {warm}] / {ty} for [the help|your help|helping me {request}|the quick
  reply|the fast response|getting back to me|sorting it out|taking care of us|everything][!|.
  {warm}|] / [just|I] [wanted|want] to [say thanks|thank {name}|thank your {staff}|give a shout
  out to {name}|say well done] [for {perk}|. {praise}|: {praise}|] / [got it|it worked|that
  worked|all set|all good now|problem solved|sorted|that did it|perfect|found it][, {ty}|. {ty}|!
  {ty}|, {ty} {name}] / [ok|great|perfect|awesome|cool|excellent|wonderful|lovely|brilliant][,|!|]
  {ty}[!|.|] / [appreciate|I appreciate|much appreciated|we appreciate] [it|the help|{perk}|you
  guys|your time|the quick reply] [!|.|] / {ty}, [that helps|that's helpful|very helpful|you're
  the best|have a great {day}|you too|will do|that's all I needed]
staff_good: [your|the] {staff} [{name}|in {city}|] [was|is|were|are] [so|absolutely|really|super|]
  [helpful|kind|lovely|amazing|fantastic|patient|friendly|great|wonderful|awesome|the best]
  [today|!|. {warm}|] / [shout out|shoutout|big thanks|kudos|props|hats off|cheers|a huge thank
  you] to [{name}|your {staff}|the team|{name} in {city}|the {staff}] [for {perk}|, {praise}|for
  going above and beyond|] [!|] / [{name}|your {staff} {name}] [deserves a raise|is a star|is a
  keeper|made my day|rocks|went above and beyond|saved the day|is awesome|took such good care of
  us][!|. {warm}|] / [best|nicest|friendliest|most helpful] {staff} [ever|in {city}|I've met|in
  years][!|, {praise}|] / [great|excellent|outstanding|amazing|top
  notch|superb|stellar|impressive|first class] [service|customer
  service|help|support|crew|team|people] [from {name}|today|as always|in {city}|at {brand}|][!|.
  {praise}|. {warm}|]
product: {praise}[!|.|. {warm}|, {ty}!|, {ty}|] / [wow|omg|yay|just|so|honestly|finally|well,]
  {praise}[!|] / [my|the|this|your] {thing} [is|was] [great|amazing|perfect|awesome|fantastic|so
  good|flawless|super easy|better than expected|on time and perfect][!|. {warm}|] /
  [love|loving|really love|in love with|so happy with|very pleased with|impressed by|obsessed
  with] [my|the|your|this] [new|] {thing}[!|. {warm}|, {praise}|] / {praise} and {praise}[!|] /
  [best|easiest|smoothest|fastest] {thing} [ever|in years|yet|so far][!|, {ty}|. {praise}] /
  [easy|quick|painless|smooth|simple|fast] to {request}[, love it|, {ty}|!|. {warm}] /
  [managed|was able] to {request} in [{d1} minutes|seconds|no time][!|, {ty}|, great app|. {warm}]
relief: [it's|its|it is|my {thing} is|finally]
  [working|back|here|fixed|sorted|resolved|arrived|confirmed] [again|now|][!|, {ty}|. {ty}|,
  phew|, so relieved|, great job] / [phew|yay|finally|hooray|woohoo][!|,] [{praise}|my {thing}
  arrived|got my {thing}|they fixed it|it works] / [{fail_past}|I was worried|I had a problem|I
  was ready to complain], [but|then] [{name}|your {staff}|your team|you] [fixed it|sorted it|made
  it right|saved the day|turned it around|solved it in minutes] [!|. {ty}|, {ty}|. {warm}] /
  [impressed|surprised|amazed] [how|by how|at how] [fast|quickly|well|nicely] [you|{name}|your
  {staff}|{brand}] [handled|fixed|sorted|solved] [it|my {thing}|the mix-up|this] / you [made it
  right|came through|sorted it|got it done|kept your word][, {ty}|! {ty}|. {warm}|, customer for
  life] / [refund|replacement|{thing}|credit] [received|arrived|just came through|confirmed], {ty}
love: [love|I love|we love|luv|loving] [you guys|{brand}|your {staff}|this company|flying with
  you|your app|the new look|you] [!|so much|. {praise}|. {warm}|❤️] / {brand} [is|are] [the
  best|my favourite|awesome|the only ones I trust|amazing|killing it|so good|great|top class][!|.
  {praise}|. {warm}|] / [always|never] [a pleasure|happy|a delight|lets me down|disappoints]
  [with|using|to use|,] {brand}[!|. {praise}|] / [loyal|happy|proud] [customer|member|fan] [for
  life|for {d2} years|always][!|. {praise}|] / [will|would|I'll] [definitely|happily|certainly|]
  [be back|use you again|recommend you|book again|tell my friends|come back][!|. {praise}|. {ty}]
  / [highly|totally|would|can't] recommend[ {brand}| enough|][!|. {praise}] / [five|5] stars[!|.
  {praise}|, {praise}] / {d1}/{d1}, [10/10|would recommend|no notes], {praise} / [this
  is|that's|now that's|that is] [why I|how you|what I call] [choose you|stay with you|do
  it|service|love you|customer service][!|. {praise}|] / [so|really|very]
  [happy|glad|pleased|excited] [I|we|that I] [chose|switched to|picked|found|went with]
  {brand}[!|. {praise}]
excited: [can't wait|so excited|excited|looking forward|counting the days|stoked] [for|to try|to
  see|to get] [my|the|our] [new|first|next] {thing}[!|!!| 🎉|, {ty}| with {brand}!] /
  [yay|woohoo|yes|omg], [{praise}|my {thing} is here|just booked my {thing}|got my {thing}|off to
  {city}|upgraded][!|!!] / [happy|best|great] [birthday|day|news|way to start the {day}][,
  {praise}|! {praise}|. {ty}|] / [you|{brand}] [made|just made] my
  [day|week|morning|{day}|daughter's day|holiday][!|. {ty}|. {praise}|] / congrats on [the
  award|the new {thing}|{d2} years|the launch][!|, well deserved|, {brand}] / [this|the|your]
  [ad|video|tweet|reply|joke|playlist] is [hilarious|the best|so
  funny|brilliant|genius|lol|adorable] [😂|❤️|] / [lol|haha|ha][,|!|] [you guys are funny|best
  reply ever|well played|love the humour|made me laugh|that's cute|you win] [{brand}|!|] /
  [good|nice|well] [job|work|done|one] [{brand}|{name}|team|today|everyone][!|. {praise}|,
  {praise}|]
ty: thanks / thank you / thank you so much / thanks so much / thx / many thanks / thanks a lot /
  thanks a million / cheers / ty / much appreciated / thank you very much / thankyou / big thanks
warm: [You rock|You guys rock|Love it|So happy|Made my day|Keep it up|Keep up the good
  work|Impressive|Very impressed|Will be back|Great job|Best ever|Customer for
  life|10/10|Bravo|Well done|So grateful|Great experience|Awesome|Happy customer].
fail_past: [my {thing} was lost|it started badly|something went wrong|my {thing} was delayed|I
  made a mistake with my {thing}|things looked bad]
""")

FAMILIES: Final = {
    "thanks": 30, "staff_good": 16, "product": 18, "relief": 10, "love": 16, "excited": 10,
}  # fmt: skip
"""How often each is meant, by weight."""
