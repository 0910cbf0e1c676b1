"""The script that adds a batch to the totals in Redis, or does nothing at all.

KEYS: positions, runs, then counts, labels, cloud labels and tiers of each scope.
ARGV: position's field, expected position (empty where there is none), next position, prefix of all
keys, most runs, most labels, label of the rest; then for each scope the number of counts and each
name and sum, first and last moment (empty where there is none), the same as counts for labels,
cloud labels and tiers, and ``live``, or ``run`` and the run id.

Answers 1 when the batch was added, 0 when the position was another.
"""

from typing import Final

# Checks come before the first write, because Redis does not undo a script that fails half-way. The
# first write is one that Redis refuses when it is read-only or out of memory; after it, Redis lets
# the script finish. A sum that would overflow stops at the largest integer, for the same reason.
APPLY: Final = """
local place, expected, following = ARGV[1], ARGV[2], ARGV[3]
local prefix, max_runs, max_labels, other = ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]

for i, key in ipairs(KEYS) do
  local kind = redis.call('TYPE', key).ok
  if kind ~= 'none' and kind ~= (i == 2 and 'zset' or 'hash') then
    return redis.error_reply('WRONGTYPE a key of the totals holds another kind of value')
  end
end

if (redis.call('HGET', KEYS[1], place) or '') ~= expected then return 0 end
redis.call('HSET', KEYS[1], place, following)

local at = 8
local function take()
  at = at + 1
  return ARGV[at - 1]
end

local function add(key, name, count)
  local answer = redis.pcall('HINCRBY', key, name, count)
  if type(answer) == 'table' and answer.err then
    redis.call('HSET', key, name, '9223372036854775807')
  end
end

local function add_labels(key)
  for _ = 1, tonumber(take()) do
    local name, count = take(), take()
    if redis.call('HEXISTS', key, name) == 0 and redis.call('HLEN', key) >= max_labels then
      name = other
    end
    add(key, name, count)
  end
end

local function stretch(key, name, moment, sign)
  if moment == '' then return end
  local old = redis.call('HGET', key, name)
  if not old or sign * tonumber(moment) > sign * tonumber(old) then
    redis.call('HSET', key, name, moment)
  end
end

local function touch_run(run)
  local newest = redis.call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')
  redis.call('ZADD', KEYS[2], newest[2] and tonumber(newest[2]) + 1 or 1, run)
  if redis.call('ZCARD', KEYS[2]) > max_runs then
    local oldest = 'run:' .. redis.call('ZPOPMIN', KEYS[2])[1]
    redis.call('DEL', prefix .. 'counts:' .. oldest, prefix .. 'labels:' .. oldest,
      prefix .. 'cloud-labels:' .. oldest, prefix .. 'tiers:' .. oldest)
  end
end

for scope = 1, (#KEYS - 2) / 4 do
  local first = 4 * scope - 1
  local counts = KEYS[first]
  for _ = 1, tonumber(take()) do add(counts, take(), take()) end
  stretch(counts, 'first_ms', take(), -1)
  stretch(counts, 'last_ms', take(), 1)
  for kind = 1, 3 do add_labels(KEYS[first + kind]) end
  if take() == 'run' then touch_run(take()) end
end
return 1
"""
