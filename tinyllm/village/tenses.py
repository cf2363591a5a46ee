"""The past and the present of the verbs that the village uses."""

from __future__ import annotations

_BASES = """
added:add agreed:agree announced:announce answered:answer arranged:arrange arrived:arrive
asked:ask ate:eat baked:bake became:become began:begin believed:believe belonged:belong
blinked:blink bought:buy bowed:bow broke:break brought:bring built:build buried:bury burned:burn
called:call came:come carried:carry chased:chase cheered:cheer clapped:clap cleaned:clean
climbed:climb closed:close combed:comb cooked:cook cost:cost could:can counted:count creaked:creak
cried:cry cut:cut danced:dance dashed:dash decided:decide declared:declare did:do drank:drink
dreamed:dream drew:draw dripped:drip dropped:drop drummed:drum ended:end explained:explain
fed:feed fell:fall felt:feel fetched:fetch filled:fill flew:fly followed:follow forgot:forget
found:find frightened:frighten frowned:frown gave:give gazed:gaze glanced:glance got:get
greeted:greet grew:grow had:have handed:hand happened:happen heard:hear held:hold helped:help
hid:hide hit:hit hoped:hope hummed:hum hung:hang hurried:hurry invited:invite joined:join
jumped:jump kept:keep knew:know knocked:knock landed:land lasted:last laughed:laugh lay:lie
leaned:lean learned:learn left:leave let:let licked:lick lifted:lift liked:like listened:listen
lived:live looked:look lost:lose loved:love made:make marched:march meant:mean measured:measure
mentioned:mention met:meet missed:miss moved:move mumbled:mumble murmured:murmur muttered:mutter
needed:need nodded:nod offered:offer opened:open owned:own paid:pay painted:paint passed:pass
peered:peer picked:pick planned:plan played:play pointed:point poured:pour practised:practise
promised:promise proved:prove pulled:pull pushed:push put:put raced:race rained:rain ran:run
rang:ring read:read remembered:remember replied:reply returned:return rolled:roll rowed:row
rushed:rush said:say sang:sing sank:sink sat:sit saved:save saw:see scratched:scratch
searched:search seemed:seem sent:send shared:share shook:shake showed:show shut:shut sighed:sigh
skipped:skip slept:sleep slipped:slip smelled:smell smiled:smile sneezed:sneeze sniffed:sniff
snored:snore sold:sell sorted:sort sounded:sound spoke:speak squinted:squint stared:stare
started:start stayed:stay stepped:step stood:stand stopped:stop strolled:stroll struck:strike
swam:swim swept:sweep talked:talk tasted:taste thanked:thank thought:think threw:throw ticked:tick
tickled:tickle tied:tie tiptoed:tiptoe told:tell took:take tried:try trotted:trot trudged:trudge
trusted:trust turned:turn used:use waited:wait walked:walk wandered:wander wanted:want washed:wash
watched:watch waved:wave went:go whispered:whisper wiped:wipe wished:wish woke:wake won:win
wore:wear worked:work would:will wrapped:wrap wrote:write yawned:yawn
"""

BASES = dict(pair.split(":") for pair in _BASES.split())
"""Past -> base form: "went" -> "go". "was" and "were" are not among them."""

_ODD = {"have": "has", "can": "can", "will": "will"}


def third(base: str) -> str:
    """The present tense of a single subject.

    >>> third("go"), third("carry"), third("play"), third("have"), third("can")
    ('goes', 'carries', 'plays', 'has', 'can')
    """
    if base in _ODD:
        return _ODD[base]
    if base[-1] == "y" and base[-2] not in "aeiou":
        return base[:-1] + "ies"
    return base + ("es" if base.endswith(("s", "x", "z", "ch", "sh", "o")) else "s")


PRESENT = {past: third(base) for past, base in BASES.items()} | {"was": "is"}
"""Past -> present of a single subject."""
PRESENT_OF_MANY = BASES | {"were": "are"}
"""Past -> present of several subjects."""
