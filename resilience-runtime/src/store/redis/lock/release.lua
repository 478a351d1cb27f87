#!lua flags=allow-oom
-- KEYS: the lock, its line, their places. ARGV: nonce, trace (ms), place (ms).
local lock, line, places = KEYS[1], KEYS[2], KEYS[3]
local nonce, place = ARGV[1], tonumber(ARGV[3])
redis.call('ZREM', line, nonce)
redis.call('HDEL', places, nonce)

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local there = redis.call('HMGET', lock, 'nonce', 'until')
if there[1] == nonce then
  -- The token stays, for the next one's to be greater.
  redis.call('HDEL', lock, 'nonce', 'until')
  redis.call('PEXPIRE', lock, ARGV[2])
elseif there[1] and tonumber(there[2]) > now then
  return
end

local head = redis.call('ZRANGE', line, 0, 0)[1]
while head do
  local there = redis.call('HGET', places, head)
  local seen, channel = (there or '0 '):match('^(%d+) (.*)$')
  if seen + place > now then
    redis.call('PUBLISH', channel, head .. '\n')
    return
  end
  redis.call('ZREM', line, head)
  redis.call('HDEL', places, head)
  head = redis.call('ZRANGE', line, 0, 0)[1]
end
